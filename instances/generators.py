"""Instances drawn for tests and benchmarks: no features, any size, and feasible by construction.

A reference plan is made first, and each rule is asked for at a fixed tightness but never beyond what that
plan attains (:mod:`couponry.instances.reference`). So the reference plan meets all rules together, whatever
was drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from couponry.instances.coupons import Coupons
from couponry.instances.drawn.asked import DEFAULT_RULES, DEFAULT_SEGMENTS, KEEP, RULE_NAMES, Asked
from couponry.instances.drawn.attained import Attained
from couponry.instances.drawn.behaviour import Menu, draw_measures, keep_share
from couponry.instances.drawn.makers import earlier_plan, stock
from couponry.instances.drawn.recipe import draw_codes, users_table
from couponry.instances.instance import Instance
from couponry.instances.reference import draw_reference
from couponry.instances.response import Response
from couponry.instances.rules import Keep, Rule

__all__ = ["DEFAULT_RULES", "RULE_NAMES", "draw_instance"]

_ROWS_AT_ONCE = 1 << 16


def draw_instance(
    users: int,
    coupons: int,
    *,
    seed: int = 0,
    segments: Mapping[str, int] | None = None,
    rules: Iterable[str] = DEFAULT_RULES,
    budget_share: float = 0.25,
    shortlist: int | None = None,
    eligible: float = 1.0,
) -> Instance:
    """Draw an instance that has a plan.

    Parameters
    ----------
    users, coupons : int
        At least 1.
    seed : int
    segments : mapping from str to int, optional
        Segment columns and their numbers of groups; ``{"region": 6, "tier": 4, "age_band": 5}`` if not given.
        Coverage speaks of the first, parity of the last.
    rules : iterable of str
        Kinds of rule, of ``RULE_NAMES``. ``stock`` writes stock and minimums into the menu; ``sms_budget`` is
        a second budget; ``user_cap`` allows two coupons and caps the money a user.
    budget_share : float
        Budget as a share of what it would cost to give everyone the coupon of most value.
    shortlist : int, optional
        Places a user: each is offered this many coupons of the menu, drawn at random. Dense if not given.
    eligible : float
        Share of pairs that may be given, in (0, 1]; the others have NaN as their value.

    Returns
    -------
    Instance
        Measures ``value, cost, revenue``, float32; currency CNY.

    Raises
    ------
    InputError
        If a number is outside its range, or a rule or segment is not known.
    """
    asked = Asked(
        users=users,
        coupons=coupons,
        seed=seed,
        segments=DEFAULT_SEGMENTS if segments is None else dict(segments),
        rules=tuple(dict.fromkeys(rules)),
        budget_share=budget_share,
        shortlist=shortlist,
        eligible=eligible,
    )
    rng = np.random.default_rng(seed)
    codes = {name: draw_codes(rng, users, count) for name, count in asked.segments.items()}
    menu = Menu.draw(coupons, rng)
    response = _draw_response(rng, menu, asked, next(iter(codes.values()), None))
    plan = draw_reference(
        response,
        codes,
        asked.covered,
        stock=np.full(coupons, np.inf),
        minimum=np.zeros(coupons),
    )
    sums = Attained(asked.segments, coupons)
    sums.add(plan, codes)
    table = users_table(codes, asked.segments, 0, users, users)
    made = [make(sums, menu.table) for make in asked.makers()]
    all_rules: list[Rule] = [rule for rule in made if rule is not None]
    if "keep" in asked.rules:
        all_rules.append(Keep(plan=earlier_plan(plan, table.ids, list(menu.table["coupon_id"])), share=KEEP))
    stocked = stock(sums, menu.table, rng) if "stock" in asked.rules else menu.table
    return Instance(Coupons(stocked), table, response, tuple(all_rules), asked.campaign)


def _draw_response(rng: np.random.Generator, menu: Menu, asked: Asked, group: np.ndarray | None) -> Response:
    """Draw value, cost and revenue from one stream, some users at a time."""
    users, coupons = asked.users, asked.coupons
    places = coupons if asked.shortlist is None else asked.shortlist
    arrays = {name: np.empty((users, places), dtype=np.float32) for name in ("value", "cost", "revenue")}
    coupon = None if asked.shortlist is None else np.empty((users, places), dtype=np.int32)
    for first in range(0, users, _ROWS_AT_ONCE):
        rows = slice(first, min(first + _ROWS_AT_ONCE, users))
        n = rows.stop - rows.start
        positions = np.arange(coupons)[None, :]
        if coupon is not None:
            order = rng.random((n, coupons), dtype=np.float32).argsort(axis=1, kind="stable")
            positions = coupon[rows] = order[:, :places]
        drawn = draw_measures(rng, menu, positions, None if group is None else group[rows], n, _exponential)
        keep_share(rng, drawn["value"], asked.eligible)
        for name, array in drawn.items():
            arrays[name][rows] = array
    return Response(arrays, coupon)


def _exponential(rng: np.random.Generator, users: int) -> np.ndarray:
    return rng.standard_exponential((users, 1), dtype=np.float32)
