"""What an explanation says: the offers a user had, what each was worth, and what would change the choice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from couponry.solver.words import listed

__all__ = ["TIE", "BudgetChange", "Change", "Explanation", "Offer", "PricePaid"]

TIE = 1e-9
"""Reduced values nearer than this are the same."""


@dataclass(frozen=True)
class PricePaid:
    """What one row charges for one coupon.

    Attributes
    ----------
    row : str
        The row's name.
    amount : float
        How much of the row the coupon uses, in the rule's own unit.
    price : float
        What one such unit costs, in units of the objective.
    paid : float
        Their product. Negative where a floor pays for the coupon.
    """

    row: str
    amount: float
    price: float
    paid: float


@dataclass(frozen=True)
class Offer:
    """One coupon that the user may be given.

    Attributes
    ----------
    coupon_id : str
    value, cost : float
        As the response says.
    worth : float
        What it adds to the objective; negative of the measure where that is minimised.
    prices : tuple of PricePaid
        Rows that charge or pay something.
    reduced_value : float
        ``worth`` less all that is paid.
    given : bool
    affordable : bool
        False where it alone breaks the money cap of a user.
    """

    coupon_id: str
    value: float
    cost: float
    worth: float
    prices: tuple[PricePaid, ...]
    reduced_value: float
    given: bool
    affordable: bool


@dataclass(frozen=True)
class Change:
    """A least change of one figure at which another choice becomes as good.

    Attributes
    ----------
    coupon_id : str
    measure : str
        ``"value"`` or ``"cost"``.
    now, then : float
        The figure, and what it would have to be.
    """

    coupon_id: str
    measure: str
    now: float
    then: float

    @property
    def words(self) -> str:
        """Return the change as a clause."""
        verb = "rose" if self.then > self.now else "fell"
        return (
            f"the {self.measure} of {self.coupon_id} {verb} from {_figure(self.now)} to {_figure(self.then)}"
        )


@dataclass(frozen=True)
class BudgetChange:
    """A budget at which the prices would give the user something else.

    Attributes
    ----------
    rule : str
        The budget's name.
    now, then : float
        The budget, and about what it would have to be: prices are those of the linear program, and a plan of
        whole coupons follows them up to the few users whom they do not settle.
    gets : tuple of str
        What the user would get there.
    """

    rule: str
    now: float
    then: float
    gets: tuple[str, ...]

    @property
    def words(self) -> str:
        """Return the change as a clause."""
        verb = "rose" if self.then > self.now else "fell"
        gets = listed(self.gets) if self.gets else "no coupon"
        then = f"{self.then:,.0f}" if abs(self.then) >= 1000 else f"{self.then:.4g}"
        return f"{self.rule} {verb} from {_figure(self.now)} to about {then} (then {gets})"


@dataclass(frozen=True)
class Explanation:
    """Why a user gets what the plan gives.

    Attributes
    ----------
    user_id : object
    objective : str
        The measure that is optimised.
    offers : tuple of Offer
        Every coupon that the user is eligible for, largest reduced value first.
    runner_up : tuple of str
        Coupons of the best choice other than the plan's; empty where that is no coupon at all.
    margin : float
        Reduced value of the plan's choice less that of the runner-up; NaN where there is no other choice.
    by_prices : bool
        Whether the prices alone settle the user. Where not, the user is one of the core, whose choices were
        made together so that the totals keep every rule.
    changes : tuple of Change
        The least change of a value, and of a cost, that would flip the choice; where there is one.
    frozen : bool
        Whether a freeze rule says what the user gets: then there is no other choice.
    budget_changes : tuple of BudgetChange
        The nearest smaller and larger budget that would; where there are such, and they were asked for.
    """

    user_id: object
    objective: str
    offers: tuple[Offer, ...]
    runner_up: tuple[str, ...]
    margin: float
    by_prices: bool
    changes: tuple[Change, ...]
    frozen: bool = False
    budget_changes: tuple[BudgetChange, ...] = ()

    @property
    def given(self) -> tuple[Offer, ...]:
        """The coupons that the plan gives."""
        return tuple(offer for offer in self.offers if offer.given)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row an eligible coupon: ``coupon_id, given, value, cost, worth, paid, reduced_value``."""
        return pd.DataFrame(
            {
                "coupon_id": [offer.coupon_id for offer in self.offers],
                "given": [offer.given for offer in self.offers],
                "value": [offer.value for offer in self.offers],
                "cost": [offer.cost for offer in self.offers],
                "worth": [offer.worth for offer in self.offers],
                "paid": [offer.worth - offer.reduced_value for offer in self.offers],
                "reduced_value": [offer.reduced_value for offer in self.offers],
            }
        )

    @property
    def words(self) -> str:
        """All this in a few sentences."""
        sentences = [self._choice_words()]
        if not self.offers:
            return sentences[0]
        sentences += [self._offer_words(offer) for offer in self.given or self._nearest()]
        if not np.isnan(self.margin):
            sentences += [self._margin_words(), self._change_words()]
        return " ".join(sentence for sentence in sentences if sentence)

    def _nearest(self) -> tuple[Offer, ...]:
        return tuple(offer for offer in self.offers if offer.coupon_id in self.runner_up)

    def _choice_words(self) -> str:
        who = f"User {self.user_id}"
        if self.frozen:
            return f"{who} stays with {listed([offer.coupon_id for offer in self.given])}: frozen."
        if self.given:
            return f"{who} gets {listed([offer.coupon_id for offer in self.given])}."
        if not self.offers:
            return f"{who} gets no coupon: none of the menu is eligible for this user."
        if self.runner_up:
            return f"{who} gets no coupon; nearest was {listed(list(self.runner_up))}."
        return f"{who} gets no coupon: the rules on a single user allow none."

    def _offer_words(self, offer: Offer) -> str:
        adds = f"{offer.coupon_id} adds {_figure(offer.worth)} to the objective ({self.objective})"
        charges = ", ".join(f"{_figure(p.paid)} for {p.row}" for p in offer.prices if p.paid > 0)
        credits = ", ".join(f"{_figure(-p.paid)} for {p.row}" for p in offer.prices if p.paid < 0)
        asks = f"; the prices ask {charges}" if charges else "; the prices ask nothing"
        pays = f" and pay {credits}" if credits else ""
        left = offer.reduced_value
        rest = (
            f"which leaves {_figure(left)}" if left >= 0 or offer.given else f"so it lacks {_figure(-left)}"
        )
        return f"{adds}{asks}{pays}, {rest}."

    def _margin_words(self) -> str:
        other = listed(list(self.runner_up)) if self.runner_up else "no coupon"
        if not self.by_prices:
            return (
                f"At these prices {other} would be {_figure(-self.margin)} better: this user is one of those "
                "whom the prices do not settle, chosen with others so that the totals keep every rule."
            )
        if not self.given:
            return ""
        if self.margin <= TIE:
            return f"{other.capitalize() if not self.runner_up else other} is as good at these prices."
        return f"Next best is {other}, {_figure(self.margin)} behind."

    def _change_words(self) -> str:
        changes: list[Change | BudgetChange] = [*self.changes, *self.budget_changes]
        if not self.by_prices or not changes:
            return ""
        return "It would change if " + ", or if ".join(change.words for change in changes) + "."


def _figure(number: float) -> str:
    """Return a number as people read it."""
    return f"{number:,.2f}" if abs(number) >= 100 else f"{number:.4g}"
