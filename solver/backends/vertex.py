"""From a linear back end's fractions to an answer that our own rounding takes.

A first-order or interior answer leaves many users a little split. Whoever it leaves whole, and with what the
multipliers would choose, is fixed, but for those nearest to changing their mind; over the others HiGHS's
simplex finds a vertex, which splits no more users than there are binding rows.
"""

from __future__ import annotations

import highspy
import numpy as np

from couponry.instances.program import Program
from couponry.solver.backends.linear import LinearProgram
from couponry.solver.bound import dual_bound
from couponry.solver.clock import Clock
from couponry.solver.dual import DualAnswer
from couponry.solver.engine import Pairs
from couponry.solver.highs import Sparse, new_highs, pass_model, run
from couponry.solver.local import LocalEngine
from couponry.solver.master import CoreAnswer
from couponry.solver.prices import PriceBook

__all__ = ["vertex_answer"]

WHOLE = 1e-3
"""Fractions this near to 0 or 1 count as whole."""
NEAREST = 3000
"""Users nearest to changing their mind, whom rounding may decide on beside those."""
SHORTFALL = 1e3
"""Price of a row broken for want of what was fixed, in natural sizes."""


def vertex_answer(
    program: Program,
    book: PriceBook,
    engine: LocalEngine,
    problem: LinearProgram,
    multipliers: np.ndarray,
    x: np.ndarray,
    clock: Clock,
) -> DualAnswer:
    """Return multipliers, settled users and split users, as :mod:`couponry.solver.rounding` takes them.

    Parameters
    ----------
    program : Program
    book : PriceBook
    engine : LocalEngine
    problem : LinearProgram
        Over all users.
    multipliers : ndarray of float64, shape (K,)
        The back end's; replaced by the vertex's own where those prove a better bound.
    x : ndarray of float64, shape (P,)
        The back end's fractions.
    clock : Clock
    """
    priced = _priced(program, book, engine, multipliers)
    near = _as_table(program, problem.pairs, x > 0.5)
    unclear = _as_table(program, problem.pairs, np.abs(x - np.round(x)) > WHOLE)
    open_users = np.flatnonzero((near != priced).any(axis=1) | unclear.any(axis=1))
    nearest = np.argsort(engine.margins(book.scores(multipliers)), kind="stable")[:NEAREST]
    users = np.union1d(open_users, nearest)
    chosen, split = priced[users], np.ones(len(users), dtype=bool)
    if len(users):
        fixed = priced.copy()
        fixed[users] = False
        core = LinearProgram.of(program, book, users, _activity(problem, fixed))
        vertex = _solve(core, clock)
        if vertex is not None:
            whole, broken_up, own = _read(program, core, users, *vertex)
            chosen, split = np.where(broken_up[:, None], chosen, whole), broken_up
            multipliers = _better(engine, book, multipliers, book.clip(own))
    margin = np.where(split, 0.0, engine.margins(book.scores(multipliers))[users])
    value = dual_bound(engine, book, multipliers)
    nothing = np.zeros(book.n_rows)
    core_answer = CoreAnswer(multipliers, value, nothing, users, chosen, split, margin)
    return DualAnswer(multipliers, multipliers, core_answer, {}, True, nothing)


def _priced(program: Program, book: PriceBook, engine: LocalEngine, multipliers: np.ndarray) -> np.ndarray:
    """Return what each user likes best at the prices, bool ``(n, S)``."""
    taken = engine.assign(book.scores(multipliers), np.empty(0, np.int64)).pairs
    return _as_table(program, taken, np.ones(len(taken.user), dtype=bool))


def _as_table(program: Program, pairs: Pairs, mark: np.ndarray) -> np.ndarray:
    table = np.zeros(program.columns["value"].shape, dtype=bool)
    table[pairs.user[mark], pairs.place[mark]] = True
    return table


def _activity(problem: LinearProgram, taken: np.ndarray) -> np.ndarray:
    """Return what the taken pairs use of each rule's row, ``(K,)`` in the rows' own scale."""
    rules = len(problem.row_scale)
    entries = np.flatnonzero(problem.row < rules)
    x = taken[problem.pairs.user, problem.pairs.place].astype(np.float64)
    used = np.bincount(
        problem.row[entries], weights=problem.value[entries] * x[problem.column[entries]], minlength=rules
    )
    return np.asarray(used / problem.row_scale)


def _solve(problem: LinearProgram, clock: Clock) -> tuple[np.ndarray, np.ndarray] | None:
    """Return a vertex and its dual; rows may be broken at a price, so that there is always one."""
    rules, (height, width) = len(problem.row_scale), problem.shape
    own = np.arange(rules)
    matrix = Sparse.of(
        np.concatenate([problem.row, own, own]),
        np.concatenate([problem.column, width + own, width + rules + own]),
        np.concatenate([problem.value, np.ones(rules), -np.ones(rules)]),
        width + 2 * rules,
    )
    cost = np.concatenate([-problem.objective, np.full(2 * rules, SHORTFALL)])
    upper = np.concatenate([np.ones(width), np.full(2 * rules, np.inf)])
    highs = new_highs(clock)
    if clock.time_limit is not None:
        highs.setOptionValue("time_limit", clock.left())
    pass_model(highs, cost, upper, problem.lower, problem.upper, matrix)
    if run(highs) != highspy.HighsModelStatus.kOptimal:
        return None
    solution = highs.getSolution()
    return np.array(solution.col_value)[:width], -np.array(solution.row_dual)[:height]


def _read(
    program: Program, problem: LinearProgram, users: np.ndarray, x: np.ndarray, dual: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each user's whole choice ``(U, S)``, who is split ``(U,)``, and the rules' multipliers."""
    whole = _as_table(program, problem.pairs, x > 0.5)[users]
    split = _as_table(program, problem.pairs, np.abs(x - np.round(x)) > WHOLE)[users].any(axis=1)
    return whole, split, problem.multipliers(dual)


def _better(engine: LocalEngine, book: PriceBook, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return one if dual_bound(engine, book, one) <= dual_bound(engine, book, other) else other
