"""Why a user gets a coupon, and what would have changed it.

At the certificate's multipliers every pair has a *reduced value*: what it adds to the objective, less what
each row charges for it. A user settled by the prices gets the choice with the largest reduced value, so the
distance to the next choice says how much a value or a cost would have to move.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.errors import InputError
from couponry.instances.one_blas_thread import one_blas_thread
from couponry.instances.progress import Cancel, Report
from couponry.instances.rules import Budget
from couponry.solver.budget_flip import Person, budget_flips
from couponry.solver.clock import Clock
from couponry.solver.edits import find_rule
from couponry.solver.explanation import TIE, BudgetChange, Change, Explanation, Offer, PricePaid
from couponry.solver.frontier import varied_budget
from couponry.solver.prices import PriceBook
from couponry.solver.solution_files import check_same_rows
from couponry.solver.stand_ins import at_tangents
from couponry.solver.user_choice import UserChoice

if TYPE_CHECKING:
    from couponry.instances.instance import Instance
    from couponry.instances.rows import Row
    from couponry.solver.solution import Solution

__all__ = ["BudgetChange", "Change", "Explanation", "Offer", "PricePaid", "explain"]


@one_blas_thread
def explain(
    instance: Instance,
    solution: Solution,
    user_id: object,
    *,
    budget: bool | str = False,
    seed: int = 0,
    progress: Report | None = None,
    cancel: Cancel | None = None,
) -> Explanation:
    """Say why a user gets what the plan gives, and what would have changed it.

    Parameters
    ----------
    instance : Instance
    solution : Solution
        Of this instance.
    user_id : str or int
    budget : bool or str
        Whether to look for the budgets that would flip the choice too: a few warm solves of the dual. A name
        says which budget; else it is the one that :func:`couponry.solver.frontier.frontier` varies.
    seed : int
        Of the samples of those solves.
    progress : callable, optional
    cancel : Cancel, optional
        Once it is set, budgets that are not known yet are left out.

    Returns
    -------
    Explanation

    Raises
    ------
    InputError
        If there is no such user or budget, the solution has no plan or was made for other rules, or the plan
        gives this user something that is not eligible.
    """
    check_same_rows(instance, solution.certificate)
    if np.isnan(solution.value):
        raise InputError("the solution has no plan to explain", mend="Mend the rules and solve again")
    row = _find(instance, user_id)
    desk = _Desk(at_tangents(instance, solution.certificate), solution, row)
    found = desk.explanation()
    position = _budget_row(instance, budget)
    if position is None or not found.by_prices or found.frozen:
        return found
    clock = Clock(None, cancel, progress)
    own = instance.program.rows[position]
    return replace(found, budget_changes=desk.budget_changes(position, own, clock, seed))


def _budget_row(instance: Instance, budget: bool | str) -> int | None:
    """Return which row of the program is the budget that is meant; None where none is."""
    if budget is False:
        return None
    rules = [rule for rule in instance.rules if isinstance(rule, Budget)]
    if not isinstance(budget, str) and not rules:
        return None
    position = varied_budget(instance, find_rule(instance, budget) if isinstance(budget, str) else None)
    return next(k for k, row in enumerate(instance.program.rows) if row.rule == position)


class _Desk:
    """Everything about one user, laid out."""

    def __init__(self, instance: Instance, solution: Solution, row: int) -> None:
        program = instance.program
        self.instance, self.row = instance, row
        self.user_id = instance.users.ids[row].as_py()
        self.program = program
        self.eligible = instance.response.eligible(np.array([row]))[0]
        self.coupon = np.arange(program.n_coupons) if program.coupon is None else program.coupon[row]
        self.measures = {
            name: np.where(self.eligible, array[row], 0.0).astype(np.float64)
            for name, array in instance.response.measures.items()
        } | {
            name: array[row].astype(np.float64)
            for name, array in program.columns.items()
            if name not in instance.response.measures
        }
        self.given = self._given(solution)
        self._price(solution.certificate.multipliers, int(program.classes.codes[row]))
        self.choice = UserChoice(
            reduced=self.reduced,
            cost=self.measures["cost"],
            eligible=self.eligible,
            conflicts=program.choices.conflicts[np.ix_(self.coupon, self.coupon)],
            most=int(program.choices.max_coupons[row]),
            money=program.choices.money,
        )

    def _given(self, solution: Solution) -> frozenset[int]:
        ids = solution.plan["user_id"]
        own = solution.plan.filter(pc.equal(ids, pa.scalar(self.user_id, ids.type)))
        places = []
        for coupon_id in own["coupon_id"].to_pylist():
            position = self.instance.coupons.position(str(coupon_id))
            found = np.flatnonzero((self.coupon == position) & self.eligible)
            if not len(found):
                raise InputError(
                    f"the plan gives user {self.user_id} a coupon that this instance says is not eligible",
                    column="coupon_id",
                    value=coupon_id,
                    mend="Give the instance that the plan was made for",
                )
            places.append(int(found[0]))
        return frozenset(places)

    def _price(self, multipliers: np.ndarray, user_class: int) -> None:
        book = PriceBook(self.program)
        classes = np.full(len(self.coupon), user_class)
        self.multipliers = multipliers
        self.amounts = book.coefficients(self.measures, classes, self.coupon)
        tables = book.scores(multipliers)
        self.slopes = {name: table[user_class, self.coupon] for name, table in tables.items()}
        objective = self.measures.get(self.program.objective, np.ones(len(self.coupon)))
        self.worth = self.program.sense * objective
        self.reduced = self.worth - multipliers @ self.amounts

    def explanation(self) -> Explanation:
        frozen = bool(np.isin(self.row, self.program.frozen.user))
        others = [] if frozen else self._others()
        own = self.choice.worth(self.given)
        best = max(others, key=lambda pair: self.choice.worth(pair[1]), default=None)
        margin = np.nan if best is None else own - self.choice.worth(best[1])
        by_prices = bool(np.isnan(margin) or margin >= -TIE)
        return Explanation(
            user_id=self.user_id,
            objective=self.program.objective,
            offers=tuple(self._offer(int(p)) for p in self._places()),
            runner_up=() if best is None else tuple(self._id(p) for p in sorted(best[1])),
            margin=float(margin),
            by_prices=by_prices,
            changes=tuple(self._least_changes(others)) if by_prices else (),
            frozen=frozen,
        )

    def budget_changes(self, row: int, budget: Row, clock: Clock, seed: int) -> tuple[BudgetChange, ...]:
        """Return the budgets, one smaller and one larger, at which the prices would give something else.

        ``budget`` is the row as written: one at risk is priced as its tangent is, whose limit moves with it.
        """
        person = Person(self.choice, self.worth, self.amounts, self.given)
        flips = budget_flips(self.program, row, person, self.multipliers, clock=clock, seed=seed)
        shift = budget.upper - self.program.rows[row].upper
        return tuple(
            BudgetChange(
                budget.name,
                budget.limits[1],
                budget.told(flip.then + shift),
                tuple(self._id(place) for place in sorted(flip.places)),
            )
            for flip in flips
        )

    def _places(self) -> np.ndarray:
        ranked = np.argsort(-self.reduced, kind="stable")
        return np.asarray(ranked[self.eligible[ranked]])

    def _others(self) -> list[tuple[int, frozenset[int]]]:
        """Return, for every eligible place, the best choice that treats it otherwise than the plan does."""
        others = []
        for place in self._places():
            taken = int(place) in self.given
            other = self.choice.best_without(int(place)) if taken else self.choice.best_with(int(place))
            if other is not None:
                others.append((int(place), other))
        return others

    def _least_changes(self, others: list[tuple[int, frozenset[int]]]) -> list[Change]:
        own = self.choice.worth(self.given)
        least = []
        for measure in ("value", "cost"):
            possible = [
                self._change(place, own - self.choice.worth(other), measure) for place, other in others
            ]
            found = [change for change in possible if change is not None]
            if found:
                least.append(min(found, key=lambda change: abs(change.then - change.now)))
        return least

    def _change(self, place: int, lead: float, measure: str) -> Change | None:
        """Return how far a measure of a place must move to make up ``lead``."""
        slope = float(self.slopes.get(measure, np.zeros(len(self.coupon)))[place])
        if slope == 0:
            return None
        now = float(self.measures[measure][place])
        then = now + lead / (-slope if place in self.given else slope)
        if measure == "cost" and then < 0 <= now:
            return None
        if measure == "cost" and place in self.given:
            then = min(then, now + self.choice.money - self.choice.price(self.given))
        return Change(self._id(place), measure, now, then)

    def _offer(self, place: int) -> Offer:
        paid = self.multipliers * self.amounts[:, place]
        rows = self.program.rows
        return Offer(
            coupon_id=self._id(place),
            value=float(self.measures["value"][place]),
            cost=float(self.measures["cost"][place]),
            worth=float(self.worth[place]),
            prices=tuple(
                PricePaid(
                    row=rows[k].name,
                    amount=float(self.amounts[k, place] / rows[k].unit),
                    price=float(self.multipliers[k] * rows[k].unit),
                    paid=float(paid[k]),
                )
                for k in np.argsort(-np.abs(paid), kind="stable")
                if paid[k] != 0
            ),
            reduced_value=float(self.reduced[place]),
            given=place in self.given,
            affordable=bool(self.measures["cost"][place] <= self.choice.money),
        )

    def _id(self, place: int) -> str:
        return self.instance.coupons.ids[int(self.coupon[place])]


def _find(instance: Instance, user_id: Any) -> int:
    ids = instance.users.ids
    try:
        wanted = pa.scalar(user_id).cast(ids.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        wanted = None
    row = -1 if wanted is None else pc.index(ids, wanted).as_py()
    if row < 0:
        raise InputError(
            "the instance has no such user",
            column="user_id",
            value=user_id,
            mend=f"User ids look like {ids[0].as_py()!r}",
        )
    return int(row)
