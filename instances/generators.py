"""Instances drawn for tests and benchmarks: no features, any size, and feasible by construction.

A reference plan is made first, and each rule is asked for at a fixed tightness but never beyond what that
plan attains (:mod:`couponry.instances.reference`). So the reference plan meets all rules together, whatever
was drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.coupons import KINDS, Coupons
from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.instance import Instance
from couponry.instances.reference import Reference, at_least, at_most, draw_reference
from couponry.instances.response import Response
from couponry.instances.rules import (
    Budget,
    Campaign,
    Coverage,
    Exclusion,
    Keep,
    Parity,
    ReturnFloor,
    Rule,
    Target,
    UserCap,
)
from couponry.instances.users import Users

__all__ = ["DEFAULT_RULES", "RULE_NAMES", "draw_instance"]

DEFAULT_RULES = ("budget", "stock", "coverage", "parity")
_CHANNELS = ("app", "push", "sms", "email")
_ROWS_AT_ONCE = 1 << 16
_COVERED = 0.35
_MONEY_CAP_QUANTILE = 0.995


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
    chosen = tuple(dict.fromkeys(rules))
    groups = {"region": 6, "tier": 4, "age_band": 5} if segments is None else dict(segments)
    _check(users, coupons, chosen, groups, budget_share, shortlist, eligible)
    rng = np.random.default_rng(seed)
    codes = {name: _draw_codes(rng, users, count) for name, count in groups.items()}
    response = _draw_response(rng, users, coupons, shortlist, eligible, next(iter(codes.values()), None))
    parts = _Parts(
        codes=codes,
        menu=_draw_menu(coupons),
        budget_share=budget_share,
        plan=draw_reference(
            response,
            codes,
            min(_COVERED, 1.2 * budget_share),
            stock=np.full(coupons, np.inf),
            minimum=np.zeros(coupons),
        ),
    )
    made = [_MAKERS[name](parts) for name in chosen if name != "stock"]
    menu = _stocked(parts, rng) if "stock" in chosen else parts.menu
    return Instance(
        Coupons(menu),
        _users_table(codes, users),
        response,
        tuple(rule for rule in made if rule is not None),
        Campaign(name=f"drawn {users} × {coupons}", currency="CNY"),
    )


# ----------------------------------------------------------------------- what is drawn


def _draw_codes(rng: np.random.Generator, users: int, count: int) -> np.ndarray:
    """Draw groups of unequal sizes, all of them present as far as there are users."""
    shares = np.linspace(1.0, 2.0, count)
    codes = rng.choice(count, size=users, p=shares / shares.sum()).astype(np.int32)
    codes[:count] = np.arange(count)[:users]
    return codes


def _draw_menu(coupons: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "coupon_id": [f"C{j:02d}" for j in range(coupons)],
            "kind": [KINDS[j % len(KINDS)] for j in range(coupons)],
            "face_value": _face_values(coupons).astype(np.float64),
            "channel": [_CHANNELS[j % len(_CHANNELS)] for j in range(coupons)],
        }
    )


def _face_values(coupons: int) -> np.ndarray:
    return np.round(np.linspace(4.0, 30.0, coupons)).astype(np.float32)


def _draw_response(
    rng: np.random.Generator,
    users: int,
    coupons: int,
    shortlist: int | None,
    eligible: float,
    group: np.ndarray | None,
) -> Response:
    """Draw value, cost and revenue, block by block.

    Value grows with how persuadable the user is, with the coupon's strength (dearer ones are stronger, with
    diminishing returns) and with how the two fit; groups differ a little, and some values are negative.
    """
    places = coupons if shortlist is None else shortlist
    face = _face_values(coupons)
    strength = np.sqrt(face / face.mean()) * rng.uniform(0.7, 1.3, coupons).astype(np.float32)
    arrays = {name: np.empty((users, places), dtype=np.float32) for name in ("value", "cost", "revenue")}
    coupon = None if shortlist is None else np.empty((users, places), dtype=np.int32)
    for first in range(0, users, _ROWS_AT_ONCE):
        rows = slice(first, min(first + _ROWS_AT_ONCE, users))
        n = rows.stop - rows.start
        menu = np.arange(coupons)[None, :]
        if coupon is not None:
            menu = coupon[rows] = rng.random((n, coupons), dtype=np.float32).argsort(axis=1)[:, :places]
        keen = rng.standard_exponential((n, 1), dtype=np.float32)
        if group is not None:
            keen *= (np.float32(0.5) + np.float32(0.2) * (group[rows] % 5))[:, None]
        fit = rng.random((n, places), dtype=np.float32)
        basket = np.float32(60) + np.float32(40) * rng.standard_exponential((n, 1), dtype=np.float32)
        buys = np.float32(0.02) + np.float32(0.10) * rng.random((n, 1), dtype=np.float32)
        value = np.float32(0.035) * keen * strength[menu] * fit - np.float32(0.004) * (1 - fit)
        arrays["value"][rows] = value
        arrays["cost"][rows] = (
            face[menu] * (buys + np.maximum(value, 0)) * (np.float32(0.5) + np.float32(0.5) * fit)
        )
        arrays["revenue"][rows] = value * basket
        if eligible < 1:
            arrays["value"][rows][rng.random((n, places), dtype=np.float32) >= eligible] = np.nan
    return Response(arrays, coupon)


def _users_table(codes: Mapping[str, np.ndarray], users: int) -> Users:
    ids = pc.binary_join_element_wise(
        pa.scalar("u"), pc.utf8_lpad(pa.array(np.arange(users)).cast(pa.string()), 7, "0"), ""
    )
    columns = {"user_id": ids}
    for name, code in codes.items():
        labels = pa.array([f"{name}-{group + 1}" for group in range(int(code.max()) + 1)])
        columns[name] = pa.DictionaryArray.from_arrays(pa.array(code), labels)
    return Users(pa.table(columns))


# --------------------------------------------------------------------------- the rules


@dataclass(frozen=True)
class _Parts:
    """What rules are made of."""

    codes: Mapping[str, np.ndarray]
    menu: pd.DataFrame
    budget_share: float
    plan: Reference

    def budget(self, name: str, share: float, coupons: np.ndarray | None) -> float:
        wanted = round(share * self.plan.total_at_best("cost", coupons), 2)
        return at_most(wanted, self.plan.total("cost", coupons), 2)


def _stocked(parts: _Parts, rng: np.random.Generator) -> pd.DataFrame:
    """Return the menu with a stock on every third coupon and a minimum on every fourth."""
    j = np.arange(len(parts.menu))
    held = parts.plan.counts(len(j))
    # A sixth of an even share is scarce for most coupons.
    wanted = np.ceil(parts.plan.coupon.size / len(j) / 6 * rng.uniform(0.5, 1.5, len(j)))
    stock = np.where(j % 3 == 0, np.maximum(wanted, held), np.nan)
    minimum = np.where(j % 4 == 1, held // 2, np.nan)
    return parts.menu.assign(stock=stock, minimum=minimum)


def _budget(parts: _Parts) -> Rule:
    return Budget(amount=parts.budget("budget", parts.budget_share, None))


def _sms_budget(parts: _Parts) -> Rule:
    sms = (parts.menu["channel"] == "sms").to_numpy()
    amount = parts.budget("sms budget", parts.budget_share / 2, sms)
    return Budget(name="sms budget", amount=amount, coupons=list(parts.menu.loc[sms, "coupon_id"]))


def _coverage(parts: _Parts) -> Rule:
    segment, codes = next(iter(parts.codes.items()))
    return Coverage(segment=segment, at_least=at_least(_COVERED, parts.plan.lowest_rate(codes), 4))


def _parity(parts: _Parts) -> Rule:
    segment, codes = list(parts.codes.items())[-1]
    return Parity(segment=segment, tolerance=at_most(0.01, parts.plan.widest_gap(codes), 4))


def _return_floor(parts: _Parts) -> Rule | None:
    plan = parts.plan
    cost, cost_at_best = plan.total("cost"), plan.total_at_best("cost")
    if min(cost, cost_at_best) <= 0 or plan.total("revenue") < 0:
        return None  # a handful of users, of whom none responds
    loose, tight = plan.total_at_best("revenue") / cost_at_best, plan.total("revenue") / cost
    return ReturnFloor(ratio=max(0.0, at_least(round(0.2 * loose + 0.8 * tight, 2), tight, 2)))


def _target(parts: _Parts) -> Rule:
    attained = parts.plan.total("value")
    return Target(at_least=at_least(round(0.95 * attained, 2), attained, 2))


def _user_cap(parts: _Parts) -> Rule:
    rows = np.flatnonzero(parts.plan.place >= 0)
    costs = parts.plan.response.measure("cost")[rows, parts.plan.place[rows]].astype(np.float64)
    dearest = float(costs.max(initial=0.0))
    usual = float(np.quantile(costs, _MONEY_CAP_QUANTILE)) if len(costs) else 0.0
    return UserCap(coupons=2, money=at_most(round(usual, 2), dearest, 2))


def _exclusion(parts: _Parts) -> Rule:
    return Exclusion(by="kind")


def _keep(parts: _Parts) -> Rule:
    """Ask for half of an earlier plan of which the reference plan keeps nine pairs in ten."""
    rows = np.flatnonzero(parts.plan.place >= 0)
    ids = _users_table({}, len(parts.plan.place)).ids
    names = np.array(parts.menu["coupon_id"], dtype=object)
    coupon = np.where(
        np.arange(len(rows)) % 10 == 9, (parts.plan.coupon[rows] + 1) % len(names), parts.plan.coupon[rows]
    )
    table = pa.table({"user_id": ids.take(pa.array(rows)), "coupon_id": pa.array(names[coupon].astype(str))})
    return Keep(plan=table, share=0.5)


_MAKERS: dict[str, Callable[[_Parts], Rule | None]] = {
    "budget": _budget,
    "sms_budget": _sms_budget,
    "target": _target,
    "user_cap": _user_cap,
    "exclusion": _exclusion,
    "coverage": _coverage,
    "parity": _parity,
    "return_floor": _return_floor,
    "keep": _keep,
}
RULE_NAMES = ("stock", *_MAKERS)
"""Kinds of rule that :func:`draw_instance` knows."""


def _check(
    users: int,
    coupons: int,
    rules: tuple[str, ...],
    segments: Mapping[str, int],
    budget_share: float,
    shortlist: int | None,
    eligible: float,
) -> None:
    ranges: list[tuple[str, float, float, float]] = [
        ("users", users, 1, np.inf),
        ("coupons", coupons, 1, np.inf),
        *((f"segments[{name!r}]", count, 1, np.inf) for name, count in segments.items()),
        ("shortlist", coupons if shortlist is None else shortlist, 1, coupons),
    ]
    for name, number, least, most in ranges:
        if not least <= number <= most:
            raise InputError(
                f"{name} must lie in [{least:g}, {most:g}]",
                column=name,
                value=number,
                mend="Correct the number",
            )
    for name, share, most in (("budget_share", budget_share, np.inf), ("eligible", eligible, 1.0)):
        if not 0 < share <= most or share == np.inf:
            raise InputError(
                f"{name} must lie in (0, {most:g}]", column=name, value=share, mend="Correct the share"
            )
    for rule in rules:
        if rule not in RULE_NAMES:
            raise InputError(
                "unknown kind of rule", column="rules", value=rule, mend=did_you_mean(rule, RULE_NAMES)
            )
        if rule in ("coverage", "parity") and not segments:
            raise InputError(f"{rule} needs a segment", column="segments", mend="Give at least one segment")
