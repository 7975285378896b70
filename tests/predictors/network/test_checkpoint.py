"""The network's checkpoint and logs: a killed training goes on to the very same network."""

import numpy as np
import pytest
from tests.predictors.killed import train_until_killed
from tests.predictors.network_families.trained import rows_of, uplift
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError
from couponry.predictors.model import load_model
from couponry.predictors.network.learner import NetworkLearner
from couponry.predictors.train import train

OPTIONS = {"members": 2, "epochs": 6, "batch": 64, "width": 8, "depth_width": 4}
PROGRAM = """
import sys, time
from tests.predictors.small_world import SmallWorld
from tests.predictors.network.test_checkpoint import OPTIONS
from tests.predictors.network_families.trained import rows_of
from couponry.predictors.network.learner import NetworkLearner
learner = NetworkLearner(**OPTIONS, checkpoint=sys.argv[1])
def tell(step):
    print(step.done, flush=True)
    if step.done >= 4:
        time.sleep(600)
learner.fit(rows_of(SmallWorld.draw(800, 0).log(0), learner), tell)
"""


@pytest.fixture(scope="module")
def log():
    """Eight hundred exposures."""
    return SmallWorld.draw(800, 0).log(0)


def trained(log, **options):
    """A small network; return it and the log in numbers."""
    learner = NetworkLearner(**(OPTIONS | options))
    rows = rows_of(log, learner)
    return learner.fit(rows), rows


def test_a_killed_training_goes_on_to_the_same_network(log, tmp_path):
    """A real process is killed in its fifth pass; the next one ends where one alone would, bit for bit."""
    train_until_killed(PROGRAM, tmp_path / "going", 4)
    told = []
    resumed = NetworkLearner(**OPTIONS, checkpoint=str(tmp_path / "going"))
    rows = rows_of(log, resumed)
    resumed.fit(rows, told.append)
    alone, _ = trained(log)
    assert [step.done for step in told] == [5, 6]  # nothing is done twice
    assert (uplift(resumed, rows) == uplift(alone, rows)).all()
    assert resumed.fitted == alone.fitted


def test_a_finished_training_is_not_done_again(log, tmp_path):
    """The same call with the same data answers from the checkpoint, also after an early stop."""
    options = {"epochs": 40, "patience": 1, "learning_rate": 0.02, "checkpoint": str(tmp_path)}
    first, rows = trained(log, **options)
    assert first.fitted.epochs < 40
    told = []
    second = NetworkLearner(**(OPTIONS | options)).fit(rows, told.append)
    assert told == []
    assert (uplift(first, rows) == uplift(second, rows)).all()


def test_a_checkpoint_of_other_data_or_settings_is_refused(log, tmp_path):
    """With the mend."""
    trained(log, checkpoint=str(tmp_path))
    for other, options in ((SmallWorld.draw(800, 1).log(0), {}), (log, {"learning_rate": 0.1})):
        with pytest.raises(InputError, match=r"other data or other settings\. Train as before to go on, or"):
            trained(other, checkpoint=str(tmp_path), **options)


def test_where_training_was_done_is_not_saved_and_folds_keep_no_checkpoint(log, tmp_path):
    """A calibrated network trains three more, which go on from nowhere; the saved model names no place."""
    places = {"checkpoint": str(tmp_path / "going"), "logs": str(tmp_path / "board")}
    pytest.importorskip("tensorboard")
    model = train(log, "network", calibrate="platt", **OPTIONS, **places)
    model.save(tmp_path / "model")
    read = load_model(tmp_path / "model").learner
    assert read.get_params()["checkpoint"] is None
    assert read.get_params()["logs"] is None
    assert [file.name for file in (tmp_path / "going").iterdir()] == ["network.safetensors"]
    plain = train(log, "network", calibrate="platt", **OPTIONS)
    value = [one.predict_response(log.features).measure("value") for one in (model, plain)]
    assert np.array_equal(*value)


def test_tensorboard_has_the_loss_of_every_pass(log, tmp_path):
    """One run, one figure a pass: what progress tells."""
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    learner, _ = trained(log, logs=str(tmp_path))
    board = events.EventAccumulator(str(tmp_path / "network"))
    board.Reload()
    scalars = board.Scalars("loss on unseen rows")
    assert [one.step for one in scalars] == list(range(1, learner.fitted.epochs + 1))
    assert scalars[-1].value == pytest.approx(np.mean(learner.fitted.losses))
