"""What the back ends say, turned into what a solve goes on with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from couponry.instances.program import Program
from couponry.solver.backends import BACKENDS
from couponry.solver.backends.linear import LinearProgram
from couponry.solver.backends.vertex import vertex_answer
from couponry.solver.clock import Clock
from couponry.solver.dual import DualAnswer
from couponry.solver.engine import Pairs
from couponry.solver.farkas import prove_by_prices
from couponry.solver.feasibility import excesses
from couponry.solver.integer import PairProgram, eligible_pairs
from couponry.solver.local import LocalEngine
from couponry.solver.master import CoreAnswer
from couponry.solver.prices import PriceBook
from couponry.solver.rounding import keep_rows_exactly

__all__ = ["Claim", "added_alone_clash", "linear_answer", "really_infeasible", "whole_program"]

COARSEST, FINEST = 1e-5, 1e-8
"""Between these lies the precision asked of a linear back end, a tenth of the gap."""


@dataclass(frozen=True)
class Claim:
    """What a linear back end answered.

    Attributes
    ----------
    answer : DualAnswer or None
        None where it says that no plan exists and its multipliers do not prove it, or where it found nothing.
    infeasible : bool
    status : str
        In its own word.
    """

    answer: DualAnswer | None
    infeasible: bool
    status: str


def linear_answer(
    method: str, program: Program, book: PriceBook, engine: LocalEngine, clock: Clock, gap: float
) -> Claim:
    """Solve the relaxation by a linear back end.

    Raises
    ------
    BackendError
        If the back end fails.
    """
    problem = LinearProgram.of(program, book, np.arange(program.n_users))
    if not len(problem.objective):
        return Claim(None, False, "no eligible pairs")
    clock.tell("linear program", 0, None, f"{len(problem.objective):,} pairs")
    precision = min(COARSEST, max(FINEST, 0.1 * gap))
    found = BACKENDS[method].load().solve_linear(problem, clock, precision=precision)
    multipliers = book.clip(problem.multipliers(found.dual))
    if found.infeasible:
        proof = prove_by_prices(engine, book, multipliers)
        return Claim(None if proof is None else _proven(book, proof), True, found.status)
    x = np.zeros(len(problem.objective)) if found.x is None else found.x
    answer = vertex_answer(program, book, engine, problem, multipliers, x, clock)
    return Claim(answer, False, found.status)


def _proven(book: PriceBook, proof: np.ndarray) -> DualAnswer:
    nothing, nobody = np.zeros(book.n_rows), np.empty(0, np.int64)
    table = np.empty((0, book.program.places), bool)
    core = CoreAnswer(proof, -np.inf, nothing, nobody, table, np.empty(0, bool), np.empty(0))
    return DualAnswer(proof, proof, core, {}, False, nothing, proof=proof)


def whole_program(
    method: str, program: Program, book: PriceBook, *, seed: int = 0, model: Any = None
) -> PairProgram:
    """Return the whole program as an integer back end solves it."""
    everyone = eligible_pairs(program, np.arange(program.n_users))
    make: Callable[..., PairProgram] = BACKENDS[method].load().whole_program
    return make(program, book, everyone, seed=seed, model=model)


def really_infeasible(program: Program, book: PriceBook, clock: Clock) -> bool | None:
    """Return whether HiGHS, too, finds no plan of the rules alone; None if it stopped before."""
    problem = whole_program("highs", program, book)
    nobody = Pairs(np.empty(0, np.int64), np.empty(0, np.int64))
    if not excesses(program, nobody).any():
        return False
    picked, answer = keep_rows_exactly(problem, None, clock)
    if picked is not None:
        return False
    return True if answer.infeasible else None


def added_alone_clash(problem: PairProgram, clock: Clock) -> bool:
    """Return whether a second search, without presolve, finds no plan of a planner's model either."""
    problem.presolve = "off"
    problem.forbidden.clear()
    problem.margin[:] = 0.0
    picked, answer = keep_rows_exactly(problem, None, clock)
    return picked is None and answer.infeasible
