"""Whether a log tells effects: propensities, overlap, trimming, refusal."""

from dataclasses import replace

import numpy as np
import pytest
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import DataWarning, InputError
from couponry.predictors.overlap import best_alpha, overlap
from couponry.predictors.train import train

USERS = 6000


def chosen(shares, seed=0, users=USERS):
    """Draw a log whose arms a rule chose: ``shares`` of a world's features, none first."""
    world = SmallWorld.draw(users, seed)
    chance = shares(world.features)
    generator = np.random.default_rng([seed, 2])
    arm = (generator.random(users)[:, None] > chance.cumsum(axis=1)).sum(axis=1).clip(max=3) - 1
    bought = (generator.random(users) < world.probability[np.arange(users), arm + 1]).astype(float)
    cost = np.where(arm >= 0, bought, 0.0)
    log = replace(world.log(seed), arm=arm.astype(np.int32), conversion=bought, cost=cost, propensity=None)
    return world, chance, log


def towards_frequent(features):
    """Frequent customers get coupons more often, and the young the third."""
    often = np.log1p(features["visits"].to_numpy()) - 1.3
    score = np.column_stack([0 * often, 1.2 * often, 1.2 * often, 1.2 * often - features["age"]])
    raised = np.exp(score)
    return raised / raised.sum(axis=1, keepdims=True)


def by_rule(features):
    """Users of the app always get the third coupon and others never; otherwise by lot."""
    app = features["app"].to_numpy()[:, None]
    return np.where(app, [0.0005, 0.0005, 0.0005, 0.9985], [0.333, 0.333, 0.333, 0.001])


@pytest.fixture(scope="module")
def biased():
    """World, true propensities, log and its overlap."""
    world, chance, log = chosen(towards_frequent)
    return world, chance, log, overlap(log, base="sklearn")


@pytest.mark.parametrize("base", ["sklearn", "lightgbm"])
def test_propensities_are_near_the_true_ones(biased, base):
    """They follow the rule that chose, add up to one, and are right on average among those called likely."""
    _, chance, log, found = biased
    learnt = found.propensity if base == "sklearn" else overlap(log, base=base).propensity
    assert learnt.sum(axis=1) == pytest.approx(1.0)
    for a in range(4):
        assert np.corrcoef(learnt[:, a], chance[:, a])[0, 1] > 0.8
        likely = learnt[:, a] > np.quantile(learnt[:, a], 0.8)
        assert (log.arm[likely] == a - 1).mean() == pytest.approx(learnt[likely, a].mean(), abs=0.05)


def test_a_lottery_is_told_from_a_choice(biased):
    """Features explain nothing of a randomised log, whose every coupon is worth as much as a lottery."""
    assert not biased[3].by_lot
    lot = overlap(SmallWorld.draw(3000, 1).log(1), base="sklearn")
    assert lot.by_lot
    assert (lot.arms["status"] == "good").all()
    assert lot.arms["efficiency"].to_numpy() == pytest.approx(1.0, abs=0.1)


def test_a_rule_leaves_nothing_to_learn_from():
    """The coupon that users of the app always got fails, is named with a mend, and can be left off.

    Training refuses in the figures that ``overlap`` shows, whatever the model is built of.
    """
    _, _, log = chosen(by_rule, users=3000)
    found = overlap(log, base="lightgbm")
    assert found.failing == ("twenty",)
    with pytest.raises(InputError, match=r"does not tell the effect of 'twenty'.*Leave this coupon off"):
        found.check()
    with pytest.raises(InputError, match="does not tell the effect of 'twenty'") as refused:
        train(log, "dr", "sklearn", assignment="features", least_rows=1)
    table = found.arms.set_index("coupon_id").loc["twenty"]
    figures = f"{table['outside']:.0%} of {table['rows'] + table['control']:,} rows lie outside the overlap"
    worth = f"as much as {table['effective']:.0f} rows of a balanced experiment, and at least 100"
    assert figures in str(refused.value)
    assert worth in str(refused.value)
    usable = found.usable(log)
    assert list(usable.coupons.ids) == ["five", "ten"]
    assert usable.n == (log.arm != 2).sum()
    assert (usable.conversion[usable.arm == 1] == log.conversion[log.arm == 1]).all()


@pytest.mark.parametrize("name", ["dr", "r"])
def test_effects_under_a_choice_are_the_true_ones(biased, name):
    """Where frequent buyers got coupons more often, the naive difference is off and the learner is not."""
    world, _, log, _ = biased
    truth = world.value.mean(axis=0)
    naive = np.array([log.conversion[log.arm == j].mean() for j in range(3)])
    naive -= log.conversion[log.arm == -1].mean()
    model = train(log, name, "sklearn", assignment="features")
    found = model.predict_response(log.features).measure("value").mean(axis=0)
    assert np.abs(found - truth).max() < 0.6 * np.abs(naive - truth).max()
    assert found == pytest.approx(truth, abs=0.05)
    assert model.card["log"]["propensities"] == "learnt"
    assert [row["coupon_id"] for row in model.card["overlap"]["coupons"]] == ["five", "ten", "twenty"]


@pytest.mark.parametrize("name", ["t", "logistic"])
def test_who_does_not_weigh_says_so_and_learns_from_what_overlaps(biased, name):
    """The warning stands on the card, and trimmed rows are not learnt from: the answers differ."""
    _, _, log, _ = biased
    with pytest.warns(DataWarning, match=f"{name!r} does not weigh rows by the learnt propensities"):
        model = train(log, name, "sklearn", assignment="features")
    assert any("does not weigh rows" in text for text in model.card["checks"]["warnings"])
    with pytest.warns(DataWarning, match="features explain .* of who got which coupon"):
        naive = train(log, name, "sklearn")
    plain = naive.predict_response(log.features).measure("value")
    assert np.abs(model.predict_response(log.features).measure("value") - plain).max() > 1e-6


def test_crumps_alpha_is_where_a_row_weighs_twice_the_mean():
    """Nothing is trimmed from balanced rows; else α solves 1/(α(1−α)) = 2 E[1/(e(1−e)) | e kept]."""
    assert best_alpha(np.full(10, 0.3)) == 0.0
    share = np.random.default_rng(0).beta(0.5, 0.5, 20_000)
    alpha = best_alpha(share)
    kept = (share >= alpha) & (share <= 1 - alpha)
    weight = 1 / (share * (1 - share))
    assert 0.03 < alpha < 0.2
    assert 1 / (alpha * (1 - alpha)) == pytest.approx(2 * weight[kept].mean(), rel=0.01)

    def variance(a):
        inside = (share >= a) & (share <= 1 - a)
        return weight[inside].mean() / inside.mean()

    assert variance(alpha) == pytest.approx(min(variance(a) for a in np.linspace(0.001, 0.3, 300)), rel=0.01)


def test_rows_that_do_not_overlap_are_trimmed(biased):
    """A threshold of one's own is kept to, and the report counts what lies outside."""
    _, _, log, whole = biased
    found = overlap(log, base="sklearn", alpha=0.4)
    share = found.propensity[:, 1] / (found.propensity[:, 1] + found.propensity[:, 0])
    assert (found.kept[:, 0] == ((share >= 0.4) & (share <= 0.6))).all()
    pair = log.arm <= 0
    assert found.arms["outside"][0] == pytest.approx(1 - found.kept[pair, 0].mean())
    assert found.arms["outside"][0] > whole.arms["outside"][0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"base": "forest"}, "unknown model of propensities .* Known: lightgbm, sklearn"),
        ({"alpha": 0.5}, r"parameter 'alpha': a share to trim at lies in \[0, 0.5\)"),
        ({"folds": 1}, "cross-fitting needs two folds or more"),
    ],
)
def test_what_cannot_be_is_refused(biased, arguments, words):
    """Before anything is learnt."""
    with pytest.raises(InputError, match=words):
        overlap(biased[2], **arguments)


def test_a_wrong_assignment_is_refused(biased):
    """The known ones are named."""
    with pytest.raises(InputError, match=r"'assignment'.*\(got 'rule'\). Known: lot, features"):
        train(biased[2], "s", "sklearn", assignment="rule")


def test_a_feature_that_cannot_be_used_is_told_with_its_place(biased):
    """The file, and of a CSV file the line."""
    log = biased[2]
    ages = log.features["age"].to_numpy().copy()
    ages[7] = np.inf
    wrong = replace(log, features=log.features.assign(age=ages), source="log.csv")
    with pytest.raises(InputError, match=r"log.csv, row 7 \(line 9\), column 'age': a feature is infinite"):
        overlap(wrong)


def test_the_refusal_says_how_a_coupon_is_left_off():
    """In files, which is all that the command line has, and in Python."""
    log = chosen(by_rule)[2]
    with pytest.raises(InputError, match="take it off the menu and its rows out of the log"):
        overlap(log, base="sklearn").check()
