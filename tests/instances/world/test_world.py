"""The world as a whole: repeatable, realistic, and true to itself."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from couponry.instances import ExistsError, InputError, Log, read_instance
from couponry.instances.world import World


@pytest.fixture(scope="module")
def world() -> World:
    """Return a world of the usual size."""
    return World.draw(20_000, 8, 0)


def positions(log: Log) -> np.ndarray:
    """Return the customers' positions from their ids."""
    return np.array([int(user[1:]) for user in log.user_id])


def naive(log: Log) -> float:
    """Return conversions a head with a coupon less those without."""
    given = log.arm >= 0
    return float(log.conversion[given].mean() - log.conversion[~given].mean())


def weighted(log: Log) -> float:
    """Return the same with every row weighted by one over its propensity."""
    assert log.propensity is not None
    given, weight = log.arm >= 0, 1 / log.propensity
    means = [np.average(log.conversion[rows], weights=weight[rows]) for rows in (given, ~given)]
    return float(means[0] - means[1])


# ------------------------------------------------------------------------ drawing


def test_same_numbers_give_the_same_world() -> None:
    """Two draws agree in every customer, coupon, log row and true response."""
    one, other = World.draw(500, 6, 3), World.draw(500, 6, 3)
    assert one.table.equals(other.table)
    pd.testing.assert_frame_equal(one.coupons.table, other.coupons.table)
    for name, array in one.true_response().measures.items():
        assert (array == other.true_response().measures[name]).all()
    for ours, theirs in (
        (one.log(300, 5), other.log(300, 5)),
        (one.biased_log(300, 5), other.biased_log(300, 5)),
    ):
        assert (ours.arm == theirs.arm).all()
        assert (ours.cost == theirs.cost).all()
        pd.testing.assert_frame_equal(ours.features, theirs.features)


def test_another_seed_gives_another_world_and_another_log() -> None:
    """Neither customers nor campaigns repeat."""
    one, other = World.draw(500, 6, 3), World.draw(500, 6, 4)
    assert not one.table.equals(other.table)
    assert (one.log(400, 1).user_id != one.log(400, 2).user_id).any()


def test_logs_do_not_shift_the_truth() -> None:
    """What is drawn first does not change what is drawn later."""
    fresh, used = World.draw(400, 5, 1), World.draw(400, 5, 1)
    used.log(100)
    used.biased_log(100)
    assert fresh.table.equals(used.table)


def test_what_is_hidden_changes_neither_customers_nor_truth() -> None:
    """Telling more about customers adds columns; other columns, menu and true response stay."""
    usual, told = World.draw(300, 6, 3), World.draw(300, 6, 3, hidden=0.0)
    added = [name for name in told.table.column_names if name not in usual.table.column_names]
    assert added
    assert all(name.startswith("trait_") for name in added)
    assert told.table.select(usual.table.column_names).equals(usual.table)
    assert (told.true_response().measure("value") == usual.true_response().measure("value")).all()


def test_customers_stay_when_the_menu_grows() -> None:
    """A longer menu adds coupons and leaves the customers and the first coupons as they were."""
    short, long = World.draw(300, 5, 2), World.draw(300, 9, 2)
    assert short.table.equals(long.table)
    assert long.coupons.ids[:5] == short.coupons.ids


@pytest.mark.parametrize(("users", "coupons"), [(1, 1), (1, 7), (7, 1), (30, 30)])
def test_smallest_worlds_work(users: int, coupons: int) -> None:
    """A world of one customer or one coupon has a log, a biased log, rules and an instance."""
    world = World.draw(users, coupons, 0)
    assert world.log(5).n == world.biased_log(5).n == 5
    assert len(world.instance().users) == len(world) == users


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"users": 0}, r"parameter 'users': a world needs users of at least 1 \(got 0\)"),
        ({"coupons": 0}, r"parameter 'coupons': a world needs coupons of at least 1 \(got 0\)"),
        ({"seed": -1}, r"parameter 'seed': a world needs seed of at least 0 \(got -1\)"),
    ],
)
def test_impossible_worlds_are_refused(asked: dict[str, int], problem: str) -> None:
    """Each number has its least."""
    with pytest.raises(InputError, match=problem):
        World.draw(**asked)


# --------------------------------------------------------------------------- logs


def test_randomised_log_is_what_it_says(world: World) -> None:
    """Arms have their shares, propensities are theirs, and features are the customers' own."""
    log = world.log(20_000, 0)
    assert log.n == 20_000
    assert log.coupons is world.coupons
    shares = np.bincount(log.arm + 1) / log.n
    np.testing.assert_allclose(shares, [0.3, *[0.7 / 8] * 8], atol=0.015)
    assert log.propensity is not None
    np.testing.assert_allclose(log.propensity, np.where(log.arm < 0, 0.3, 0.7 / 8))
    assert log.segments == ("region", "tier", "age_band")
    assert "user_id" not in log.features
    rows = world.users_table(positions(log)[:50]).drop(columns="user_id")
    pd.testing.assert_frame_equal(log.features.head(50), rows)


def test_nobody_is_drawn_twice_while_there_are_others(world: World) -> None:
    """As many rows as customers are all of them once; more rows repeat some."""
    assert len(set(world.log(20_000).user_id)) == 20_000
    small = World.draw(100, 3, 0)
    assert len(set(small.log(100).user_id)) == 100
    assert small.log(250).n == 250


def test_randomised_log_estimates_the_truth(world: World) -> None:
    """Treated less untreated is the mean true uplift of the coupons, within 4 standard errors."""
    log = World.draw(20_000, 8, 0).log(200_000, 1)
    truth = float(world.true_response().measures["value"].mean())
    # sqrt(0.09 × 0.91 / 140,000 + 0.06 × 0.94 / 60,000) = 0.0012
    assert naive(log) == pytest.approx(truth, abs=0.005)
    assert weighted(log) == pytest.approx(truth, abs=0.005)


def test_biased_log_misleads_and_can_be_mended(world: World) -> None:
    """Taken as it is, it promises far too much; weighted by its true propensities, it tells the truth."""
    log = world.biased_log(200_000, 1, propensity=True)
    truth = world.true_response().measures["value"]
    assert naive(log) > float(truth.mean()) + 0.015
    shares = 1 / np.asarray(log.propensity)
    per_arm = [
        np.average(log.conversion[log.arm == j], weights=shares[log.arm == j])
        for j in range(-1, len(log.coupons))
    ]
    # Weights are uneven: a standard error is about 0.003 for the rarest arm.
    np.testing.assert_allclose(np.array(per_arm[1:]) - per_arm[0], truth.mean(axis=0), atol=0.015)


def test_biased_log_keeps_its_propensities_to_itself(world: World) -> None:
    """By default the true propensities are not told, and telling them changes nothing else."""
    silent, told = world.biased_log(1_000, 2), world.biased_log(1_000, 2, propensity=True)
    assert silent.propensity is None
    assert told.propensity is not None
    assert (silent.arm == told.arm).all()
    assert len(np.unique(told.propensity)) > 500


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda w: w.log(0), r"parameter 'n': a log needs at least one row \(got 0\)"),
        (lambda w: w.biased_log(-3), r"parameter 'n': a log needs at least one row \(got -3\)"),
        (lambda w: w.log(10, none_share=0), r"'none_share': the share without coupon must .* \(got 0\)"),
        (lambda w: w.log(10, none_share=1.0), r"'none_share': the share without coupon must .* \(got 1.0\)"),
        (lambda w: w.biased_log(10, strength=-1), r"'strength': the strength of a bias .* \(got -1\)"),
    ],
)
def test_impossible_logs_are_refused(call, problem: str) -> None:  # type: ignore[no-untyped-def]
    """Rows, shares and strength have their ranges."""
    with pytest.raises(InputError, match=problem):
        call(World.draw(20, 2, 0))


# ---------------------------------------------------------------------- the truth


def test_true_response_has_its_shape(world: World) -> None:
    """Three finite float32 matrices, users by coupons; costs are never negative."""
    response = world.true_response()
    assert set(response.measures) == {"value", "cost", "revenue"}
    for array in response.measures.values():
        assert array.dtype == np.float32
        assert array.shape == (20_000, 8)
        assert np.isfinite(array).all()
    assert response.dense
    assert (response.measures["cost"] >= 0).all()


def test_true_response_of_some_is_that_of_all(world: World) -> None:
    """Asking for a few customers gives their rows, in the order asked."""
    some = np.array([19_999, 0, 777])
    for name, array in world.true_response(some).measures.items():
        np.testing.assert_array_equal(array, world.true_response().measures[name][some])


def test_worth_of_a_plan_is_the_sum_of_its_pairs(world: World) -> None:
    """Three pairs by hand: user 0 with coupon 1, user 5 with 0, user 9 with 7."""
    ids, menu = world.table["user_id"].to_pylist(), world.coupons.ids
    plan = pa.table({"user_id": [ids[0], ids[5], ids[9]], "coupon_id": [menu[1], menu[0], menu[7]]})
    worth = world.true_worth(plan)
    response = world.true_response().measures
    for name in ("value", "cost", "revenue"):
        assert worth[name] == pytest.approx(
            sum(float(response[name][i, j]) for i, j in ((0, 1), (5, 0), (9, 7)))
        )


def test_worth_of_an_empty_plan_is_nothing(world: World) -> None:
    """Nothing given, nothing won."""
    nobody = pa.table({"user_id": pa.array([], pa.string()), "coupon_id": pa.array([], pa.string())})
    assert world.true_worth(nobody) == {"value": 0, "cost": 0, "revenue": 0}


def test_plans_of_other_worlds_are_refused(world: World) -> None:
    """A customer or coupon that is not there is named with its row."""
    plan = pa.table({"user_id": ["U0000001", "U9999999"], "coupon_id": [world.coupons.ids[0]] * 2})
    with pytest.raises(InputError, match=r"row 1, column 'user_id': .*does not have \(got 'U9999999'\)"):
        world.true_worth(plan)
    plan = pa.table({"user_id": ["U0000001"], "coupon_id": ["free-lunch"]})
    with pytest.raises(InputError, match=r"row 0, column 'coupon_id': .*\(got 'free-lunch'\)"):
        world.true_worth(plan)


def test_choosing_pays(world: World) -> None:
    """For the same money, choosing by true value wins far more than giving at random."""
    response = world.true_response().measures
    value, cost = response["value"], response["cost"]
    users = np.arange(len(world))
    anyhow = np.random.default_rng(0).integers(8, size=len(users))

    def chosen(price: float) -> tuple[float, float]:
        score = value - price * cost
        best = score.argmax(axis=1)
        rows = score[users, best] > 0
        return float(value[users, best][rows].sum()), float(cost[users, best][rows].sum())

    plans = [chosen(price) for price in np.linspace(0, 0.5, 26)]
    for share, times in ((0.25, 2.0), (0.5, 1.7), (1.0, 1.25)):
        some = users[: int(share * len(users))]
        money, won = float(cost[some, anyhow[some]].sum()), float(value[some, anyhow[some]].sum())
        assert max(better for better, spent in plans if spent <= money) > times * won


def test_text_and_browsing_add_to_what_plain_features_tell(world: World) -> None:
    """Within a tier, who wrote of or looked at a coupon's goods responds better to it."""
    table, value = world.users_table(), world.true_response().measures["value"]
    goods = world.coupons.table["category"]
    j = int(np.flatnonzero(goods != "all")[0])
    looked = np.array([goods[j] in seen for seen in table["browse_category"].map(set)])
    silver = (table["tier"] == "silver").to_numpy()
    assert value[silver & looked, j].mean() > 1.25 * value[silver & ~looked, j].mean()
    sales = table["review"].str.contains("sale|discount|coupon|bargain").to_numpy(bool)
    assert value[silver & sales].mean() > 1.25 * value[silver & ~sales].mean()


# ----------------------------------------------------------------------- on disk


def test_written_world_reads_back(tmp_path: Path) -> None:
    """The log, the menu, the users and the true instance stand where they should and say the same."""
    world = World.draw(300, 6, 1)
    log = world.log(200, 4)
    world.write(tmp_path / "world", log=log)
    read = Log.read(tmp_path / "world" / "log")
    assert read.n == 200
    assert (read.arm == log.arm).all()
    assert read.coupons.ids == world.coupons.ids
    assert pq.read_table(tmp_path / "world" / "users.parquet").equals(world.table)
    assert (tmp_path / "world" / "coupons.csv").is_file()
    truth = read_instance(tmp_path / "world" / "truth")
    np.testing.assert_array_equal(truth.response.measures["value"], world.true_response().measures["value"])
    assert [rule.kind for rule in truth.rules] == [rule.kind for rule in world.rules()]
    assert truth.campaign.currency == "CNY"


def test_writing_overwrites_nothing_unasked(tmp_path: Path) -> None:
    """A directory that holds something stays as it is without force, and is replaced with it."""
    world = World.draw(30, 2, 0)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "notes.txt").write_text("mine")
    with pytest.raises(ExistsError, match="not empty"):
        world.write(tmp_path / "kept")
    assert [entry.name for entry in (tmp_path / "kept").iterdir()] == ["notes.txt"]
    world.write(tmp_path / "out")
    world.write(tmp_path / "out", force=True)
    assert Log.read(tmp_path / "out" / "log").n == 30
