"""A Pyomo model, with whatever its planner added, solved whole.

Pyomo compiles the model to a matrix and HiGHS searches it, as it searches ours: stopped by the same clock,
with the same tolerances, one thread. What the planner added can only take plans away, so the bound that
prices prove for the instance holds for the model too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
import pyomo.environ as pyo
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from couponry.instances.errors import BackendError, InputError
from couponry.instances.instance import Instance
from couponry.instances.program import Program
from couponry.solver.backends.pyomo_model import OURS, to_pyomo
from couponry.solver.engine import Pairs
from couponry.solver.integer import PairProgram
from couponry.solver.prices import PriceBook

__all__ = ["PyomoProgram", "whole_program"]

OURS_ALONE = "The bound and the judge go by the instance: change the instance's rules, or add a constraint"


def whole_program(program: Program, book: PriceBook, pairs: Pairs, *, seed: int, model: Any) -> PairProgram:
    """Return the program over all pairs with what the model adds to it.

    Parameters
    ----------
    model : tuple of (Instance, pyomo.environ.ConcreteModel or None)
        Without a model the instance's own is made.
    """
    del seed
    instance, given = model
    return PyomoProgram(program, book, pairs, instance, to_pyomo(instance) if given is None else given)


@dataclass(frozen=True)
class _Compiled:
    """A model as Pyomo compiles it.

    Each row is its constraint, its sense (1: at most, −1: at least, 0: equal), columns, coefficients, side.
    """

    columns: list[Any]
    rows: list[tuple[Any, int, np.ndarray, np.ndarray, float]]
    objective: np.ndarray
    constant: float


class PyomoProgram(PairProgram):
    """The instance's program over all pairs, with the rows and variables that a model adds.

    Parameters
    ----------
    program : Program
    book : PriceBook
    pairs : Pairs
    instance : Instance
    model : pyomo.environ.ConcreteModel
        As :func:`to_pyomo` makes it of this instance, with constraints and variables added, variables fixed
        or bounded.

    Raises
    ------
    InputError
        If the model is of another instance, changes what is the instance's, or is not linear.
    """

    def __init__(
        self, program: Program, book: PriceBook, pairs: Pairs, instance: Instance, model: Any
    ) -> None:
        super().__init__(program, book, pairs, np.zeros(book.n_rows))
        fresh = to_pyomo(instance)
        _check_parts(fresh, model)
        _check_linear(model)
        with _unfixed(model) as fixed:
            given = _compile(model)
            self.give_bounds = np.array([_bounds(v, fixed) for v in model.give.values()]).reshape(-1, 2)
            _check_unchanged(_compile(fresh), given, fresh, model)
            own = {id(v): p for p, v in enumerate(model.give.values())}
            self.extra = [v for v in given.columns if id(v) not in own]
            self.extra_bounds = np.array([_bounds(v, fixed) for v in self.extra]).reshape(-1, 2)
        position = own | {id(v): len(own) + e for e, v in enumerate(self.extra)}
        self.place = np.array([position[id(v)] for v in given.columns], dtype=np.int64)
        self.added_rows = [row for row in given.rows if not _is_ours(row[0], model)]
        self.added = _names(self.added_rows, self.give_bounds)

    def _pass(self, highs: highspy.Highs, slack: tuple[int, float] | None = None) -> None:
        assert slack is None, "the least change is looked for on the instance alone"
        super()._pass(highs)
        for v, (lower, upper) in zip(self.extra, self.extra_bounds, strict=True):
            _hear(highs.addVar(lower, upper))
            if not v.is_continuous():
                _hear(highs.changeColIntegrality(highs.getNumCol() - 1, highspy.HighsVarType.kInteger))
        for p in np.flatnonzero((self.give_bounds != (0.0, 1.0)).any(axis=1)):
            _hear(highs.changeColBounds(int(p), *self.give_bounds[p]))
        for _, sense, at, values, side in self.added_rows:
            lower = -np.inf if sense > 0 else side
            upper = np.inf if sense < 0 else side
            _hear(highs.addRow(lower, upper, len(at), self.place[at].astype(np.int32), values))


def _hear(status: highspy.HighsStatus) -> None:
    if status == highspy.HighsStatus.kError:
        raise BackendError("HiGHS refused what the Pyomo model adds")


def _compile(model: Any) -> _Compiled:
    try:
        form = LinearStandardFormCompiler().write(model, mixed_form=True)
    except Exception as error:  # Pyomo's writers raise many kinds
        raise InputError(
            f"Pyomo cannot write the model as a linear program: {error}",
            mend="Add linear constraints and plain variables only",
        ) from error
    matrix = form.A.tocsr()
    rows = []
    for r, (constraint, sense) in enumerate(form.rows):
        part = slice(matrix.indptr[r], matrix.indptr[r + 1])
        rows.append((constraint, sense, matrix.indices[part], matrix.data[part], float(form.rhs[r])))
    objective = np.asarray(form.c.todense(), dtype=np.float64).reshape(-1)
    return _Compiled(list(form.columns), rows, objective, float(form.c_offset[0]))


@contextmanager
def _unfixed(model: Any) -> Iterator[dict[int, float]]:
    """Free the fixed variables while the model is compiled, so that their columns stay."""
    fixed = [v for v in model.component_data_objects(pyo.Var) if v.fixed]
    for v in fixed:
        v.unfix()
    try:
        yield {id(v): float(pyo.value(v)) for v in fixed}
    finally:
        for v in fixed:
            v.fix()


def _bounds(v: Any, fixed: dict[int, float]) -> tuple[float, float]:
    if id(v) in fixed:
        return fixed[id(v)], fixed[id(v)]
    lower, upper = v.bounds
    return -np.inf if lower is None else float(lower), np.inf if upper is None else float(upper)


# -------------------------------------------------------------- what a planner may not do


def _check_parts(fresh: Any, model: Any) -> None:
    """Refuse a model that was made of another instance, or lost a part of ours."""
    for name in ("give", "objective", *OURS):
        if model.component(name) is None:
            raise InputError(
                f"the model has no {name!r}", parameter="model", mend="Start from cp.to_pyomo(instance)"
            )
    if list(fresh.give) != list(model.give):
        raise InputError(
            "the model was made of another instance: its pairs are not this instance's",
            parameter="model",
            mend="Make it anew with cp.to_pyomo(instance)",
        )
    objectives = [o.name for o in model.component_data_objects(pyo.Objective, active=True)]
    if objectives != ["objective"]:
        raise InputError(
            "the model's objective is not the instance's",
            parameter="model",
            value=objectives,
            mend="Keep 'objective' alone active, and set what is optimised in the instance's campaign",
        )


def _check_linear(model: Any) -> None:
    for constraint in model.component_data_objects(pyo.Constraint, active=True):
        if constraint.body.polynomial_degree() not in (0, 1):
            raise InputError(
                f"constraint {constraint.name!r} of the model is not linear",
                parameter="model",
                mend="Write it as a sum of numbers times variables",
            )


def _is_ours(constraint: Any, model: Any) -> bool:
    component = constraint.parent_component()
    return component.local_name in OURS and component.parent_block() is model


def _check_unchanged(ours: _Compiled, given: _Compiled, fresh: Any, model: Any) -> None:
    """Refuse a model in which a row, a variable or the objective of the instance is another one."""
    wanted, found = _signatures(ours, fresh), _signatures(given, model)
    for name, row in wanted.items():
        if found.get(name) != row:
            raise InputError(
                f"constraint {_shown(name)!r} of the model is not the instance's any more",
                parameter="model",
                mend=OURS_ALONE,
            )
    more = set(found) - set(wanted)
    if more:
        raise InputError(
            f"constraint {_shown(more.pop())!r} is no rule of the instance",
            parameter="model",
            mend=f"{OURS_ALONE} of its own",
        )
    if _costs(ours) != _costs(given):
        raise InputError(
            "the model's objective is not the instance's", parameter="model", mend="Set it in the campaign"
        )
    loose = [v.name for v in model.give.values() if not v.is_binary()]
    if loose:
        raise InputError(
            f"variable {loose[0]!r} of the model is not binary any more",
            parameter="model",
            mend="Bound or fix it instead",
        )


def _key(component: Any) -> tuple[str, Any]:
    """Return a variable or constraint as (component, index): printed names of ids can coincide."""
    return component.parent_component().local_name, component.index()


def _shown(signature: tuple[tuple[str, Any], int]) -> str:
    (component, index), _ = signature
    return f"{component}[{index}]"


def _signatures(compiled: _Compiled, model: Any) -> dict[tuple[tuple[str, Any], int], Any]:
    keys = [_key(v) for v in compiled.columns]
    return {
        (_key(constraint), sense): (side, {keys[c]: a for c, a in zip(at, values, strict=True)})
        for constraint, sense, at, values, side in compiled.rows
        if _is_ours(constraint, model)
    }


def _costs(compiled: _Compiled) -> tuple[float, dict[tuple[str, Any], float]]:
    named = zip(compiled.columns, compiled.objective.tolist(), strict=True)
    return compiled.constant, {_key(v): c for v, c in named if c}


def _names(rows: list[Any], give_bounds: np.ndarray) -> tuple[str, ...]:
    """Return what the planner added, by name."""
    names = dict.fromkeys(row[0].name for row in rows)
    held = int((give_bounds != (0.0, 1.0)).any(axis=1).sum())
    return (*names, *([f"{held:,} variables fixed or bounded"] if held else []))
