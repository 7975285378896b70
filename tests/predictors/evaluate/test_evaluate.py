"""Everything that held-out rows say of a model."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError
from couponry.predictors.evaluate import evaluate_model, policy_table, policy_value
from couponry.predictors.evaluate.baselines import uplift_of
from couponry.predictors.evaluate.budget_path import hull_path
from couponry.predictors.evaluate.budgets import budget_curves, budget_table
from couponry.predictors.evaluate.policies import everyone
from couponry.predictors.evaluate.rankings import ranking_table
from couponry.predictors.evaluate.uplift import qini_score
from couponry.predictors.learner import Outcomes
from couponry.predictors.train import train


@pytest.fixture(scope="module")
def judged():
    """A T-learner, other users' log and truth, and the evaluation."""
    model = train(SmallWorld.draw(6000, 0).log(0), "t", "sklearn")
    world = SmallWorld.draw(6000, 1)
    held = world.log(1)
    return model, world, held, evaluate_model(model, held, share=0.3, budget=6000.0)


def test_one_row_a_coupon(judged):
    """Mean uplift near the observed one, ranking better than chance, figures as the functions give them."""
    model, _, held, evaluation = judged
    table = evaluation.coupons
    assert table["coupon_id"].tolist() == ["five", "ten", "twenty"]
    assert ((table["predicted"] - table["observed"]).abs() < 4 * table["standard_error"] + 0.03).all()
    assert (table["qini"] > 0.03).all()
    assert (table["auuc"] > 0).all()
    assert (table["uplift_at_share"] > table["observed"]).all()
    rows = (held.arm == -1) | (held.arm == 1)
    value = model.predict_response(held.features).measure("value")[rows, 1]
    found = qini_score(held.conversion[rows], value, held.arm[rows] == 1)
    assert table["qini"][1] == pytest.approx(found, abs=1e-4)


def test_deciles_and_calibration(judged):
    """Ten bins a coupon, falling predictions; predicted conversions are about as observed."""
    evaluation = judged[3]
    assert evaluation.deciles.groupby("coupon_id").size().tolist() == [10, 10, 10]
    first = evaluation.deciles[evaluation.deciles["coupon_id"] == "five"]
    assert (np.diff(first["predicted"]) <= 0).all()
    assert evaluation.response_error < 0.03


def test_policies_beside_their_baselines(judged):
    """Targeting by uplift beats a random third; estimates cover the truth; giving nothing gains nothing."""
    _, world, _, evaluation = judged
    table = evaluation.policies.set_index("policy")
    assert list(table.index) == [
        "budget of 6000, by predicted uplift and cost",
        "top 30% by predicted uplift",
        "top 30% by predicted conversion",
        "random 30%, random coupon",
        "'twenty' to the first 30%",
        "'twenty' to everyone",
        "nothing",
    ]
    random, top = table.loc["random 30%, random coupon"], table.loc["top 30% by predicted uplift"]
    assert top["dr"] > random["dr"] + 2 * random["dr_se"]
    assert top["share"] == pytest.approx(0.3, abs=1e-3)
    everyone_ = table.loc["'twenty' to everyone"]
    for method in ("dr", "snips"):
        assert abs(everyone_[method] - world.probability[:, 3].mean()) < 4 * everyone_[f"{method}_se"]
    assert table.loc["nothing", ["gain", "gain_se"]].tolist() == [0.0, 0.0]
    budget = table.loc["budget of 6000, by predicted uplift and cost"]
    assert budget["cost"] == pytest.approx(1.0, abs=4 * budget["cost_se"] + 0.05)


def test_every_table_has_the_baselines(judged):
    """Lots, ranking by response, and the best single coupon stand beside the model everywhere."""
    evaluation = judged[3]
    baselines = {"random", "rank by response", "best single coupon"}
    assert baselines | {"predicted uplift"} == set(evaluation.ranking["rank_by"])
    assert baselines == set(evaluation.classification["predicted_by"])
    for table in (evaluation.budgets, evaluation.areas):
        assert baselines | {"predicted uplift"} == set(table["policy"])
    for table in (evaluation.policies, evaluation.campaign):
        assert {
            "top 30% by predicted conversion",
            "random 30%, random coupon",
            "'twenty' to the first 30%",
        } < set(table["policy"])


def test_ranking_by_uplift_beats_the_baselines(judged):
    """For every coupon by every measure; lots are near nothing, and one coupon for all is exactly that."""
    table = judged[3].ranking
    for _, coupon in table.groupby("coupon_id"):
        by = coupon.set_index("rank_by")
        for measure in ("qini", "auuc", "qini_causalml", "auuc_causalml", "uplift_at_share", "aucc"):
            assert by.loc["predicted uplift", measure] > by.loc["random", measure]
        assert by.loc["random", "qini"] == pytest.approx(0, abs=0.02)
        assert by.loc["random", "aucc"] == pytest.approx(0.5, abs=0.03)
    alike = table[table["rank_by"] == "best single coupon"].iloc[0]
    assert (alike["coupon_id"], alike["qini"], alike["aucc"]) == ("twenty", 0.0, 0.5)
    overall = judged[3].coupons.set_index("coupon_id").loc["twenty", "observed"]
    assert alike["uplift_at_share"] == pytest.approx(overall)


def test_a_coupon_said_to_do_the_same_for_all_ranks_nobody(judged):
    """However (p + v) − p is rounded, one v for all is one step of the curve: a Qini score of exactly 0."""
    held = judged[2]
    base = np.random.default_rng(0).random(held.n)[:, None] * 0.5
    told = Outcomes(
        np.hstack([base, base + np.array([0.03, 0.07, 0.11])]), np.ones((held.n, 4)), np.zeros((held.n, 4))
    )
    assert [len(np.unique(told.conversion[:, j] - base[:, 0])) > 1 for j in (1, 2, 3)] == [True] * 3
    table = ranking_table(held, told, 0.3).set_index(["coupon_id", "rank_by"])
    assert [table.loc[(c, "predicted uplift"), "qini"] for c in held.coupons.ids] == [0.0] * 3


def test_classification_by_arm(judged):
    """The model tells buyers better than lots and than one coupon's word for all; arms' rows sum to all."""
    table = judged[3].classification
    everyone_ = table[table["arm"] == "all"].set_index("predicted_by")
    assert everyone_["auc"].idxmax() == "rank by response"
    assert everyone_.loc["random", "auc"] == pytest.approx(0.5, abs=0.03)
    assert everyone_["log_loss"].idxmin() == "rank by response"
    arms = table[(table["arm"] != "all")]
    assert arms["arm"].tolist() == ["none", "five", "ten", "twenty"]
    assert arms["rows"].sum() == 6000


def test_budgets_and_areas_meet_the_truth(judged):
    """Values lie within four errors of the known; uplift beats lots on average and at the least budget."""
    model, world, held, evaluation = judged
    table = evaluation.budgets
    assert table.groupby("budget").size().tolist() == [4, 4, 4, 4]
    outcomes = model.predict_outcomes(held.features, held.coupons)
    price = np.maximum(outcomes.cost[:, 1:], 0).astype(float)
    path = hull_path(uplift_of(outcomes), price)
    for row in table[table["policy"] == "predicted uplift"].itertuples():
        chances = path.probabilities(row.budget, 3)
        known = (chances[:, 1:] * world.value).sum(axis=1).mean()
        assert abs(row.value - known) < 4 * row.value_se
        spent = (chances[:, 1:] * world.cost).sum(axis=1).mean()
        assert abs(row.cost - spent) < 4 * row.cost_se
    areas = evaluation.areas.set_index("policy")
    best = areas.loc["predicted uplift"]
    assert best["over_random"] > 2 * best["over_random_se"]
    assert best["aucc"] > areas.loc["random", "aucc"]
    assert areas.loc["best single coupon", "aucc"] == pytest.approx(0.5)


def test_coupons_without_cost_are_counted(judged):
    """Where nothing costs anything a budget is a number of coupons a user."""
    model, _, held, _ = judged
    outcomes = model.predict_outcomes(held.features, held.coupons)
    free = Outcomes(outcomes.conversion, np.zeros_like(outcomes.cost), outcomes.revenue)
    table = budget_table(budget_curves(held, free))
    assert table["budget"].unique() == pytest.approx([0.1, 0.25, 0.5, 1.0])


def test_fractions_of_a_conversion_have_no_classes(judged):
    """The table of classification is empty, and everything else is there."""
    model, _, held, _ = judged
    evaluation = evaluate_model(model, replace(held, conversion=held.conversion / 2))
    assert evaluation.classification.empty
    assert not evaluation.ranking.empty


def test_the_summary_is_json(judged):
    """Scripts can read it; NaN is null."""
    summary = json.loads(json.dumps(judged[3].summary(), allow_nan=False))
    assert summary["rows"] == 6000
    assert len(summary["policies"]) == 7
    assert {"ranking", "classification", "budgets", "areas", "campaign"} <= set(summary)


def test_any_plan_can_be_judged_by_the_same_table(judged):
    """A plan's arms beside baselines, with an outcome model of the log's own when none is given."""
    held = judged[2]
    table = policy_table(held, {"all ten": everyone(held.n, 1)})
    assert table["snips"][0] == policy_value(held, everyone(held.n, 1)).value
    assert table["dr"][0] == pytest.approx(table["snips"][0], abs=3 * table["snips_se"][0])


def test_a_coupon_that_was_not_held_out_has_no_figures(judged):
    """Its row is there with counts alone, and no policy gives it."""
    model, _, held, _ = judged
    without = held.take(held.arm != 2)
    without = replace(without, propensity=without.propensity * 4 / 3)  # of three arms, not four
    evaluation = evaluate_model(model, without)
    row = evaluation.coupons.set_index("coupon_id").loc["twenty"]
    assert row["treated"] == 0
    assert np.isnan(row["qini"])
    assert not any("twenty" in policy for policy in evaluation.policies["policy"])
    json.dumps(evaluation.summary(), allow_nan=False)


def test_what_cannot_be_judged_is_refused(judged):
    """A share outside (0, 1), a log without rows of none."""
    model, _, held, _ = judged
    with pytest.raises(InputError, match=r"parameter 'share': .*strictly between 0 and 1 \(got 0\)"):
        evaluate_model(model, held, share=0)
    with pytest.raises(InputError, match="the held-out log has no rows without a coupon"):
        evaluate_model(model, held.take(held.arm != -1))


@pytest.mark.parametrize("budget", [-1.0, float("nan"), float("inf")])
def test_a_budget_is_an_amount_of_money(judged, budget):
    """What is none is refused before anything is judged."""
    model, _, held, _ = judged
    with pytest.raises(InputError, match=r"parameter 'budget': this must be a number of at least 0"):
        evaluate_model(model, held, budget=budget)
