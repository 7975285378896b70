"""Distances between arms: zero where there is none, and right where they can be worked out."""

import numpy as np
import pytest
import torch

from couponry.predictors.network_families.balance import DISTANCES, distance_between_arms, mmd, wasserstein


def two_groups(first, second):
    """Both samples one after the other, and which rows are the first's."""
    view = torch.tensor(np.concatenate([first, second]), dtype=torch.float32)
    own = (torch.arange(len(view)) < len(first))[None, :]
    return view, own


@pytest.mark.parametrize("distance", DISTANCES.values())
def test_equal_samples_are_no_distance_apart(distance):
    """The same points on both sides."""
    points = np.random.default_rng(0).normal(size=(30, 3))
    assert float(distance(*two_groups(points, points))) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("distance", DISTANCES.values())
def test_the_further_apart_the_larger(distance):
    """Shifts of 0, ½ and 1 are told in their order."""
    points = np.random.default_rng(0).normal(size=(2, 40, 3))
    found = [float(distance(*two_groups(points[0], points[1] + shift))) for shift in (0.0, 0.5, 1.0)]
    assert found[0] < found[1] < found[2]


def test_mmd_is_its_definition():
    """Means of the kernel within and between, written out."""
    a, b = np.random.default_rng(1).normal(size=(2, 5, 2))
    both = np.vstack([a, b])
    squared = ((both[:, None] - both[None]) ** 2).sum(axis=2)
    width = np.sort(squared.ravel())[(squared.size - 1) // 2]
    kernel = np.mean([np.exp(-squared / (f * width)) for f in (0.25, 1, 4)], axis=0)
    wanted = kernel[:5, :5].mean() + kernel[5:, 5:].mean() - 2 * kernel[:5, 5:].mean()
    assert float(mmd(*two_groups(a, b))) == pytest.approx(wanted, rel=1e-4)


def test_wasserstein_between_two_heaps_is_the_way_between_them():
    """All points of one side lie 3 from all of the other."""
    found = wasserstein(*two_groups(np.zeros((6, 2)), np.tile([0.0, 3.0], (8, 1))))
    assert float(found) == pytest.approx(3.0, rel=1e-3)


def test_wasserstein_on_a_line_is_the_distance_of_sorted_points():
    """For equally many points in one dimension the optimal plan is known."""
    a, b = np.random.default_rng(2).normal(size=(2, 25, 1))
    b = b + 2
    wanted = np.abs(np.sort(a[:, 0]) - np.sort(b[:, 0])).mean()
    assert float(wasserstein(*two_groups(a, b))) == pytest.approx(wanted, rel=0.05)


@pytest.mark.parametrize("name", DISTANCES)
def test_gradients_draw_groups_together(name):
    """A step against the gradient shortens the distance, and gradients are finite where points coincide."""
    view = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    view[20:] += 1
    view[1] = view[0]
    view.requires_grad_(True)
    arm = (torch.arange(40) >= 20).long()
    before = distance_between_arms(view, arm, 2, name)
    torch.autograd.backward(before)
    assert torch.isfinite(view.grad).all()
    after = distance_between_arms((view - view.grad).detach(), arm, 2, name)
    assert after.item() < before.item()


def test_arms_with_few_rows_are_left_out():
    """Three rows say nothing of a distribution; alone there is no distance."""
    view, arm = torch.randn(10, 2), torch.tensor([0] * 7 + [1] * 3)
    assert float(distance_between_arms(view, arm, 3, "mmd")) == 0.0
