"""Bringing effects to scale on held-out rows."""

import numpy as np
import pytest
import torch

from couponry.predictors.network_families.scale import Scale


def drawn(base, effect, rows=40_000):
    """Rows whose true logits are a known scaling of the predicted ones, about means of −1 and ½."""
    generator = np.random.default_rng(0)
    logit = generator.normal(-1, 0.8, size=(rows, 3))
    logit[:, 1:] += 0.5
    true = Scale(base, effect, -1.0, 0.5).apply(torch.from_numpy(logit)).numpy()
    arm = generator.integers(0, 3, rows)
    chance = 1 / (1 + np.exp(-true[np.arange(rows), arm]))
    return logit, arm, (generator.random(rows) < chance).astype(float)


def test_a_known_scaling_is_found():
    """Slopes 0.7 and 0.4 about the means."""
    found = Scale.fit(*drawn(0.7, 0.4))
    assert vars(found) == pytest.approx(vars(Scale(0.7, 0.4, -1.0, 0.5)), abs=0.06)


def test_few_rows_leave_slopes_near_one():
    """Ten rows hardly outweigh the prior."""
    found = Scale.fit(*(part[:10] for part in drawn(0.7, 0.1)))
    assert (found.base, found.effect) == pytest.approx((1.0, 1.0), abs=0.5)


def test_an_effect_that_points_the_wrong_way_is_dropped_not_turned():
    """A slope is never negative, so an order by face value is kept."""
    assert Scale.fit(*drawn(1.0, -0.8)).effect == 0.0


def test_means_stay_as_they_are():
    """Whatever the slopes."""
    logit = drawn(1.0, 1.0, 500)[0]
    scale = Scale(2.0, 0.3, float(logit[:, 0].mean()), float((logit[:, 1:] - logit[:, :1]).mean()))
    assert scale.apply(torch.from_numpy(logit)).mean().item() == pytest.approx(logit.mean(), abs=1e-9)


def test_no_scaling_changes_nothing():
    """The default is the identity."""
    logit = torch.randn(5, 4)
    assert torch.allclose(Scale().apply(logit), logit, atol=1e-6)
