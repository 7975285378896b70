"""Predicted against realised value of the pairs that a plan chose."""

import numpy as np
import pandas as pd
import pytest
from tests.predictors.small_world import FACE_VALUES, SmallWorld, menu

from couponry.instances.errors import InputError
from couponry.instances.log import Log
from couponry.predictors.evaluate import chosen_pairs


def log(arm: list[int], conversion: list[float], user: list[str], propensity: list[float]) -> Log:
    """Return a log by hand."""
    return Log(
        features=pd.DataFrame({"x": np.zeros(len(arm))}),
        user_id=np.array(user, dtype=object),
        coupons=menu(),
        arm=np.array(arm, dtype=np.int32),
        conversion=np.array(conversion, dtype=float),
        cost=np.where(np.array(arm) >= 0, 2.0, 0.0) * np.array(conversion),
        revenue=np.zeros(len(arm)),
        propensity=np.array(propensity),
    )


def test_by_hand():
    """Rows given the plan's coupon against the plan's users given none, by inverse propensity."""
    given = log(
        [0, 0, -1, -1, 1, 0],
        [1, 0, 1, 0, 1, 1],
        ["a", "b", "c", "d", "e", "f"],
        [0.5, 0.25, 0.5, 0.5, 0.5, 0.5],
    )
    arms = np.array([0, 0, 0, 0, 0, -1], dtype=np.int32)  # f has none by the plan, e had another coupon
    found = chosen_pairs(given, arms, np.full(6, 0.4), np.full(6, 1.0), bins=1).iloc[0]
    assert (found["pairs"], found["given"], found["without"]) == (5, 2, 2)
    assert found["predicted"] == pytest.approx(0.4)
    assert found["realised"] == pytest.approx(1 / 3 - 1 / 2)  # weights 2 and 4; 2 and 2
    parts = [2 * (2 / 3) / 6, 4 * (-1 / 3) / 6, 2 * 0.5 / 4, -2 * 0.5 / 4]
    assert found["standard_error"] == pytest.approx(np.sqrt(np.square(parts).sum()))
    assert found["cost_realised"] == pytest.approx(2 / 3)


def test_rows_of_one_user_are_one_observation():
    """Two rows more of the same user that say the same make the error no smaller."""
    one = log([0, 0, -1, -1], [1, 0, 1, 0], list("abcd"), [0.5] * 4)
    twice = log([0, 0, -1, -1] * 2, [1, 0, 1, 0] * 2, list("abcd") * 2, [0.5] * 8)
    errors = [
        chosen_pairs(given, np.zeros(given.n, np.int32), np.ones(given.n), np.ones(given.n)).iloc[0][
            "standard_error"
        ]
        for given in (one, twice)
    ]
    assert errors[0] == pytest.approx(errors[1])


def test_the_truth_lies_within_the_error():
    """In a world whose truth is known the realised value is it, within three errors."""
    world = SmallWorld.draw(20_000, 3)
    given = world.log(1)
    noisy = world.value + np.random.default_rng(0).normal(scale=0.1, size=world.value.shape)
    arms = np.where(noisy.max(axis=1) > 0.3, noisy.argmax(axis=1), -1).astype(np.int32)
    rows, coupon = np.arange(given.n), np.maximum(arms, 0)
    cost = world.probability[rows, coupon + 1] * np.array(FACE_VALUES)[coupon]
    expected = (world.probability[rows, coupon + 1] + world.probability[:, 0]) / 2
    truth = world.value[rows, coupon][arms >= 0].mean()
    plain = chosen_pairs(given, arms, noisy[rows, coupon], cost)
    helped = chosen_pairs(given, arms, noisy[rows, coupon], cost, expected=expected)
    for table in (plain, helped):
        whole = table.iloc[0]
        assert whole["predicted"] > truth + 0.05  # the curse
        assert abs(whole["realised"] - truth) < 3 * whole["standard_error"]
        assert abs(whole["cost_realised"] - cost[arms >= 0].mean()) < 3 * whole["cost_standard_error"]
    assert helped.iloc[0]["standard_error"] < plain.iloc[0]["standard_error"]
    bins = plain[plain["by"] == "predicted value"]
    assert bins["predicted"].is_monotonic_decreasing
    assert bins["pairs"].sum() == (arms >= 0).sum() == plain[plain["by"] == "coupon"]["pairs"].sum()


def test_what_nobody_was_given_has_no_figure_and_an_empty_plan_is_refused():
    """Fewer than two rows on a side tell nothing."""
    given = log([0, -1, -1], [1, 0, 1], list("abc"), [0.5] * 3)
    found = chosen_pairs(given, np.zeros(3, np.int32), np.ones(3), np.ones(3)).iloc[0]
    assert np.isnan(found["realised"])
    assert np.isnan(found["standard_error"])
    with pytest.raises(InputError, match="the plan gives no user of the log anything"):
        chosen_pairs(given, np.full(3, -1, np.int32), np.ones(3), np.ones(3))
