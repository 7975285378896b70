"""The dual in few passes: HiGHS's linear optimum, however the sample fell out."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.solver.campaigns import KINDS, Cancelled, Parts, campaign, optimum, parts

import couponry as cp
from couponry.instances import Budget, Coupons, Coverage, Instance, Response, Target, UserCap, Users
from couponry.instances.generators import RULE_NAMES, draw_instance
from couponry.solver import dual
from couponry.solver.bound import dual_bound
from couponry.solver.clock import Clock
from couponry.solver.dual import DualAnswer, DualSearch
from couponry.solver.local import LocalEngine
from couponry.solver.prices import PriceBook
from couponry.solver.solution import Status


def search(
    some: Parts,
    start: np.ndarray | None = None,
    *,
    seed: int = 0,
    clock: Clock | None = None,
    said: list[str] | None = None,
) -> tuple[DualAnswer, int]:
    """Return where the search ends, and its passes over everybody; ``said`` gets its messages."""
    engine = LocalEngine(some.program, threads=1)
    clock = clock or Clock(report=None if said is None else lambda step: said.append(step.message))
    answer = DualSearch(some.program, some.book, engine, some.scale, some.reach, clock, seed).run(start)
    return answer, engine.passes


@pytest.fixture
def unwidened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few users be settled no more often than many."""
    monkeypatch.setattr(dual, "WIDENED", 0)
    monkeypatch.setattr(dual, "FEW_USERS", 0)


def undecided(said: list[str]) -> list[int]:
    """Return how many users were undecided at each settling of everybody."""
    found = [re.fullmatch(r"all users, bound .*, ([\d,]+) undecided", line) for line in said]
    return [int(match[1].replace(",", "")) for match in found if match]


# ------------------------------------------------------------------ against HiGHS


@pytest.mark.parametrize("kind", KINDS)
def test_least_bound_is_the_linear_optimum(kind: str) -> None:
    """Of 4,000 users the bound is HiGHS's linear optimum to nine digits, and not below it."""
    some = parts(kind, 0)
    answer, _ = search(some)
    least = optimum(kind, 0)
    assert some.bound(answer.multipliers) == pytest.approx(least, rel=1e-9)
    assert some.bound(answer.multipliers) >= least - 1e-12 * abs(least)
    assert some.book.clip(answer.multipliers).tolist() == answer.multipliers.tolist()
    assert answer.proof is None
    assert answer.inside
    assert not answer.broken.any()


@pytest.mark.slow
def test_least_bound_of_more_users() -> None:
    """Of 8,000 users, too, the bound is HiGHS's linear optimum."""
    some = parts("one", 1, 8000)
    answer, _ = search(some)
    assert some.bound(answer.multipliers) == pytest.approx(optimum("one", 1, 8000), rel=1e-8)


# ------------------------------------------------------------------------- passes


@pytest.mark.usefixtures("unwidened")
def test_one_pass_settles_where_the_sample_was_good() -> None:
    """Most searches take a single pass over everybody, and none more than three."""
    passes = [search(parts("one", 1, 8000), seed=seed)[1] for seed in range(8)]
    assert passes.count(1) >= 5
    assert max(passes) <= 3


def test_samples_of_two_sizes_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many users a small sample's prices start a larger one's, and those a pass over everybody."""
    some = parts("one", 1, 8000)
    monkeypatch.setattr(dual, "FIRST_SAMPLE", 1000)
    said: list[str] = []
    answer, _ = search(some, said=said)
    assert [line.split(",")[0] for line in said[:3]] == ["sample of 12.5%", "sample of 33.3%", "all users"]
    assert 0 < undecided(said)[0] < 8000
    assert some.bound(answer.multipliers) == pytest.approx(some.bound(search(some)[0].multipliers), rel=1e-9)


@pytest.mark.parametrize("kind", ["one", "greedy"])
@pytest.mark.usefixtures("unwidened")
def test_a_radius_that_is_too_small_is_found_out(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Users who were settled too early are settled again, nearer, and the bound is the same."""
    some = parts(kind, 0)
    monkeypatch.setattr(dual, "DEVIATIONS", 0.7)
    said: list[str] = []
    answer, passes = search(some, said=said)
    assert 1 < passes <= dual.SETTLES
    assert len(undecided(said)) == passes
    assert said[0].startswith("sample of 33.3%")
    assert not any(line.startswith("sample") for line in said[1:])  # not left to the exact search
    assert some.bound(answer.multipliers) == pytest.approx(optimum(kind, 0), rel=1e-9)


@pytest.mark.parametrize("kind", ["one", "greedy"])
def test_a_radius_of_next_to_nothing_costs_passes_alone(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where those left undecided cannot keep the rules the exact search takes over, to the same bound."""
    some = parts(kind, 0)
    monkeypatch.setattr(dual, "DEVIATIONS", 0.05)
    answer, passes = search(some)
    assert passes > 2
    assert answer.proof is None
    assert some.bound(answer.multipliers) == pytest.approx(optimum(kind, 0), rel=1e-9)


@pytest.mark.usefixtures("unwidened")
def test_settling_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """However badly the radius misjudges the prices everybody is settled only so often."""
    some = parts("one", 0)
    monkeypatch.setattr(dual, "_within", lambda moved, radius, times: False)
    answer, passes = search(some)
    assert passes == dual.SETTLES
    assert some.bound(answer.multipliers) == pytest.approx(optimum("one", 0), rel=1e-7)


@pytest.mark.parametrize("users", [2_000, 10**12])
def test_a_share_of_the_bound_is_coarse_for_very_many_users(
    users: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows off by thousands of users are no share of 10⁸ users' bound; a thousandth of them shows it here."""
    monkeypatch.setattr(dual, "CORE_PRECISION", 4e-5)
    monkeypatch.setattr(dual, "CORE_USERS", users)
    instance = draw_instance(200_000, 10, rules=RULE_NAMES, seed=3)
    solution = cp.solve(instance, gap=1e-6)
    assert (solution.status is Status.OPTIMAL) == (users == 2_000)


@pytest.mark.parametrize("kind", ["one", "shortlists"])
def test_a_start_needs_no_more_passes(kind: str) -> None:
    """From a former search's multipliers the same bound is reached in no more passes and one sample."""
    some = parts(kind, 0)
    first, cold = search(some)
    said: list[str] = []
    again, warm = search(some, first.multipliers, said=said)
    assert warm <= cold
    assert sum(line.startswith("sample") for line in said) == 1
    assert some.bound(again.multipliers) == pytest.approx(optimum(kind, 0), rel=1e-9)


def test_a_start_may_price_absent_sides() -> None:
    """A start from other rules may price sides that are not there, and be far off: the end is the same."""
    some = parts("one", 0)
    answer, _ = search(some, np.full(some.book.n_rows, -3.0) * some.scale.price)
    assert some.bound(answer.multipliers) == pytest.approx(optimum("one", 0), rel=1e-9)


def test_same_seed_same_prices() -> None:
    """The same seed draws the same samples and ends at the same multipliers, with one thread or three."""
    some = parts("greedy", 0)
    one, _ = search(some, seed=5)
    engine = LocalEngine(some.program, threads=3)
    other = DualSearch(some.program, some.book, engine, some.scale, some.reach, Clock(), 5).run()
    assert one.multipliers.tolist() == other.multipliers.tolist()
    assert one.core.users.tolist() == other.core.users.tolist()


# --------------------------------------------------------------------- what it says


@pytest.mark.parametrize("kind", KINDS)
def test_core_is_told_in_full(kind: str) -> None:
    """Every core user has a choice, a finite margin (0 where split), and a row in the core's program."""
    some = parts(kind, 0)
    answer, _ = search(some)
    core = answer.core
    assert core.users.tolist() == sorted(set(core.users.tolist()))
    assert len(core.users) == len(core.chosen) == len(core.split) == len(core.margin)
    assert np.isfinite(core.margin).all()
    assert (core.margin >= 0).all()
    assert (core.margin[core.split] == 0).all()
    assert core.split.sum() <= some.book.n_rows
    people = some.program.take(core.users) if answer.people is None else answer.people
    assert np.array_equal(people.columns["value"], some.program.columns["value"][core.users], equal_nan=True)
    assert len(core.users) >= 300


@pytest.mark.parametrize("kind", ["one", "greedy", "shortlists"])
def test_choices_are_best_but_for_split_users(kind: str) -> None:
    """At the multipliers each core user's choice is worth as much as any, also a split one's."""
    some = parts(kind, 0)
    answer, _ = search(some)
    scores = some.book.scores(answer.multipliers)
    engine = LocalEngine(some.program, answer.core.users)
    reduced = np.where(answer.core.chosen, engine.scores(scores), 0.0).sum(axis=1)
    assert reduced == pytest.approx(engine.choices(scores)[1], abs=1e-7 * some.scale.objective)


# ------------------------------------------------------------------------ otherwise


@pytest.mark.parametrize("limit", ["cancel", "time"])
def test_a_stopped_search_still_bounds(limit: str) -> None:
    """A search that is stopped at once hands back multipliers, and what they say is a bound."""
    some = parts("one", 0)
    clock = Clock(cancel=Cancelled()) if limit == "cancel" else Clock(1e-9)
    answer, _ = search(some, clock=clock)
    least = optimum("one", 0)
    assert least - 1e-9 <= some.bound(answer.multipliers)
    assert some.bound(answer.multipliers) <= some.bound(np.zeros(some.book.n_rows))


def clashing(kind: str) -> Instance:
    """Return a campaign that is asked for 3,000 coupons with money for a handful."""
    rules = (Budget(amount=1.0), Target(at_least=3000, measure="count"))
    return replace(campaign(kind, 0), rules=rules)


@pytest.mark.parametrize("kind", ["one", "shortlists"])
def test_prices_that_run_away_prove_that_rules_clash(kind: str) -> None:
    """Where a sample's prices run away, everybody is asked once whether they prove that there is no plan."""
    some = Parts(clashing(kind).program)
    said: list[str] = []
    answer, _ = search(some, said=said)
    assert [line.split(",")[0] for line in said] == ["sample of 33.3%"]
    assert answer.proof is not None
    rows_alone = PriceBook(some.program, with_objective=False)
    assert dual_bound(some.engine, rows_alone, answer.proof) < 0


def test_without_rows_everybody_has_what_is_best() -> None:
    """Where no rule binds users together there are no prices, and L is what all like best."""
    n = 4000
    value = np.random.default_rng(0).normal(size=(n, 2))
    some = Parts(
        Instance(
            Coupons(pd.DataFrame({"coupon_id": ["A", "B"]})),
            Users(pa.table({"user_id": np.arange(n)})),
            Response({"value": value, "cost": np.ones((n, 2))}),
        ).program
    )
    answer, _ = search(some)
    assert answer.multipliers.shape == (0,)
    assert some.bound(answer.multipliers) == pytest.approx(np.maximum(value.max(axis=1), 0).sum())


def test_users_exactly_alike() -> None:
    """Where 5,000 users are alike, and money for half, the bound is half of what all would bring."""
    n = 5000
    some = Parts(
        Instance(
            Coupons(pd.DataFrame({"coupon_id": ["A"]})),
            Users(pa.table({"user_id": np.arange(n)})),
            Response({"value": np.ones((n, 1)), "cost": np.ones((n, 1))}),
            (Budget(amount=n / 2),),
        ).program
    )
    answer, _ = search(some)
    assert some.bound(answer.multipliers) == pytest.approx(n / 2, rel=1e-9)
    assert answer.multipliers == pytest.approx([1.0], rel=1e-6)


# ------------------------------------------------------------- the whole way, judged


@pytest.mark.parametrize("kind", KINDS)
def test_plans_are_judged_right(kind: str) -> None:
    """A solve ends within its gap in few passes, and the judge agrees on plan, value and bound."""
    instance = campaign(kind, 0)
    solution = cp.solve(instance, gap=1e-4)
    judged = cp.verify(instance, solution.plan, solution.certificate)
    assert judged.ok, judged.words()
    assert solution.status is Status.OPTIMAL
    assert judged.value == pytest.approx(solution.value, rel=1e-12)
    assert judged.certificate is not None
    least = instance.program.sense * optimum(kind, 0)
    assert solution.certificate.bound == pytest.approx(least, rel=1e-8)
    # The judge rounds limits on counts inwards, which makes the bound the sharper.
    sense = instance.program.sense
    assert sense * solution.value <= sense * judged.certificate.bound
    assert sense * judged.certificate.bound <= sense * solution.certificate.bound * (1 + sense * 1e-12)
    assert solution.gap <= 1e-4
    # One that settles and one that proves; where the sample fell out badly, one or two more.
    assert 1 <= solution.stats["passes"] <= 4


@pytest.mark.parametrize("seed", range(4))
def test_few_users_have_the_exact_minimum(seed: int) -> None:
    """Of a fifth of each region, whom a coupon costs least: the bound is the sum of their losses, and met."""
    rng = np.random.default_rng(seed)
    n, regions = 5000, np.array(["e", "n", "s", "w"])
    region = regions[np.minimum(np.arange(n) % 7, 3)]
    loss = rng.random(n)
    instance = Instance(
        Coupons(pd.DataFrame({"coupon_id": ["A", "B"]})),
        Users(pa.table({"user_id": np.arange(n), "region": region})),
        Response({"value": -np.stack([loss, loss + rng.random(n)], axis=1), "cost": np.zeros((n, 2))}),
        (Coverage(segment="region", at_least=0.2), UserCap(coupons=1)),
    )
    counts = {name: -(-int((region == name).sum()) // 5) for name in regions}
    best = -sum(np.sort(loss[region == name])[: counts[name]].sum() for name in regions)
    solution = cp.solve(instance)
    assert solution.value == pytest.approx(best, rel=1e-6)
    assert solution.bound == pytest.approx(best, rel=1e-6)
