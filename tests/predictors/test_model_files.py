"""Models on disk: nothing lost, nothing pickled, damage found."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import ExistsError, InputError
from couponry.predictors.model import load_model
from couponry.predictors.train import train

WORLD = SmallWorld.draw(1200, 0)
NETWORK = {"members": 2, "width": 16, "depth_width": 8, "epochs": 2}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """An X-learner over trees, saved."""
    model = train(WORLD.log(0), "x", "lightgbm", base_options={"trees": 10})
    folder = tmp_path_factory.mktemp("models") / "x"
    model.save(folder)
    return model, folder


@pytest.mark.parametrize(
    ("name", "base", "options"),
    [
        ("network", "lightgbm", NETWORK),
        ("s", "sklearn", {}),
        ("t", "lightgbm", {}),
        ("x", "sklearn", {}),
        ("dr", "lightgbm", {"folds": 2}),
    ],
)
def test_a_loaded_model_answers_bit_by_bit_as_the_saved_one(tmp_path, name, base, options):
    """Every kind of learner survives the disk, card and all."""
    model = train(WORLD.log(0), name, base, **options)
    model.save(tmp_path / "model")
    again = load_model(tmp_path / "model")
    before, after = model.predict_response(WORLD.features), again.predict_response(WORLD.features)
    assert before.measures.keys() == after.measures.keys()
    for measure in before.measures:
        assert (before.measure(measure) == after.measure(measure)).all()
    assert again.card == json.loads(json.dumps(model.card))
    assert again.segments == ("region",)
    assert again.coupons.ids == ["five", "ten", "twenty"]


def test_files_are_open_formats(saved):
    """JSON, safetensors and LightGBM's text; no pickle."""
    files = sorted(str(file.relative_to(saved[1])) for file in saved[1].rglob("*") if file.is_file())
    assert files[:3] == [".couponry", "arrays.safetensors", "model.json"]
    assert all(file.startswith("trees/") and file.endswith(".txt") for file in files[3:])
    assert len(files) > 3
    assert (saved[1] / "trees" / "0000.txt").read_text().startswith("tree")


def test_a_model_is_not_overwritten_unless_asked(saved, tmp_path):
    """The former one stays as it was."""
    model, _ = saved
    model.save(tmp_path / "model")
    with pytest.raises(ExistsError, match="Choose another place, or give force=True"):
        model.save(tmp_path / "model")
    model.save(tmp_path / "model", force=True)
    load_model(tmp_path / "model")


@pytest.fixture
def copy(saved, tmp_path):
    """A copy to damage."""
    return shutil.copytree(saved[1], tmp_path / "copy")


def test_a_flipped_byte_is_found(copy):
    """The message names the file."""
    file = copy / "arrays.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"arrays.safetensors: the file is damaged"):
        load_model(copy)


def test_a_missing_or_truncated_file_is_found(copy):
    """Trees cut short, then gone."""
    file = copy / "trees" / "0000.txt"
    file.write_text(file.read_text()[:100])
    with pytest.raises(InputError, match=r"0000.txt: the file is damaged"):
        load_model(copy)
    file.unlink()
    with pytest.raises(InputError, match=r"0000.txt: the model lacks a file"):
        load_model(copy)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "the file is damaged"),
        ("[]", "this is not a model of couponry"),
        ('{"format": "another"}', "this is not a model of couponry"),
        ('{"format": "couponry-model", "version": 99}', "format version 99; this release reads 6"),
    ],
)
def test_a_foreign_head_is_refused(copy, content, words):
    """Broken JSON, other JSON, a later version."""
    (copy / "model.json").write_text(content)
    with pytest.raises(InputError, match=words):
        load_model(copy)


def test_a_head_that_was_changed_is_refused(copy):
    """JSON that is whole, with another number in it, or without a part."""
    text = (copy / "model.json").read_text()
    changed = json.loads(text)
    changed["card"]["log"]["rows"] += 1
    without = json.loads(text)
    del without["parts"]["learner"]
    for head in (changed, without):
        (copy / "model.json").write_text(json.dumps(head))
        with pytest.raises(InputError, match=r"model.json: the file is damaged: it is not what was written"):
            load_model(copy)


def test_a_sealed_head_that_lacks_a_part_is_refused(copy):
    """Whoever wrote it forgot something."""
    head = json.loads((copy / "model.json").read_text())
    del head["parts"]["learner"], head["seal"]
    head["seal"] = hashlib.sha256(json.dumps(head, sort_keys=True).encode()).hexdigest()
    (copy / "model.json").write_text(json.dumps(head))
    with pytest.raises(InputError, match="the model cannot be put together: 'learner'"):
        load_model(copy)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_change_of_the_head_goes_unnoticed(saved, copy, data):
    """A byte set to another value either changes nothing that JSON tells, or is refused as bad input."""
    whole = (saved[1] / "model.json").read_bytes()
    content = bytearray(whole)
    content[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    (copy / "model.json").write_bytes(content)
    try:
        same = json.loads(content) == json.loads(whole)
    except ValueError:
        same = False
    if same:
        load_model(copy)
    else:
        with pytest.raises(InputError, match=r"model\.json"):
            load_model(copy)


def test_a_directory_of_something_else_is_refused(tmp_path):
    """The message names the file that is not there."""
    with pytest.raises(InputError, match=r"model.json: this is no model directory"):
        load_model(tmp_path)
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(
        InputError, match=r"model.pkl: a model is a directory, and this is a file. Name one that"
    ):
        load_model(tmp_path / "model.pkl")


def test_a_failed_save_leaves_nothing(saved, tmp_path, monkeypatch):
    """When the disk fills up in the middle, neither a half model nor its parts stay."""
    model, _ = saved

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("couponry.predictors.state_files._digest", full)
    with pytest.raises(InputError, match=r"cannot be written: .*No space left"):
        model.save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_arrays_are_what_was_learnt(saved):
    """The arrays' file holds the learner's own numbers."""
    from safetensors.numpy import load_file

    arrays = load_file(saved[1] / "arrays.safetensors")
    share = next(array for name, array in arrays.items() if name.endswith("conversion/share"))
    assert np.array_equal(share, saved[0].learner.share)
