"""From prices to an integer plan: fix all but a core of users, and solve the core exactly.

At the dual's minimiser an LP vertex splits at most as many users as there are binding rows. Everyone whom the
prices settle keeps that choice, undecided users keep what the linear program gave them, and the split ones
together with those nearest to changing their mind form the core: an integer program in HiGHS against what is left
of each row. If its best plan is not near enough to the bound, the core grows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from couponry.instances.errors import BackendError
from couponry.instances.program import Program
from couponry.solver.clock import Clock
from couponry.solver.dual import DualAnswer
from couponry.solver.engine import Pairs
from couponry.solver.feasibility import excesses, over_money, pair_columns
from couponry.solver.highs import Answer
from couponry.solver.integer import PairProgram, eligible_pairs
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook

__all__ = ["Rounded", "keep_rows_exactly", "plan_value", "round_plan"]

CORE_SIZES = (300, 1200, 5000)
SECONDS = (5.0, 15.0, 30.0)
REPAIRS = 6


@dataclass(frozen=True)
class Rounded:
    """An integer plan that keeps every row exactly, its value, and how many users the core had."""

    pairs: Pairs
    value: float
    core_users: int


def plan_value(program: Program, pairs: Pairs) -> float:
    """Return the objective of a plan in its own direction, its sum rounded once."""
    columns = pair_columns(program, pairs)[2]
    return math.fsum(columns[program.objective]) if program.objective in columns else float(len(pairs.user))


def keep_rows_exactly(
    problem: PairProgram, fixed: Pairs, clock: Clock, **limits: float | None
) -> tuple[Pairs | None, Answer]:
    """Solve, and solve again with a hair's breadth more room where a tolerance let a row be broken.

    Parameters
    ----------
    problem : PairProgram
    fixed : Pairs
        The pairs already given, which the rows count too.
    clock : Clock
    **limits
        ``time_limit, abs_gap, target`` of :meth:`PairProgram.solve`.

    Returns
    -------
    Pairs or None
        The problem's own pairs; None if none was found.
    Answer
        The first one that HiGHS gave: its bound holds for the rows as they are.
    """
    first: Answer | None = None
    for _ in range(REPAIRS):
        picked, answer = problem.solve(clock, **limits)  # type: ignore[arg-type]
        first = first or answer
        if picked is None:
            break
        whole = join(fixed, picked)
        excess = np.abs(excesses(problem.program, whole))
        if not excess.any() and not len(over_money(problem.program, whole)):
            return picked, first
        problem.margin = np.maximum(problem.margin * 4, 2 * excess)
    assert first is not None
    return None, first


def join(first: Pairs, second: Pairs) -> Pairs:
    """Return both, in the users' order."""
    user, place = np.concatenate([first.user, second.user]), np.concatenate([first.place, second.place])
    order = np.lexsort((place, user))
    return Pairs(user[order], place[order])


def round_plan(
    program: Program,
    book: PriceBook,
    engine: LocalEngine,
    dual: DualAnswer,
    bound: float,
    gap: float,
    clock: Clock,
) -> Rounded | None:
    """Return the best integer plan found, or None.

    Parameters
    ----------
    bound : float
        Upper bound on ``sense · objective``.
    gap : float
        Relative gap at which to stop.
    """
    allowed = gap * max(1.0, abs(bound))
    best: Rounded | None = None
    for attempt, size in enumerate(CORE_SIZES):
        core = _pick_core(program, book, dual, size)
        rounded = _round_once(program, book, engine, dual, core, bound, allowed, clock, SECONDS[attempt], best)
        if rounded is not None and (
            best is None or program.sense * rounded.value > program.sense * best.value
        ):
            best = rounded
        if best is not None:
            missing = bound - program.sense * best.value
            clock.tell("rounding", attempt + 1, len(CORE_SIZES), f"gap {missing / max(1.0, abs(bound)):.2e}")
            if missing <= allowed:
                break
        if clock.stopped_by is not None or len(core) >= program.n_users:
            break
    return best


def _pick_core(program: Program, book: PriceBook, dual: DualAnswer, size: int) -> np.ndarray:
    """Return the split users and those nearest to changing their mind, ``size`` in all where there are as many."""
    wanted = max(size, int(2 * dual.core.split.sum()))
    if program.n_users <= wanted:
        return np.arange(program.n_users)
    nearest = np.argsort(dual.core.margin, kind="stable")[:wanted]
    core = dual.core.users[nearest]
    if len(core) < wanted:
        core = np.union1d(core, _nearest_settled(program, book, dual, wanted - len(core)))
    return np.sort(core)


def _nearest_settled(program: Program, book: PriceBook, dual: DualAnswer, wanted: int) -> np.ndarray:
    """Return settled users whose best two single coupons (or coupon and none) are nearest."""
    engine = LocalEngine(program)
    score = np.maximum(engine.scores(book.scores(dual.multipliers)), -1e300)
    padded = np.concatenate([score, np.zeros((len(score), 1))], axis=1)
    top = np.partition(padded, -2, axis=1)[:, -2:]
    margin = top[:, 1] - top[:, 0]
    margin[dual.core.users] = np.inf
    return np.argsort(margin, kind="stable")[:wanted]


def _round_once(
    program: Program,
    book: PriceBook,
    engine: LocalEngine,
    dual: DualAnswer,
    core: np.ndarray,
    bound: float,
    allowed: float,
    clock: Clock,
    seconds: float,
    best: Rounded | None,
) -> Rounded | None:
    """Solve one core against what the others leave of each row."""
    row, place = np.nonzero(dual.core.chosen)
    everyone = engine.assign(book.scores(dual.settled_at), dual.core.users, Pairs(dual.core.users[row], place))
    outside = ~np.isin(everyone.user, core)
    fixed = Pairs(everyone.user[outside], everyone.place[outside])
    classes, coupon, columns = pair_columns(program, fixed)
    used = _activity(book, columns, classes, coupon)
    options = eligible_pairs(program, core)
    problem = PairProgram(program, book, options, used)
    fixed_value = program.sense * plan_value(program, fixed)
    if problem.hopeless():
        return None
    whole = len(core) == program.n_users
    picked, _ = keep_rows_exactly(
        problem,
        fixed,
        clock,
        time_limit=max(clock.left(seconds * (4 if whole else 1)), 1.0),
        abs_gap=0.2 * allowed,
        target=bound - allowed - fixed_value,
    )
    if picked is None:
        return None
    pairs = join(fixed, picked)
    value = plan_value(program, pairs)
    if program.sense * value > bound:
        raise BackendError(f"a plan's objective {value!r} is beyond the proven bound {program.sense * bound!r}")
    return Rounded(pairs, value, len(core))


def _activity(book: PriceBook, columns: dict[str, np.ndarray], classes: np.ndarray, coupon: np.ndarray) -> np.ndarray:
    """Return rows' activity of given pairs, summed by class and coupon."""
    shape = (book.program.n_classes, book.program.n_coupons)
    cell = classes.astype(np.int64) * shape[1] + coupon
    tables = {
        measure: np.bincount(cell, weights=columns.get(measure), minlength=shape[0] * shape[1])
        .astype(np.float64)
        .reshape(shape)
        for measure in book.program.measures
    }
    return book.activity(tables)
