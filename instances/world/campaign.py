"""The rules of a world's campaign."""

from __future__ import annotations

import numpy as np

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.reference import Reference, at_least, at_most, draw_reference
from couponry.instances.response import Response
from couponry.instances.rules import Budget, Coverage, Parity, ReturnFloor, Rule, UserCap
from couponry.instances.users import Users

__all__ = ["campaign_rules"]

_CONTACTS = 0.4
_COVERAGE = 0.3
_PARITY = 0.05
_RETURN = 1.25


def campaign_rules(
    coupons: Coupons, users: Users, response: Response, budget_share: float = 0.3
) -> tuple[Rule, ...]:
    """Return rules that can be met together with the menu's stock and minimum.

    A budget; half its share for text messages; coupons for at most two customers in five, so that messages
    stay welcome; one coupon a user; three customers in ten reached in every region; parity of coupons over
    age bands, ± 5 points; and a floor on revenue for the money, a quarter above what the unlimited plan
    returns. None is tighter than a reference plan attains (:mod:`couponry.instances.reference`), so all can
    be met at once.

    Parameters
    ----------
    coupons : Coupons
        With a column ``channel``.
    users : Users
        With segments ``region`` and ``age_band``.
    response : Response
        With ``revenue``.
    budget_share : float
        Budget as a share of what it would cost to give everyone the coupon that wins most.

    Raises
    ------
    InputError
        If ``budget_share`` is not positive.
    """
    if not 0 < budget_share < np.inf:
        raise InputError(
            "a budget's share must be a positive number",
            parameter="budget_share",
            value=budget_share,
            mend="Give 0.3 for three tenths of what the unlimited plan would cost",
        )
    region, age_band = (users.segment(name).codes for name in ("region", "age_band"))
    plan = draw_reference(
        response,
        {"region": region, "age_band": age_band},
        share=min(_COVERAGE, budget_share),
        stock=coupons.stock,
        minimum=coupons.minimum,
    )
    given = float((plan.place >= 0).sum())
    return (
        *_budgets(plan, coupons, budget_share),
        Budget(
            name="contacts", measure="count", amount=at_most(float(int(_CONTACTS * len(users))), given, 0)
        ),
        UserCap(coupons=1),
        Coverage(segment="region", at_least=at_least(_COVERAGE, plan.lowest_rate(region), 4)),
        Parity(segment="age_band", tolerance=at_most(_PARITY, plan.widest_gap(age_band), 4)),
        *_return_floor(plan),
    )


def _budgets(plan: Reference, coupons: Coupons, share: float) -> list[Budget]:
    sms = (coupons.table["channel"] == "sms").to_numpy()
    whole = round(share * plan.total_at_best("cost"), 2)
    budgets = [Budget(name="budget", amount=at_most(whole, plan.total("cost"), 2))]
    if sms.any():
        part = round(share / 2 * plan.total_at_best("cost", sms), 2)
        amount = at_most(part, plan.total("cost", sms), 2)
        budgets.append(Budget(name="sms budget", amount=amount, coupons={"channel": ["sms"]}))
    return budgets


def _return_floor(plan: Reference) -> list[ReturnFloor]:
    cost, cost_at_best = plan.total("cost"), plan.total_at_best("cost")
    if min(cost, cost_at_best) <= 0:
        return []
    wanted = round(_RETURN * plan.total_at_best("revenue") / cost_at_best, 1)
    ratio = at_least(wanted, plan.total("revenue") / cost, 2)
    return [ReturnFloor(ratio=ratio)] if ratio > 0 else []
