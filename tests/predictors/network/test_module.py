"""The network's layers."""

import pytest
import torch

from couponry.predictors.network.module import ResponseModule, Shape, money_link, money_ratio

SHAPE = Shape(features=3, attributes=2, coupons=4, members=2)
POSITIVE = torch.tensor([True, True, False, False])


@pytest.fixture
def module():
    """A module with parameters drawn at random."""
    torch.manual_seed(0)
    drawn = ResponseModule(SHAPE)
    with torch.no_grad():
        for parameter in drawn.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    return drawn


def test_members_do_not_touch_each_other(module):
    """Changing the parameters of one member leaves the other's answers as they were."""
    x, coupons, known = torch.randn(5, 3), torch.randn(4, 2), torch.arange(4)

    def answers():
        view = module(x)
        vector, average = module.coupon_vectors(coupons, known)
        return module.base_logit(view), module.effect_logit(view, vector, average)

    before = answers()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name != "money_scale":
                parameter[1] += 1.0
    after = answers()
    for was, now in zip(before, after, strict=True):
        assert torch.equal(was[0], now[0])
        assert not torch.allclose(was[1], now[1])


def test_effects_are_average_plus_base_part_plus_query_times_vector(module):
    """The formula of the module's docstring, one pair by hand."""
    x, coupons, known = torch.randn(5, 3), torch.randn(4, 2), torch.arange(4)
    view = module(x)
    vector, average = module.coupon_vectors(coupons, known)
    found = module.effect_logit(view, vector, average)[1, 2, 3]
    query = view[1, 2] @ module.query[1]
    plain_base = (view[1, 2] @ module.base[1])[0]
    expected = average[1, 3] + module.by_base[1, 0, 0] * plain_base + query @ vector[1, 3]
    assert found.item() == pytest.approx(expected.item(), abs=1e-5)


def test_a_new_coupon_has_no_embedding(module):
    """Two new coupons with equal attributes are one and the same, a known one differs."""
    coupons = torch.ones(3, 2)
    vector, average = module.coupon_vectors(coupons, torch.tensor([-1, -1, 1]))
    assert torch.equal(vector[:, 0], vector[:, 1])
    assert torch.equal(average[:, 0], average[:, 1])
    assert not torch.allclose(vector[:, 0], vector[:, 2])


def test_money_starts_at_its_mean_and_is_never_negative():
    """Both links are 1 at 0; an amount that is never negative stays so."""
    assert money_link(torch.zeros(4), POSITIVE) == pytest.approx(torch.ones(4))
    module = ResponseModule(SHAPE)
    low = torch.full((1, 4), -50.0)
    ratio = money_ratio(module, low, torch.zeros(1, 4), POSITIVE)[0]
    assert (ratio[:2] >= 0).all()
    assert ratio[2].item() == -49.0
