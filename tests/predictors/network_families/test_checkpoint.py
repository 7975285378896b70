"""Checkpoints: a killed training goes on to the very same network; what does not fit is refused."""

import json
import time

import numpy as np
import pytest
from safetensors import safe_open
from tests.predictors.killed import train_until_killed
from tests.predictors.network_families.trained import rows_of, trained, uplift
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError
from couponry.predictors.network_families.tarnet import TARNetLearner

OPTIONS = {"members": 2, "epochs": 5, "batch": 64, "width": 8, "head_width": 4}
PROGRAM = """
import sys, time
from tests.predictors.small_world import SmallWorld
from tests.predictors.network_families.test_checkpoint import OPTIONS
from tests.predictors.killed import train_until_killed
from tests.predictors.network_families.trained import rows_of
from couponry.predictors.network_families.tarnet import TARNetLearner
learner = TARNetLearner(**OPTIONS, checkpoint=sys.argv[1])
def tell(step):
    print(step.done, flush=True)
    if step.done >= 7:  # in the second member
        time.sleep(600)
learner.fit(rows_of(SmallWorld.draw(800, 0).log(0), learner), tell)
"""


@pytest.fixture(scope="module")
def log():
    """Eight hundred exposures."""
    return SmallWorld.draw(800, 0).log(0)


def test_a_killed_training_goes_on_to_the_same_network(log, tmp_path):
    """A real process is killed in the midst of the second member; the next one ends where one alone would."""
    folder = tmp_path / "checkpoint"
    train_until_killed(PROGRAM, folder, 7)
    told = []
    resumed = TARNetLearner(**OPTIONS, checkpoint=str(folder))
    rows = rows_of(log, resumed)
    resumed.fit(rows, told.append)
    alone, _ = trained(TARNetLearner, log, **OPTIONS)
    assert min(step.done for step in told) > 7  # nothing is done twice
    assert (uplift(resumed, rows) == uplift(alone, rows)).all()
    assert resumed.fitted == alone.fitted


def test_a_checkpoint_is_safetensors_and_json(log, tmp_path):
    """Anyone can read it; no temporary file is left."""
    trained(TARNetLearner, log, **OPTIONS, checkpoint=str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "member-0.safetensors",
        "member-1.safetensors",
    ]
    with safe_open(tmp_path / "member-0.safetensors", framework="np") as opened:
        position = json.loads(opened.metadata()["position"])
        assert {name.split("/")[0] for name in opened.keys()} >= {"weights", "best", "exp_avg", "exp_avg_sq"}  # noqa: SIM118
    assert position["epoch"] == 5
    assert len(position["history"]) == 6


def test_a_finished_training_is_not_done_again(log, tmp_path):
    """The same call with the same data answers from the checkpoint."""
    first, rows = trained(TARNetLearner, log, **OPTIONS, checkpoint=str(tmp_path))
    before = (tmp_path / "member-1.safetensors").stat().st_mtime_ns
    time.sleep(0.01)
    second, _ = trained(TARNetLearner, log, **OPTIONS, checkpoint=str(tmp_path))
    assert (tmp_path / "member-1.safetensors").stat().st_mtime_ns == before
    assert (uplift(first, rows) == uplift(second, rows)).all()


@pytest.mark.parametrize("change", ["data", "settings"])
def test_a_checkpoint_of_other_data_or_settings_is_refused(log, tmp_path, change):
    """With the mend."""
    trained(TARNetLearner, log, **OPTIONS, checkpoint=str(tmp_path))
    other = SmallWorld.draw(800, 1).log(0) if change == "data" else log
    options = OPTIONS | ({"learning_rate": 0.1} if change == "settings" else {})
    with pytest.raises(InputError, match=r"other data or other settings\. Train as before to go on, or name"):
        trained(TARNetLearner, other, **options, checkpoint=str(tmp_path))


@pytest.mark.parametrize("damage", ["cut", "overwritten"])
def test_a_damaged_checkpoint_is_refused(log, tmp_path, damage):
    """A file cut off, or one that is something else."""
    trained(TARNetLearner, log, **OPTIONS, checkpoint=str(tmp_path))
    file = tmp_path / "member-0.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"no checkpoint at all")
    with pytest.raises(InputError, match=r"member-0\.safetensors: the checkpoint is damaged.*Delete it"):
        trained(TARNetLearner, log, **OPTIONS, checkpoint=str(tmp_path))


def test_a_file_of_safetensors_that_is_no_checkpoint_is_refused(log, tmp_path):
    """Such as a model's arrays."""
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(3)}, tmp_path / "member-0.safetensors")
    with pytest.raises(InputError, match="this is no checkpoint of couponry"):
        trained(TARNetLearner, log, **OPTIONS, checkpoint=str(tmp_path))
