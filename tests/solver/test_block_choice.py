"""Choosing within a block: every user's best set, against all sets that the user may have."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from couponry.instances import Exclusion, Instance, Rule, UserCap
from couponry.instances.generators import draw_instance
from couponry.solver.block_choice import BlockChooser
from couponry.solver.prices import Tables

USERS = 60
KINDS: dict[str, tuple[str, tuple[Rule, ...], dict[str, object]]] = {
    "one coupon": ("one", (), {}),
    "a shortlist": ("one", (), {"shortlist": 3, "eligible": 0.7}),
    "several coupons": ("greedy", (UserCap(coupons=3),), {}),
    "families": ("greedy", (UserCap(coupons=3), Exclusion(by="kind")), {}),
    "overlapping families": (
        "free",
        (UserCap(coupons=3), Exclusion(coupons=["C00", "C01"]), Exclusion(coupons=["C01", "C02"])),
        {},
    ),
    "a cap on money": ("free", (UserCap(coupons=3, money=6.0), Exclusion(by="kind")), {"shortlist": 4}),
}


def drawn(kind: str) -> Instance:
    """Return some users under rules of a kind."""
    _, rules, options = KINDS[kind]
    given = draw_instance(USERS, 5, seed=8, rules=("budget", "coverage"), **options)  # type: ignore[arg-type]
    return replace(given, rules=(*given.rules, *rules))


def drawn_tables(instance: Instance, seed: int) -> Tables:
    """Return any score tables of the program's measures."""
    program, rng = instance.program, np.random.default_rng(seed)
    return {m: rng.normal(size=(program.n_classes, program.n_coupons)) for m in program.measures}


def best_of_all_sets(instance: Instance, tables: Tables, user: int) -> float:
    """Return what the best set of a user's places is worth, each tried in turn."""
    program = instance.program
    places = range(program.places)
    coupon = places if program.coupon is None else program.coupon[user].tolist()
    own = program.classes.codes[user]
    score = {}
    for place in places:
        if coupon[place] >= 0 and not math.isnan(program.columns["value"][user, place]):
            parts = [
                float(table[own, coupon[place]])
                * (1.0 if m == "count" else float(program.columns[m][user, place]))
                for m, table in tables.items()
            ]
            score[place] = math.fsum(parts)
    best = 0.0
    for size in range(1, int(program.choices.max_coupons[user]) + 1):
        for held in combinations(score, size):
            apart = not any(program.conflicts[coupon[a], coupon[b]] for a, b in combinations(held, 2))
            if apart and _affordable(instance, user, held):
                best = max(best, math.fsum(score[place] for place in held))
    return best


def _affordable(instance: Instance, user: int, held: tuple[int, ...]) -> bool:
    program = instance.program
    if math.isinf(program.money):
        return True
    return math.fsum(float(program.columns["cost"][user, place]) for place in held) <= program.money


@pytest.mark.parametrize("kind", KINDS)
def test_each_users_set_is_the_best_of_all(kind: str) -> None:
    """At any score tables no set that a user may have is worth more than the one chosen."""
    instance = drawn(kind)
    chooser = BlockChooser(instance.program)
    assert chooser.choose_with == KINDS[kind][0]
    for seed in range(3):
        tables = drawn_tables(instance, seed)
        found = chooser.best(tables, instance.program.everybody)
        expected = [best_of_all_sets(instance, tables, user) for user in range(USERS)]
        np.testing.assert_allclose(found.worth, expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(found.mask.sum(axis=1), (found.taken >= 0).sum(axis=1))


def test_whoever_may_have_nothing_takes_nothing() -> None:
    """However good the scores, a user whose limit is 0 has an empty set, and no exchange."""
    instance = drawn("several coupons")
    program = instance.program
    most = program.choices.max_coupons.copy()
    most[::2] = 0
    barred = replace(program, choices=replace(program.choices, max_coupons=most))
    chooser = BlockChooser(barred)
    found = chooser.best({"value": np.full((barred.n_classes, barred.n_coupons), 1.0)}, barred.everybody)
    assert (found.taken[::2] < 0).all()
    assert (found.taken[1::2] >= 0).any()
    assert (chooser.near(found, math.inf).user % 2 == 1).all()


def test_exchanges_lose_what_scores_say() -> None:
    """Every change by one place within the window is listed, with the difference of its two scores."""
    instance = drawn("one coupon")
    chooser, block = BlockChooser(instance.program), instance.program.everybody
    tables = drawn_tables(instance, 1)
    found, width = chooser.best(tables, block), 0.5
    near = chooser.near(found, width)
    score = np.where(np.isnan(found.score), -np.inf, found.score)
    listed = {(u, o, i): loss for u, o, i, loss in zip(*_columns(near), strict=True)}
    count = 0
    for user in range(USERS):
        held = int(found.taken[user, 0])
        former = 0.0 if held < 0 else float(score[user, held])
        # Who gives up a coupon takes none rather than one of negative worth.
        others = [(-1, 0.0)] if held >= 0 else []
        others += [
            (place, float(score[user, place]))
            for place in range(5)
            if place != held and (held < 0 or score[user, place] >= 0)
        ]
        for place, worth in others:
            assert ((user, held, place) in listed) == (former - worth < width)
            if former - worth < width:
                assert listed[user, held, place] == pytest.approx(former - worth, abs=1e-12)
                count += 1
    assert count == len(listed) > 20


def _columns(near: object) -> tuple[list[int], list[int], list[int], list[float]]:
    names = ("user", "place_out", "place_in", "loss")
    user, leaving, entering, loss = (getattr(near, name).tolist() for name in names)
    return user, leaving, entering, loss
