"""The optimum of an instance's linear relaxation, from HiGHS alone.

The program is written anew from the rows' terms, without the solver's price book or pair program. Rows speak
of sums by class and coupon, so each such sum is a variable of its own: the matrix stays sparse however many
rows there are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import highspy
import numpy as np

from couponry.instances import Program

__all__ = ["integer_optimum", "linear_optimum", "nearly_linear_optimum"]


@dataclass
class _Entries:
    """Entries of a sparse matrix, part by part."""

    rows: list[np.ndarray]
    columns: list[np.ndarray]
    values: list[np.ndarray]

    def add(self, rows: np.ndarray, columns: np.ndarray, values: np.ndarray | float) -> None:
        """Add entries; a single value stands for all of them."""
        self.rows.append(rows)
        self.columns.append(columns)
        self.values.append(np.broadcast_to(values, rows.shape).astype(np.float64))


def integer_optimum(program: Program, *, gap: float = 0.0, time_limit: float = 60.0) -> float | None:
    """Return the largest ``sense · objective`` of any plan, or None where HiGHS says that there is none.

    Parameters
    ----------
    program : Program
        Without a cap on money, and with exclusions that make disjoint families.
    gap : float
        Relative gap at which HiGHS may stop.
    time_limit : float
        Seconds; a search that needs more is an error, not an answer.
    """
    return _solve(_written(program, whole=True), "simplex", gap, time_limit)


def linear_optimum(program: Program, *, solver: str = "simplex") -> float:
    """Return the largest ``sense · objective`` of any fractional plan.

    Where there is no cap on money, and exclusions make disjoint families, one user's rows describe the convex
    hull of what that user can be given: then this is the least value of the dual.

    Parameters
    ----------
    program : Program
        Without a cap on money.
    solver : {"simplex", "ipm"}
    """
    optimum = _solve(_written(program), solver)
    assert optimum is not None, "there is no fractional plan"
    return optimum


def _written(program: Program, *, whole: bool = False) -> highspy.HighsLp:
    """Return the program as a model, minimising ``−sense · objective``; of whole numbers if asked."""
    assert not np.isfinite(program.choices.money), "the rows of a money cap are not integral"
    user, place = np.nonzero(_eligible(program))
    coupon = place if program.coupon is None else program.coupon[user, place]
    measures = {name: column[user, place].astype(np.float64) for name, column in program.columns.items()}
    measures["count"] = np.ones(len(user))
    used = sorted({term.measure for row in program.rows for term in row.terms})
    cells = program.n_classes * program.n_coupons
    first = {name: len(user) + cells * position for position, name in enumerate(used)}

    entries = _Entries([], [], [])
    for k, row in enumerate(program.rows):
        for term in row.terms:
            weights = term.weights().ravel()
            touched = np.flatnonzero(weights)
            entries.add(np.full(len(touched), k), first[term.measure] + touched, weights[touched])
    height = len(program.rows)
    cell = program.classes.codes[user].astype(np.int64) * program.n_coupons + coupon
    for name in used:
        entries.add(height + cell, np.arange(len(user)), measures[name])
        entries.add(height + np.arange(cells), first[name] + np.arange(cells), -1.0)
        height += cells
    sums = height - len(program.rows)
    entries.add(height + user, np.arange(len(user)), 1.0)
    limits = [program.choices.max_coupons.astype(np.float64)]
    height += program.n_users
    for family in _families(program.choices.conflicts):
        inside = np.flatnonzero(family[coupon])
        entries.add(height + user[inside], inside, 1.0)
        limits.append(np.ones(program.n_users))
        height += program.n_users

    lower = np.concatenate(
        [[row.lower for row in program.rows], np.zeros(sums), *(0 * a - np.inf for a in limits)]
    )
    upper = np.concatenate([[row.upper for row in program.rows], np.zeros(sums), *limits])
    objective = np.concatenate([program.sense * measures[program.objective], np.zeros(cells * len(used))])
    free = np.arange(len(objective)) >= len(user)
    model = _model(
        objective, np.where(free, -np.inf, 0.0), np.where(free, np.inf, 1.0), lower, upper, entries
    )
    if whole:
        kinds = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
        model.integrality_ = [kinds[int(is_free)] for is_free in free]
    return model


def nearly_linear_optimum(program: Program, multipliers: np.ndarray, *, open_users: int) -> float:
    """Return the best of those fractional plans in which most users have what prices give them.

    It is HiGHS's optimum over the users whom the prices decide least clearly, all others fixed: a fractional
    plan, so that the linear optimum is at least as much, whatever the multipliers are.

    Parameters
    ----------
    program : Program
        With one coupon a user.
    multipliers : ndarray of float64, shape (K,)
    open_users : int
        How many users are left open.
    """
    assert program.choices.max_coupons.max() <= 1, "users have one coupon at most"
    score = _reduced_values(program, multipliers)
    ranked = np.sort(np.concatenate([score, np.zeros((len(score), 1))], axis=1), axis=1)
    order = np.argsort(ranked[:, -1] - ranked[:, -2], kind="stable")
    users = np.sort(order[:open_users])
    fixed = np.sort(order[open_users:])
    fixed = fixed[score[fixed].max(axis=1) > 0]
    place = score[fixed].argmax(axis=1)
    coupon = place if program.coupon is None else program.coupon[fixed, place]
    columns = {name: column[fixed, place].astype(np.float64) for name, column in program.columns.items()}
    columns["count"] = np.ones(len(fixed))
    classes = program.classes.codes[fixed]
    used = [
        sum(float((t.users[classes] * t.coupons[coupon]) @ columns[t.measure]) for t in row.terms)
        for row in program.rows
    ]
    rest = replace(
        program,
        rows=tuple(
            replace(row, lower=row.lower - spent, upper=row.upper - spent)
            for row, spent in zip(program.rows, used, strict=True)
        ),
        classes=replace(program.classes, codes=program.classes.codes[users]),
        choices=replace(program.choices, max_coupons=program.choices.max_coupons[users]),
        columns={name: column[users] for name, column in program.columns.items()},
        coupon=None if program.coupon is None else program.coupon[users],
    )
    return program.sense * float(columns[program.objective].sum()) + linear_optimum(rest)


def _reduced_values(program: Program, multipliers: np.ndarray) -> np.ndarray:
    """Return each pair's objective less its priced rows, float64 ``(n, S)``; −inf where not eligible."""
    tables = {name: np.zeros((program.n_classes, program.n_coupons)) for name in program.measures}
    tables[program.objective] += program.sense
    for multiplier, row in zip(multipliers, program.rows, strict=True):
        for term in row.terms:
            tables[term.measure] -= multiplier * term.weights()
    coupon = np.arange(program.n_coupons)[None, :] if program.coupon is None else program.coupon
    score = tables["count"][program.classes.codes[:, None], coupon]
    for name, column in program.columns.items():
        score = score + tables[name][program.classes.codes[:, None], coupon] * column
    return np.where(_eligible(program), score, -np.inf)


def _eligible(program: Program) -> np.ndarray:
    eligible = ~np.isnan(program.columns["value"])
    return np.asarray(eligible if program.coupon is None else eligible & (program.coupon >= 0))


def _families(conflicts: np.ndarray) -> list[np.ndarray]:
    """Return the families of coupons that exclude each other, which must be disjoint."""
    related = conflicts | np.eye(len(conflicts), dtype=bool)
    families = np.unique(related, axis=0)
    assert (families.sum(axis=0) == 1).all(), "overlapping families are not integral"
    return [family for family in families if family.sum() > 1]


def _model(
    objective: np.ndarray,
    column_lower: np.ndarray,
    column_upper: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    entries: _Entries,
) -> highspy.HighsLp:
    rows, columns, values = (np.concatenate(part) for part in (entries.rows, entries.columns, entries.values))
    order = np.lexsort((rows, columns))
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(objective), len(lower)
    # Not ObjSense.kMaximize: HiGHS 1.14 then takes the interior point's duals for wrong ones.
    model.col_cost_, model.col_lower_, model.col_upper_ = -objective, column_lower, column_upper
    model.row_lower_, model.row_upper_ = lower, upper
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = np.searchsorted(columns[order], np.arange(len(objective) + 1)).astype(np.int32)
    model.a_matrix_.index_ = rows[order].astype(np.int32)
    model.a_matrix_.value_ = values[order]
    return model


def _solve(model: highspy.HighsLp, solver: str, gap: float = 0.0, time_limit: float = np.inf) -> float | None:
    highs = highspy.Highs()
    for name, value in {
        "output_flag": False,
        "threads": 1,
        "solver": solver,
        "run_crossover": "off",
        "time_limit": time_limit,
        "mip_rel_gap": gap,
        "mip_abs_gap": 1e-9,
    }.items():
        highs.setOptionValue(name, value)
    if solver == "simplex":
        highs.setOptionValue("primal_feasibility_tolerance", 1e-10)
        highs.setOptionValue("dual_feasibility_tolerance", 1e-10)
    highs.passModel(model)
    highs.run()
    if len(model.integrality_) and highs.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return None
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal, highs.getModelStatus()
    return -float(highs.getInfo().objective_function_value)
