"""Settings of the shared loop."""

import numpy as np
import pytest
from tests.predictors.network_families.trained import trained
from tests.predictors.small_world import SmallWorld

from couponry.predictors.network_families.settings import WATCHED, TrainSettings
from couponry.predictors.network_families.tarnet import TARNetLearner


def test_batches_grow_with_the_log():
    """A fortieth of the rows, within bounds; a given batch is kept."""
    assert [TrainSettings().rows_a_step(n) for n in (100, 20_000, 10_000_000)] == [64, 500, 8192]
    assert TrainSettings(batch=7).rows_a_step(20_000) == 7


@pytest.mark.parametrize("watch", WATCHED)
def test_early_stopping_looks_at_what_it_is_told_to(watch):
    """Each score is finite and that of its own kind: a log loss is negative, the others are small shares."""
    learner, _ = trained(TARNetLearner, SmallWorld.draw(1500, 0).log(0), watch=watch)
    history = np.array(learner.fitted[0]["history"])
    assert np.isfinite(history).all()
    assert (history < 0).all() == (watch == "log_loss")
    assert (np.abs(history) < 1).all()
    assert len(set(history.tolist())) > 1


def test_tensorboard_logs_hold_the_figures_of_every_pass(tmp_path):
    """One run a member."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    learner, _ = trained(TARNetLearner, SmallWorld.draw(800, 0).log(0), members=2, logs=str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["member-0", "member-1"]
    events = EventAccumulator(str(tmp_path / "member-1"))
    events.Reload()
    found = [event.value for event in events.Scalars("held-out score")]
    assert found == pytest.approx(learner.fitted[1]["history"][1:], abs=1e-6)
