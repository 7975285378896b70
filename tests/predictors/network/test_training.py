"""Training: settings, determinism, stopping."""

import numpy as np
import pytest
from tests.predictors.small_world import SmallWorld

from couponry.predictors.features import FeatureEncoder
from couponry.predictors.menu import Menu
from couponry.predictors.network.learner import NetworkLearner
from couponry.predictors.network.training import Settings
from couponry.predictors.train import training_rows


def trained(world, seed=0, progress=None, **options):
    """A small network on a small log."""
    log = world.log(0)
    learner = NetworkLearner(seed=seed, members=2, width=16, depth_width=8, **options)
    rows = training_rows(log, FeatureEncoder().fit(log.features), Menu(log.coupons), learner)
    return learner.fit(rows, progress), rows


@pytest.fixture(scope="module")
def world():
    """A thousand and a half users."""
    return SmallWorld.draw(1500, 0)


def test_same_seed_same_network_bit_by_bit(world):
    """Training draws from its own seed alone, whatever torch's global state is; another seed differs."""
    import torch

    (first, rows), _ = trained(world), torch.randn(7)
    second, _ = trained(world)
    other, _ = trained(world, seed=1)
    answers = [
        network.predict(rows.x[:50], np.arange(3), rows.coupons).conversion
        for network in (first, second, other)
    ]
    assert (answers[0] == answers[1]).all()
    assert (answers[0] != answers[2]).any()


def test_training_leaves_torchs_state_alone(world):
    """Neither the number of threads nor the random state changes."""
    import torch

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    trained(world, epochs=1)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)


def test_progress_once_an_epoch_and_an_early_stop(world):
    """Training ends `patience` passes after the last member's best, and says so as it goes."""
    told = []
    learner, _ = trained(world, progress=told.append, epochs=40, patience=2, learning_rate=0.02)
    fitted = learner.fitted
    assert len(told) == fitted.epochs == max(fitted.best_epochs) + 2
    assert [step.done for step in told] == list(range(1, fitted.epochs + 1))
    assert told[-1].total == 40
    assert told[-1].message == f"loss on unseen rows {np.mean(fitted.losses):.5f}"


def test_a_network_beats_the_shares_it_starts_from(world):
    """On unseen rows its log loss is below that of every arm's average."""
    learner, rows = trained(world)
    shares = np.array([rows.conversion[rows.arm == a].mean() for a in range(-1, 3)])[rows.arm + 1]
    plain = -np.mean(rows.conversion * np.log(shares) + (1 - rows.conversion) * np.log(1 - shares))
    assert np.mean(learner.fitted.losses) < plain


def test_batches_grow_with_the_log():
    """A fortieth of the rows, within bounds; a given batch is kept."""
    assert [Settings().rows_a_step(n) for n in (100, 20_000, 10_000_000)] == [64, 500, 4096]
    assert Settings(batch=7).rows_a_step(20_000) == 7
