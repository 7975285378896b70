"""Every family on a world whose truth is known, and what is a family's own."""

import numpy as np
import pytest
import torch
from tests.predictors.network_families.trained import rows_of, trained, uplift
from tests.predictors.small_world import SmallWorld

from couponry.instances.world import World
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.menu import Menu
from couponry.predictors.network_families.cfr import CFRLearner
from couponry.predictors.network_families.contract import chosen_arm
from couponry.predictors.network_families.dragonnet import DragonNetLearner
from couponry.predictors.network_families.efin import EFINLearner
from couponry.predictors.network_families.tarnet import TARNetLearner
from couponry.predictors.train import train

FAMILIES = {
    "tarnet": {},
    "dragonnet": {},
    "cfr": {},
    "efin": {"epochs": 2},
}
KINDS = [TARNetLearner, DragonNetLearner, CFRLearner, EFINLearner]


@pytest.fixture(scope="module")
def shop():
    """A drawn shop of three coupons, a log of 4,000 and the others' true uplift."""
    world = World.draw(6000, 3, seed=2)
    log = world.log(4000, 0)
    others = np.setdiff1d(np.arange(6000), [int(user[1:]) for user in log.user_id])
    return log, world.users_table(others), np.asarray(world.true_response(others).measure("value"))


@pytest.fixture(scope="module")
def log():
    """Three thousand exposures in a world of four features."""
    return SmallWorld.draw(3000, 0).log(0)


@pytest.mark.parametrize("name", FAMILIES)
def test_uplifts_are_nearer_to_the_truth_than_none(name, shop):
    """On customers that were not seen, the squared error is below that of predicting no effect."""
    log, users, truth = shop
    model = train(log, name, members=1, batch=128, **({"epochs": 4} | FAMILIES[name]))
    found = model.predict_response(users).measure("value")
    assert ((found - truth) ** 2).mean() < 0.8 * (truth**2).mean()


@pytest.mark.parametrize("kind", KINDS)
def test_uplifts_differ_between_users_as_in_truth(kind, log):
    """Young users and users of the app have the larger predicted uplift: correlated with the truth."""
    learner, rows = trained(kind, log, epochs=10)
    truth = SmallWorld.draw(3000, 0).value
    found = uplift(learner, rows)
    assert np.mean([np.corrcoef(found[:, j], truth[:, j])[0, 1] for j in range(3)]) > 0.5
    observed = [log.conversion[log.arm == j].mean() - log.conversion[log.arm == -1].mean() for j in range(3)]
    assert found.mean(axis=0) == pytest.approx(observed, abs=0.08)


def test_costs_count_every_redemption(log):
    """Expected costs are face value · P(conversion | coupon); nothing without a coupon."""
    learner, rows = trained(TARNetLearner, log)
    found = learner.predict(rows.x[:50], np.arange(3), rows.coupons)
    assert found.cost[:, 1:] == pytest.approx(found.conversion[:, 1:] * [5.0, 10.0, 20.0], rel=1e-6)
    assert (found.cost[:, 0] == 0).all()


def test_one_member_has_no_standard_error_and_two_have(log):
    """It is the larger of the members' spread and of what a second opinion doubts."""
    alone, rows = trained(TARNetLearner, log)
    pair, _ = trained(TARNetLearner, log, members=2)
    assert alone.predict(rows.x[:9], np.arange(3), rows.coupons).value_error is None
    found = pair.predict(rows.x[:9], np.arange(3), rows.coupons)
    assert found.value_error.shape == (9, 3)
    assert (found.conversion_error > 0).all()
    assert (found.value_error == np.maximum(found.conversion_error, found.conversion_doubt)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_most_true_effects_lie_within_1_96_standard_errors(kind, log):
    """Five of six, though two members trained for three passes agree on more than they know."""
    pair, rows = trained(kind, log, members=2)
    found = pair.predict(rows.x, np.arange(3), rows.coupons)
    off = np.abs(found.conversion[:, 1:] - found.conversion[:, :1] - SmallWorld.draw(3000, 0).value)
    assert (off < 1.96 * found.value_error).mean() > 5 / 6
    assert (off < 1.96 * found.conversion_error).mean() < 2 / 3


def test_coupons_may_be_asked_for_in_any_order(log):
    """A part of the menu has the same answers as in the whole."""
    learner, rows = trained(TARNetLearner, log)
    whole = learner.predict(rows.x[:20], np.arange(3), rows.coupons).conversion
    part = learner.predict(rows.x[:20], np.array([2, 0]), rows.coupons[[2, 0]]).conversion
    assert part == pytest.approx(whole[:, [0, 3, 1]], abs=1e-7)


def test_dragonnets_propensities_are_the_logs(log):
    """In a randomised log the propensity head answers the arms' shares."""
    learner, rows = trained(DragonNetLearner, log, epochs=8)
    answer = learner.modules[0](torch.from_numpy(rows.x), torch.from_numpy(rows.coupons), torch.arange(3))
    shares = answer.parts["propensity"].softmax(dim=1).mean(dim=0).detach().numpy()
    assert shares == pytest.approx(np.bincount(rows.arm + 1) / rows.n, abs=0.03)


def test_dragonnets_targeting_moves_every_arm_by_its_own_epsilon(log):
    """The answer is the heads' logit plus ε over the propensity."""
    learner, rows = trained(DragonNetLearner, log)
    module = learner.modules[0]
    with torch.no_grad():
        module.epsilon.copy_(torch.tensor([0.0, 0.1, 0.2, 0.3]))
    answer = module(torch.from_numpy(rows.x[:5]), torch.from_numpy(rows.coupons), torch.arange(3))
    chance = answer.parts["propensity"].softmax(dim=1)
    moved = (answer.logit - answer.parts["plain"]) * chance
    assert moved.detach().numpy() == pytest.approx(np.tile([0.0, 0.1, 0.2, 0.3], (5, 1)), abs=1e-5)


@pytest.mark.parametrize("balance", ["mmd", "wasserstein"])
def test_cfr_holds_the_representation_alike_between_arms(balance):
    """In a log whose arms hang on a feature, a heavy penalty leaves less of it than none does."""
    world = SmallWorld.draw(1200, 0)
    given = world.log(0)
    order = np.argsort(world.features["age"].to_numpy(), kind="stable")
    biased = given.take(np.sort(order))
    arm = np.where(np.sort(world.features["age"].to_numpy()) > 0, biased.arm, -1)
    biased = type(given)(
        **(vars(given.take(order)) | {"arm": arm.astype(np.int32), "propensity": None, "source": None})
    )

    def shift(weight):
        learner, rows = trained(CFRLearner, biased, balance=balance, balance_weight=weight, epochs=4)
        module = learner.modules[0]
        view = module(torch.from_numpy(rows.x), torch.from_numpy(rows.coupons), torch.arange(3)).parts["view"]
        view = (view / view.std()).detach().numpy()
        return np.linalg.norm(view[rows.arm >= 0].mean(axis=0) - view[rows.arm < 0].mean(axis=0))

    assert shift(10.0) < 0.6 * shift(0.0)


def test_efins_effects_do_not_move_its_base(log):
    """The loss of a row with a coupon has no gradient in the layer that answers without one."""
    learner, rows = trained(EFINLearner, log, epochs=1)
    module = learner.modules[0].train()
    module.zero_grad()
    answer = module(torch.from_numpy(rows.x[:64]), torch.from_numpy(rows.coupons), torch.arange(3))
    batch = {"arm": torch.ones(64, dtype=torch.int64), "conversion": torch.ones(64)}
    torch.autograd.backward(module.conversion_loss(answer, batch))
    assert module.base.weight.grad.abs().max() == 0
    assert module.effect.weight.grad.abs().max() > 0


def test_efin_answers_for_a_new_coupon_from_its_attributes(log):
    """A copy of a coupon under a new name is answered more like it than like the others."""
    learner, rows = trained(EFINLearner, log, epochs=8)
    known = uplift(learner, rows)
    found = learner.predict(rows.x, np.array([-1]), rows.coupons[[2]]).conversion
    new = found[:, 1] - found[:, 0]
    assert np.isfinite(new).all()
    assert np.corrcoef(new, known[:, 2])[0, 1] > 0.5


def test_the_given_arm_is_read_off_a_table():
    """Row i, column arm[i]."""
    table = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert chosen_arm(table, torch.tensor([1, 0])).tolist() == [2.0, 3.0]


def test_a_menu_without_attributes_will_do(log):
    """Coupons may be nothing but ids."""
    import pandas as pd

    from couponry.instances.coupons import Coupons

    plain = type(log)(**(vars(log) | {"coupons": Coupons(pd.DataFrame({"coupon_id": ["a", "b", "c"]}))}))
    for kind in KINDS:
        learner = kind(members=1, epochs=1, batch=512)
        rows = rows_of(plain, learner)
        assert rows.coupons.shape == (3, 0)
        assert np.isfinite(uplift(learner.fit(rows), rows)).all()
    assert Menu(plain.coupons).encoder is None
    assert FeatureEncoder().fit(plain.features).names
