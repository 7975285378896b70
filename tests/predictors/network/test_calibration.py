"""Bringing effects to scale, and drawing averages together."""

import numpy as np
import pytest
import torch

from couponry.predictors.amounts import Strata
from couponry.predictors.learner import TrainingRows
from couponry.predictors.network.calibration import bring_to_scale, shrunk, teach_attributes
from couponry.predictors.network.data import NetworkData
from couponry.predictors.network.module import ResponseModule, Shape

POSITIVE = torch.ones(4, dtype=torch.bool)


def test_shrinkage_by_hand():
    """Levels 0, 1, 2, 3 spread by 5/3; of it (4−3)/(4−1) · 0.5 / (5/3) = 1/10 is noise of 0.5 each."""
    found, kept = shrunk(np.array([0.0, 1, 2, 3]), 0.5 * np.eye(4))
    assert kept == pytest.approx(0.9)
    assert found == pytest.approx([0.15, 1.05, 1.95, 2.85])


def test_shrinkage_ignores_what_all_share():
    """An error common to all coupons, that of the rows without, is no reason to draw them together."""
    assert shrunk(np.array([0.0, 1, 2, 3]), 9.0 * np.ones((4, 4)))[1] == pytest.approx(1.0)


def test_two_coupons_are_left_alone_and_pure_chance_is_drawn_together():
    """Two points tell no spread; a spread below the noise is all chance."""
    assert shrunk(np.array([0.0, 5.0]), np.eye(2))[0].tolist() == [0.0, 5.0]
    found, kept = shrunk(np.array([0.0, 0.1, 0.2, 0.1]), 9.0 * np.eye(4))
    assert kept == 0.0
    assert found == pytest.approx([0.1] * 4)


@pytest.fixture(scope="module")
def fitted():
    """Rows drawn from a network's own logits, and the network with base, effects and levels out of scale.

    Truth: base logit −1 + x0; coupon j adds 0.5 + 0.8·x1·(1, −1)[j] − 0.2·(base + 1).
    """
    generator = np.random.default_rng(0)
    n = 60_000
    x = generator.normal(size=(n, 2)).astype(np.float32)
    arm = generator.integers(-1, 2, n).astype(np.int32)
    sign = np.array([1.0, -1.0, 0.0])[arm]
    effect = np.where(arm >= 0, 0.5 + 0.8 * x[:, 1] * sign - 0.2 * x[:, 0], 0.0)
    y = (generator.random(n) < 1 / (1 + np.exp(1 - x[:, 0] - effect))).astype(np.float64)
    zero = np.zeros(n)
    rows = TrainingRows(
        x, (), np.zeros((2, 1), np.float32), arm, y, zero, zero, np.full(n, 1 / 3), np.arange(n)
    )
    strata = Strata.of(zero, arm, y, 2)
    data = NetworkData(rows, (strata, strata), 2, 0, torch.device("cpu"))
    module = ResponseModule(Shape(features=2, attributes=1, coupons=2, members=2, rank=1))
    with torch.no_grad():
        for parameter in (module.query, module.embedding, module.attributes, module.base):
            parameter.zero_()
        width = module.shape.depth_width
        module.base[:, width] = 0.5  # half of the true slope of x0
        module.base_bias.fill_(-0.4)
        module.query[:, width + 1, 0] = 2.0
        module.embedding[:, :, 0] = torch.tensor([1.0, -1.0]) * 0.8  # effects of 1.6·x1: twice the true ones
    slopes = bring_to_scale(module, data, POSITIVE)
    return module, data, slopes


def test_slopes_undo_what_is_out_of_scale(fitted):
    """Base was half of the truth and effects twice; both are brought back, and so is what goes with base."""
    _, _, slopes = fitted
    assert slopes.base == pytest.approx(2.0, abs=0.1)
    assert slopes.own == pytest.approx(0.5, abs=0.05)
    assert slopes.by_base == pytest.approx(-0.4, abs=0.1)  # −0.2 a true logit, of which a unit was half


def test_the_rescaled_network_says_the_truth(fitted):
    """Logits without and with each coupon, at users that are far out."""
    module, data, _ = fitted
    x = torch.tensor([[0.0, 0.0], [1.0, 1.0], [-1.0, 2.0]])
    view = module(x)
    vector, average = module.coupon_vectors(data.coupons, data.known)
    base = module.base_logit(view)[0].detach().numpy()
    effect = module.effect_logit(view, vector, average)[0].detach().numpy()
    assert base == pytest.approx([-1, 0, -2], abs=0.12)
    expected = [[0.5, 0.5], [1.1, -0.5], [2.3, -0.9]]
    assert effect == pytest.approx(np.array(expected), abs=0.15)


def test_attributes_take_over_what_they_explain():
    """Answers for known coupons stay; a new coupon gets what its attributes say, here 2 · attribute."""
    torch.manual_seed(0)
    module = ResponseModule(Shape(features=2, attributes=1, coupons=20, members=2, rank=1))
    attribute = torch.linspace(-3, 3, 20)[:, None]
    with torch.no_grad():
        for parameter in (module.attributes, module.average_by_attribute):
            parameter.zero_()
        module.embedding.copy_((2 * attribute).expand(2, 20, 1))
        module.average.copy_(attribute[:, 0].expand(2, 20))
    known = torch.arange(20)
    before = module.coupon_vectors(attribute, known)
    teach_attributes(module, attribute)
    after = module.coupon_vectors(attribute, known)
    for was, now in zip(before, after, strict=True):
        assert now.detach().numpy() == pytest.approx(was.detach().numpy(), abs=1e-5)
    vector, average = module.coupon_vectors(torch.tensor([[1.0]]), torch.tensor([-1]))
    assert vector.detach().numpy() == pytest.approx(2.0, abs=0.05)
    assert average.detach().numpy() == pytest.approx(1.0, abs=0.05)
