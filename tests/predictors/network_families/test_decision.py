"""The budgeted choice's value, read off a log."""

import numpy as np
import pytest
import torch
from tests.predictors.network_families.trained import trained
from tests.predictors.small_world import FACE_VALUES, SmallWorld

from couponry.predictors.network_families.decision import (
    choice_value,
    decision_loss,
    price_range,
    scores_by_arm,
)
from couponry.predictors.network_families.tarnet import TARNetLearner

PRICES = torch.tensor([0.0, 0.02])


def batch_of(log):
    """A log's columns as the scores want them."""
    return {
        "arm": torch.from_numpy(log.arm.astype(np.int64) + 1),
        "conversion": torch.from_numpy(log.conversion),
        "cost": torch.from_numpy(log.cost),
        "propensity": torch.from_numpy(log.propensity),
    }


def test_doubly_robust_scores_by_hand():
    """One user, given coupon 1 with probability ½, bought at a cost of 4; price 0.1: y − λ·cost = 0.6."""
    batch = {
        "arm": torch.tensor([1]),
        "conversion": torch.tensor([1.0]),
        "cost": torch.tensor([4.0]),
        "propensity": torch.tensor([0.5]),
    }
    expected, cost = torch.tensor([[0.2, 0.5]]), torch.tensor([[0.0, 2.0]])
    found = scores_by_arm(batch, expected, cost, torch.tensor([0.1]), "dr")
    # μ = (0.2, 0.3); the given arm gets (0.6 − 0.3) / 0.5 = 0.6 more.
    assert found.tolist()[0][0] == pytest.approx([0.2, 0.9])


@pytest.mark.parametrize("estimator", ["ips", "dr"])
def test_the_truths_choice_is_worth_what_it_truly_is(estimator):
    """Over 40,000 rows the estimate meets the true mean of y − λ·cost; a wrong μ does no harm."""
    world = SmallWorld.draw(40_000, 0)
    p, cost = (
        torch.from_numpy(world.probability),
        torch.from_numpy(np.column_stack([0 * world.cost[:, 0], world.cost])),
    )
    wrong = torch.full_like(p, 0.3)
    scores = scores_by_arm(batch_of(world.log(0)), wrong, 2 * cost, PRICES, estimator)
    earned = p - PRICES[:, None, None] * cost
    truth = earned.max(dim=2).values.mean(dim=1)
    found = choice_value(p, cost, scores, PRICES)
    error = found.std(dim=1) / 200
    assert ((found.mean(dim=1) - truth).abs() < 4 * error).all()


def test_the_loss_falls_as_predictions_near_the_truth():
    """Against true scores, the truth has a lower loss than its half-and-half mixture with noise."""
    world = SmallWorld.draw(2000, 0)
    p, cost = (
        torch.from_numpy(world.probability),
        torch.from_numpy(np.column_stack([0 * world.cost[:, 0], world.cost])),
    )
    scores = p - PRICES[:, None, None] * cost
    noise = p + 0.2 * torch.randn(p.shape, generator=torch.Generator().manual_seed(0))
    assert decision_loss(p, cost, scores, PRICES) < decision_loss(noise, cost, scores, PRICES)


def test_the_loss_has_gradients_that_raise_what_pays():
    """An arm that the log says wins more than predicted is pushed up, its rivals down."""
    expected = torch.tensor([[0.2, 0.25, 0.25], [0.2, 0.3, 0.2]], requires_grad=True)
    cost = torch.zeros(2, 3)
    scores = torch.tensor([[[0.2, 0.9, 0.2], [0.2, 0.9, 0.2]]])
    torch.autograd.backward(decision_loss(expected, cost, scores, torch.tensor([0.0])))
    assert (expected.grad[:, 1] < 0).all()
    assert (expected.grad[:, 2] > 0).all()


def test_prices_span_the_best_coupons_return():
    """From a quarter of it to four times; without costs the one price is 0."""
    learner, rows = trained(TARNetLearner, SmallWorld.draw(2000, 0).log(0), epochs=1)
    own = [rows.arm == a for a in range(-1, 3)]
    gain = [rows.conversion[mask].mean() - rows.conversion[own[0]].mean() for mask in own[1:]]
    returns = [g / rows.cost[mask].mean() for g, mask in zip(gain, own[1:], strict=True)]
    prices = price_range(rows)
    assert (prices[0], prices[-1]) == pytest.approx((max(returns) / 4, max(returns) * 4))
    assert price_range(type(rows)(**(vars(rows) | {"cost": np.zeros(rows.n)}))) == (0.0,)
    assert learner.settings.decision_epochs == 0


def test_fine_tuning_never_lowers_the_held_out_value():
    """The network before it is among the candidates; its history is on the card, and answers change."""
    log = SmallWorld.draw(2500, 0).log(0)
    plain, rows = trained(TARNetLearner, log, epochs=2)
    tuned, _ = trained(TARNetLearner, log, epochs=2, decision_epochs=4)
    decision = tuned.fitted[0]["decision"]
    assert decision["best_score"] >= decision["history"][0]
    assert len(decision["history"]) == decision["epochs"] + 1
    assert decision["best_epoch"] > 0
    first, second = (one.predict(rows.x, np.arange(3), rows.coupons) for one in (plain, tuned))
    assert (first.conversion != second.conversion).any()
    assert second.cost[:, 1:] == pytest.approx(second.conversion[:, 1:] * FACE_VALUES, rel=1e-6)
