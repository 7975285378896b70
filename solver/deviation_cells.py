"""Cells of the partition of standard deviations, each bounded by an ordinary solve."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from couponry.instances.program import BlockProgram
from couponry.solver.solution import Cell, Certificate, Infeasibility, Status
from couponry.solver.stand_ins import Box
from couponry.solver.taken import Taken

__all__ = ["Bounded", "Linear", "LinearSolve", "Node", "Solved"]

AnyProgram = TypeVar("AnyProgram", bound=BlockProgram, contravariant=True)


class Solved(Protocol):
    """What an ordinary solve answers, wherever its plan is."""

    @property
    def status(self) -> Status:
        """What was found."""
        ...

    @property
    def bound(self) -> float:
        """Proven best possible objective."""
        ...

    @property
    def certificate(self) -> Certificate:
        """The proof of the bound."""
        ...

    @property
    def infeasibility(self) -> Infeasibility | None:
        """Why no plan exists."""
        ...

    @property
    def stats(self) -> dict[str, Any]:
        """Method, passes and the like."""
        ...


@dataclass(frozen=True)
class Bounded:
    """A bound that needed no solve of its own."""

    bound: float
    certificate: Certificate
    stats: dict[str, Any]
    status: Status = Status.NO_SOLUTION
    infeasibility: Infeasibility | None = None


@dataclass(frozen=True)
class Linear:
    """An ordinary solve, and what of it the certificate needs.

    Attributes
    ----------
    solution : Solved
    taken : Taken or None
        Its plan.
    multipliers : ndarray of float64, shape (K,)
    proven : float
        What they prove of ``sense · objective``; infinite where the solve ended before.
    exact : bool
        Whether the whole integer program was searched.
    """

    solution: Solved
    taken: Taken | None
    multipliers: np.ndarray
    proven: float
    exact: bool


class LinearSolve(Protocol[AnyProgram]):
    """Solves a program without rows at risk."""

    def __call__(
        self,
        program: AnyProgram,
        last: Solved | None,
        *,
        plan: bool = True,
        explain: bool = False,
    ) -> Linear:
        """Solve from a former solution: without ``plan`` a bound, with ``explain`` clashes and mends too."""
        ...


@dataclass(frozen=True)
class Node:
    """A cell of the partition, its bound on ``sense · objective`` and the plan of its relaxation."""

    box: Box
    bound: float
    answer: Linear
    deviations: Mapping[int, float] | None

    @property
    def farkas(self) -> np.ndarray | None:
        """Multipliers that prove that the cell holds no plan."""
        why = self.answer.solution.infeasibility
        return None if why is None else why.multipliers

    @property
    def proven(self) -> float:
        """What multipliers prove of ``sense · objective``."""
        return -math.inf if self.farkas is not None else self.answer.proven

    def cell(self, program: BlockProgram) -> Cell:
        """Return what the certificate says of it."""
        multipliers = self.answer.multipliers if self.farkas is None else self.farkas
        names = self.answer.solution.certificate.names
        return Cell(
            deviations={program.rows[k].name: sides for k, sides in self.box.items()},
            multipliers=dict(zip(names, multipliers.tolist(), strict=True)),
            bound=program.sense * self.proven,
            infeasible=self.farkas is not None,
        )
