"""The engine on this machine: against plain Python over every set, whatever the blocks and threads."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.brute_force import Reading
from tests.drawn import instances
from tests.instances.small import four_users

from couponry.instances import (
    Budget,
    Coupons,
    Exclusion,
    Instance,
    Response,
    UserCap,
    Users,
)
from couponry.instances.generators import RULE_NAMES, draw_instance
from couponry.solver import local
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook, Tables

INF = math.inf
DRAWN = settings(max_examples=40, deadline=None, derandomize=True)
SLACK = 1e-9


def drawn_tables(instance: Instance, rng: np.random.Generator, size: float = 1.0) -> Tables:
    """Return any score tables, of the measures that the program has."""
    program = instance.program
    shape = (program.n_classes, program.n_coupons)
    return {name: size * rng.normal(size=shape) for name in program.measures}


@dataclass(frozen=True)
class Worths:
    """What every set that a user may have is worth at given tables, in plain Python and exactly."""

    sets: list[list[frozenset[int]]]
    worth: list[list[Fraction]]

    @classmethod
    def of(cls, instance: Instance, tables: Tables) -> Worths:
        """Try every set of places of every user."""
        reading, codes = Reading(instance), instance.program.classes.codes
        measures = {name: columns for name, columns in instance.program.columns.items() if name in tables}
        sets, worths = [], []
        for i, group in enumerate(codes):
            place = {j: s for (user, j), s in reading.place.items() if user == i}
            score = {
                s: sum(
                    (
                        Fraction(float(tables[n][group, j])) * Fraction(float(c[i, s]))
                        for n, c in measures.items()
                    ),
                    start=Fraction(float(tables["count"][group, j])) if "count" in tables else Fraction(0),
                )
                for j, s in place.items()
            }
            allowed = [frozenset(place[j] for j in coupons) for coupons in reading.choices(i)]
            sets.append(allowed)
            worths.append([sum((score[s] for s in some), start=Fraction(0)) for some in allowed])
        return cls(sets, worths)

    @property
    def best(self) -> list[Fraction]:
        """The most that each user can have."""
        return [max(worth) for worth in self.worth]

    def best_if(self, i: int, place: int, taken: bool) -> Fraction | None:
        """Return the most that a user can have with, or without, a place."""
        kept = [w for some, w in zip(self.sets[i], self.worth[i], strict=True) if (place in some) == taken]
        return max(kept, default=None)

    def clear(self, i: int) -> bool:
        """Return whether a user's best set beats all others by more than rounding could blur."""
        first, *others = sorted(self.worth[i], reverse=True)
        return not others or first - others[0] > SLACK


def places(chosen: np.ndarray) -> list[frozenset[int]]:
    """Return the chosen places of each user."""
    return [frozenset(np.flatnonzero(row).tolist()) for row in chosen]


# ------------------------------------------------------------------------- by hand


def test_demand_of_four_users() -> None:
    """At a price of 0.1 on cost u1, u2 and u3 take A, B costs u4 0.2 of its 0.5, and nobody takes C."""
    # value − 0.1 cost       A    B     C
    #   u1                   0    0     0    nothing is above 0
    #   u2                 0.1 −0.1     –
    #   u3                 0.3 −0.1  −0.1
    #   u4                   0  0.3  −0.2
    instance = four_users(Budget(amount=4))
    engine = LocalEngine(instance.program)
    book = PriceBook(instance.program)
    answer = engine.demand(book.scores(np.array([0.0, 0.0, 0.1])))
    assert answer.total == pytest.approx(0.7, abs=1e-15)
    assert answer.tables["count"].tolist() == [[2, 1, 0]]
    assert answer.tables["cost"].tolist() == [[2, 2, 0]]
    assert answer.tables["value"] == pytest.approx(np.array([[0.6, 0.5, 0]]))
    assert engine.passes == 1


def test_settle_four_users() -> None:
    """With the price of cost in 0.1 ± 0.05 only u1 is undecided."""
    # At its worst in the box, against the others at their best:
    #   u1  nothing 0     A 0.05           changes its mind
    #   u2  A 0.05        B 0              stays
    #   u3  A 0.25        B 0, C 0.05      stays
    #   u4  B 0.2         A 0.05, C −0.05  stays
    instance = four_users(Budget(amount=4))
    book = PriceBook(instance.program)
    answer = LocalEngine(instance.program).settle(
        book.scores(np.array([0.0, 0.0, 0.1])), book.radius(np.array([0.0, 0.0, 0.05]))
    )
    assert answer.undecided.tolist() == [0]
    assert answer.tables["count"].tolist() == [[2, 1, 0]]
    assert answer.tables["cost"].tolist() == [[2, 2, 0]]


def test_margins_of_four_users() -> None:
    """A margin is what the best choice is worth above the next best, nothing included."""
    instance = four_users(Budget(amount=4))
    scores = PriceBook(instance.program).scores(np.array([0.0, 0.0, 0.1]))
    # u1: nothing against A, B and C of 0. u2: A of 0.1 against nothing. u3: 0.3 against nothing. u4 likewise.
    assert LocalEngine(instance.program).margins(scores) == pytest.approx([0, 0.1, 0.3, 0.3], abs=1e-15)


def test_options_of_four_users() -> None:
    """Options are the best choice and what costs at most so much more."""
    instance = four_users(Budget(amount=4))
    scores = PriceBook(instance.program).scores(np.array([0.0, 0.0, 0.125]))
    # value − cost/8       A       B       C
    #   u1            −0.025   −0.05  −0.075    nothing is best
    #   u2             0.075   −0.15       –
    #   u3             0.275   −0.15  −0.175
    #   u4            −0.025    0.25  −0.275
    engine = LocalEngine(instance.program)
    assert places(engine.options(scores, 0.06)) == [{0, 1}, {0}, {0}, {1}]
    # A limit for each user: u2 gives up 0.225 for B, u4 0.275 for A.
    each = engine.options(scores, np.array([0.0, 0.23, 0.0, 0.28]))
    assert places(each) == [set(), {0, 1}, {0}, {0, 1}]


def test_assign_leaves_the_core_out() -> None:
    """All but the core take what they like best; the total is that of everybody."""
    instance = four_users()
    scores = PriceBook(instance.program).objective
    core = np.array([1, 3])
    engine = LocalEngine(instance.program)
    given = engine.assign(scores, core)
    # Without prices u1 likes C and u3 likes A best.
    assert given.pairs.user.tolist() == [0, 2]
    assert given.pairs.place.tolist() == [2, 0]
    assert given.sums.high["count"].tolist() == [[1, 0, 1]]
    assert given.total == engine.demand(scores).total


def test_scores_and_spread_of_a_pair() -> None:
    """A pair's reduced value is Σ T·m, its spread Σ R·|m|; both are −inf where it is not eligible."""
    instance = four_users(Budget(amount=4))
    engine = LocalEngine(instance.program)
    tables = {"value": np.full((1, 3), 1.0), "cost": np.full((1, 3), -0.25), "count": np.full((1, 3), 0.5)}
    scores = engine.scores(tables)
    assert scores[0] == pytest.approx([0.35, 0.2, 0.05])
    assert scores[1].tolist()[2] == -INF
    spread = engine.spread({"cost": np.full((1, 3), 0.25)})
    assert spread.tolist()[:2] == [[0.25, 0.5, 0.75], [0.25, 0.5, -INF]]


@pytest.mark.parametrize(
    ("rules", "chooser"),
    [
        ((), "one"),
        ((UserCap(coupons=1), Exclusion(by="channel")), "one"),
        ((UserCap(coupons=2),), "greedy"),
        ((UserCap(coupons=2), Exclusion(by="channel")), "greedy"),
        ((UserCap(coupons=2), Exclusion(coupons=["A", "B"]), Exclusion(coupons=["B", "C"])), "free"),
        ((UserCap(coupons=1, money=2.0),), "free"),
    ],
)
def test_the_simplest_kernel_that_is_exact(rules, chooser: str) -> None:  # type: ignore[no-untyped-def]
    """Single coupons are chosen directly, disjoint families greedily, all else by search."""
    assert LocalEngine(four_users(*rules).program).chooser.choose_with == chooser


def test_exchanges_from_given_choices() -> None:
    """From A for u1 and nothing for the others, changes are told with what they lose; gains lose nothing."""
    instance = four_users(Budget(amount=4))
    scores = PriceBook(instance.program).scores(np.array([0.0, 0.0, 0.125]))
    # value − cost/8       A       B       C
    #   u1            −0.025   −0.05  −0.075
    #   u2             0.075   −0.15       –
    #   u3             0.275   −0.15  −0.175
    #   u4            −0.025    0.25  −0.275
    chosen = np.zeros((4, 3), bool)
    chosen[0, 0] = True
    near = LocalEngine(instance.program).exchanges_from(scores, chosen, 0.16)
    told = [
        (int(u), int(out), int(into), round(float(loss), 9))
        for u, out, into, loss in zip(near.user, near.place_out, near.place_in, near.loss, strict=True)
    ]
    # u1 gives A up, which gains; B and C are worth less than nothing, so that dropping A is what counts.
    assert told == [
        (0, 0, -1, 0.0),
        (1, -1, 0, 0.0),
        (1, -1, 1, 0.15),
        (2, -1, 0, 0.0),
        (2, -1, 1, 0.15),
        (3, -1, 0, 0.025),
        (3, -1, 1, 0.0),
    ]
    assert near.measures_in[instance.program.measures.index("cost")][1:].tolist() == [1, 2, 1, 2, 1, 2]


# --------------------------------------------------------------- against every set


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000), width=st.sampled_from([0.1, 0.5, 3.0]))
def test_exchanges_lead_to_sets_that_users_may_have(instance: Instance, seed: int, width: float) -> None:
    """After an exchange a user keeps all caps and exclusions, worth as much less as is said."""
    tables = drawn_tables(instance, np.random.default_rng(seed))
    engine = LocalEngine(instance.program)
    worths = Worths.of(instance, tables)
    chosen = places(engine.choices(tables)[0])
    near = engine.exchanges(tables, width)[1]
    assert (near.loss < width).all()
    for u, out, into, loss in zip(near.user, near.place_out, near.place_in, near.loss, strict=True):
        after = (chosen[u] - {int(out)}) | ({int(into)} - {-1})
        assert after != chosen[u]
        assert after in worths.sets[u]
        lost = worths.best[u] - worths.worth[u][worths.sets[u].index(after)]
        assert float(lost) == pytest.approx(float(loss), abs=SLACK)


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000))
def test_exchanges_from_the_best_choices_are_the_exchanges(instance: Instance, seed: int) -> None:
    """Handed what users like best, the answer is that of the pass that finds it out itself."""
    tables = drawn_tables(instance, np.random.default_rng(seed))
    engine = LocalEngine(instance.program)
    _, near = engine.exchanges(tables, 0.5)
    given = engine.exchanges_from(tables, engine.choices(tables)[0], 0.5)
    keys = [
        sorted(zip(e.user.tolist(), e.place_out.tolist(), e.place_in.tolist(), e.loss.tolist(), strict=True))
        for e in (near, given)
    ]
    assert keys[0] == keys[1]


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000), width=st.sampled_from([0.1, 0.5]))
def test_every_single_change_that_may_happen_is_listed(instance: Instance, seed: int, width: float) -> None:
    """Of users with one coupon each, all choices that lose less than the width are among the exchanges."""
    single = replace(instance, rules=(*instance.rules, UserCap(coupons=1)))
    tables = drawn_tables(single, np.random.default_rng(seed))
    engine = LocalEngine(single.program)
    worths = Worths.of(single, tables)
    chosen = places(engine.choices(tables)[0])
    near = engine.exchanges(tables, width)[1]
    found = {
        (int(u), frozenset({int(into)} - {-1})) for u, into in zip(near.user, near.place_in, strict=True)
    }
    for i, sets in enumerate(worths.sets):
        for some, worth in zip(sets, worths.worth[i], strict=True):
            # A place of no worth comes second to dropping the coupon, which is listed in its stead.
            wanted = some != chosen[i] and (worth > SLACK or not some or not chosen[i])
            if wanted and worths.best[i] - worth < width - SLACK:
                assert (i, some) in found


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000))
def test_demand_is_what_a_plain_loop_finds(instance: Instance, seed: int) -> None:
    """The total is that of every user's best set, and the tables sum what those sets take."""
    tables = drawn_tables(instance, np.random.default_rng(seed))
    engine = LocalEngine(instance.program)
    worths = Worths.of(instance, tables)
    chosen, worth = engine.choices(tables)
    assert worth == pytest.approx([float(best) for best in worths.best], abs=SLACK)
    for i, taken in enumerate(places(chosen)):
        assert taken in worths.sets[i]
        assert abs(worths.worth[i][worths.sets[i].index(taken)] - worths.best[i]) <= SLACK
    answer = engine.demand(tables)
    assert answer.total == pytest.approx(float(sum(worths.best)), abs=SLACK)
    program = instance.program
    for name, table in answer.tables.items():
        expected = np.zeros_like(table)
        for i, s in zip(*np.nonzero(chosen), strict=True):
            j = s if program.coupon is None else program.coupon[i, s]
            expected[program.classes.codes[i], j] += 1 if name == "count" else program.columns[name][i, s]
        assert table == pytest.approx(expected, abs=SLACK)
    # Where no table may move everybody is settled.
    settled = engine.settle(tables, {})
    assert settled.undecided.tolist() == []
    assert {n: t.tolist() for n, t in settled.tables.items()} == {
        n: t.tolist() for n, t in answer.tables.items()
    }


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000), size=st.sampled_from([0.02, 0.1, 0.5]))
def test_settled_users_never_change_their_minds(instance: Instance, seed: int, size: float) -> None:
    """Anywhere in the box a settled user's choice stays best, and the tables are what the settled take."""
    rng = np.random.default_rng(seed)
    centre = drawn_tables(instance, rng)
    radius = {name: size * np.abs(table) for name, table in drawn_tables(instance, rng).items()}
    engine = LocalEngine(instance.program)
    answer = engine.settle(centre, radius)
    settled = np.setdiff1d(np.arange(engine.n_users), answer.undecided)
    choices = engine.choices(centre)[0]
    assert answer.undecided.tolist() == sorted(answer.undecided.tolist())
    for _ in range(3):
        # Corners of the box as well as points inside it.
        ends = {n: rng.choice([-1.0, 1.0, rng.uniform(-1, 1)], table.shape) for n, table in radius.items()}
        moved = {name: table + ends[name] * radius[name] for name, table in centre.items()}
        worths = Worths.of(instance, moved)
        for i in settled:
            taken = frozenset(np.flatnonzero(choices[i]).tolist())
            assert worths.best[i] - worths.worth[i][worths.sets[i].index(taken)] <= SLACK
    alone = engine.assign(centre, answer.undecided).sums
    for name in instance.program.measures:
        assert answer.tables[name] == pytest.approx(alone.high[name], abs=SLACK)
    assert answer.core.n_users == len(answer.undecided)
    assert LocalEngine(answer.core).choices(centre)[0].tolist() == choices[answer.undecided].tolist()


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000))
def test_margins_and_options_are_those_of_every_set(instance: Instance, seed: int) -> None:
    """Turning a pair round costs what the best set with it, or without it, loses; a margin is the least."""
    rng = np.random.default_rng(seed)
    tables = drawn_tables(instance, rng)
    engine = LocalEngine(instance.program)
    worths, chosen = Worths.of(instance, tables), engine.choices(tables)[0]
    margins = engine.margins(tables)
    losses = np.full(chosen.shape, INF)
    for i, s in np.ndindex(*chosen.shape):
        turned = worths.best_if(i, s, taken=not chosen[i, s])
        if turned is not None and worths.best_if(i, s, taken=bool(chosen[i, s])) is not None:
            losses[i, s] = float(worths.best[i] - turned)
    for i in range(engine.n_users):
        if worths.clear(i):
            assert margins[i] == pytest.approx(losses[i].min(), abs=SLACK)
    for most in (0.0, 0.3, 1.0):
        options = engine.options(tables, most)
        near = np.abs(losses - most) <= SLACK
        clear = np.array([worths.clear(i) for i in range(engine.n_users)])[:, None]
        assert ((options == (chosen | (losses <= most))) | near | ~clear).all()


@DRAWN
@given(instance=instances(), seed=st.integers(0, 1000), size=st.sampled_from([1e-6, 1.0, 1e9]))
def test_rounding_error_covers_the_true_error(instance: Instance, seed: int, size: float) -> None:
    """The total is nearer to the exact sum of the exact best sets than the engine says."""
    rng = np.random.default_rng(seed)
    tables = drawn_tables(instance, rng, size)
    if "cost" in tables:  # terms that nearly cancel lose most
        tables["value"] = -tables["cost"] * (1 + 1e-9 * rng.random(tables["cost"].shape))
    engine = LocalEngine(instance.program)
    exact = sum(Worths.of(instance, tables).best, start=Fraction(0))
    demand = engine.demand(tables, with_error=True)
    assert abs(Fraction(demand.total) - exact) <= Fraction(demand.error)


# ----------------------------------------------------------------- blocks and threads


@lru_cache
def many_users(rules: tuple[str, ...] = RULE_NAMES) -> Instance:
    """Return more users than stand in two blocks, with every rule."""
    return draw_instance(local.CHUNK + 1807, 5, seed=3, rules=rules, eligible=0.9)


KINDS = {
    "one": ("budget", "coverage", "parity"),
    "greedy": ("budget", "coverage", "return_floor", "exclusion"),
    "free": RULE_NAMES,
}


def answers(engine: LocalEngine, tables: Tables, radius: Tables) -> list[list[object]]:
    """Return everything that an engine answers, as lists."""
    demand, settled = engine.demand(tables, with_error=True), engine.settle(tables, radius)
    core = settled.undecided[:50]
    plan = engine.assign(tables, core).pairs
    exchanges = engine.exchanges(tables, 0.002)[1]
    return [
        [demand.total],
        *(demand.tables[name].ravel().tolist() for name in sorted(demand.tables)),
        *(settled.tables[name].ravel().tolist() for name in sorted(settled.tables)),
        settled.undecided.tolist(),
        plan.user.tolist(),
        plan.place.tolist(),
        exchanges.user.tolist(),
        exchanges.loss.tolist(),
        engine.margins(tables).tolist(),
        np.argwhere(engine.options(tables, 0.002)).tolist(),
        [demand.error],
    ]


def of_kind(kind: str) -> tuple[Instance, Tables, Tables]:
    """Return a large instance that needs this kernel, with tables at which many users are undecided."""
    instance = many_users(KINDS[kind])
    if kind == "greedy":
        instance = replace(instance, rules=(*instance.rules, UserCap(coupons=2)))
    book = PriceBook(instance.program)
    assert LocalEngine(instance.program).chooser.choose_with == kind
    rng = np.random.default_rng(1)
    budget = [row.kind == "budget" for row in instance.program.rows]
    multipliers = book.clip(np.where(budget, 0.01, 1e-4 * rng.normal(size=book.n_rows)))
    return instance, book.scores(multipliers), book.radius(0.1 * np.abs(multipliers))


@pytest.mark.parametrize("kind", KINDS)
def test_threads_change_nothing(kind: str) -> None:
    """One thread and three give the same answers to the last digit."""
    instance, tables, radius = of_kind(kind)
    alone, three = (answers(LocalEngine(instance.program, threads=n), tables, radius) for n in (1, 3))
    assert alone == three


@pytest.mark.parametrize("kind", KINDS)
def test_block_boundaries_change_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In blocks of another size every user is answered alike, and sums differ by their rounding alone."""
    instance, tables, radius = of_kind(kind)
    usual = answers(LocalEngine(instance.program), tables, radius)
    monkeypatch.setattr(local, "BLOCK", 977)
    monkeypatch.setattr(local, "CHUNK", 3 * 977)
    other = answers(LocalEngine(instance.program), tables, radius)
    assert len(usual[-8]) > 50  # some users are undecided
    for one, two in zip(usual, other, strict=True):
        if one and isinstance(one[0], float):
            assert one == pytest.approx(two, rel=1e-12)
        else:
            assert one == two


def test_an_engine_of_some_users_answers_as_the_whole_does() -> None:
    """Over some users only, in any order, choices are those of the same users among all."""
    instance, tables, _ = of_kind("one")
    chosen, worth = LocalEngine(instance.program).choices(tables)
    some = np.random.default_rng(2).permutation(len(instance.users))[:500]
    own, own_worth = LocalEngine(instance.program, some).choices(tables)
    assert own.tolist() == chosen[some].tolist()
    assert own_worth.tolist() == worth[some].tolist()


def test_passes_are_counted() -> None:
    """Each question about all users is one pass over the data."""
    instance = four_users(Budget(amount=4))
    engine = LocalEngine(instance.program)
    tables = PriceBook(instance.program).objective
    engine.demand(tables)
    engine.settle(tables, {})
    engine.assign(tables, np.array([0]))
    engine.margins(tables)
    assert engine.passes == 4


def test_equal_users_choose_alike() -> None:
    """Users with the same numbers choose the same, in every block and place of a block."""
    n = local.BLOCK + 3
    value = np.tile(np.array([[0.25, 0.5, 0.5]]), (n, 1))
    users = Users(pa.table({"user_id": np.arange(n)}))
    menu = Coupons(pd.DataFrame({"coupon_id": ["A", "B", "C"]}))
    instance = Instance(menu, users, Response({"value": value, "cost": np.ones((n, 3))}))
    demand = LocalEngine(instance.program).demand({"value": np.ones((1, 3))})
    assert demand.tables["count"].tolist() == [[0, n, 0]]
    assert demand.total == n / 2
