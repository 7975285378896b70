"""Sequences: blocks of events, readers, and what only the order tells."""

import numpy as np
import pandas as pd
import pytest
import torch
from tests.predictors.network_families.trained import SMALL
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError
from couponry.instances.log import Log
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.model import load_model
from couponry.predictors.network_families.event_blocks import Blocks
from couponry.predictors.network_families.sequences import READERS, SequenceFront
from couponry.predictors.train import train

# Effects are large here, and need no holding small.
TINY = SMALL | {"effect_penalty": 0.0, "channels": 8, "width": 16, "head_width": 4, "length": 6}


def ordered_log(users, seed):
    """A log in which a coupon works on those whose cart came last, not on those who viewed last.

    Everybody has two views and two carts, so that counts tell nothing.
    """
    world = SmallWorld.draw(users, seed)
    generator = np.random.default_rng([seed, 9])
    late = generator.random(users) < 0.5
    events = [["view", "view", "cart", "cart"] if one else ["cart", "cart", "view", "view"] for one in late]
    arm = generator.integers(-1, 3, users).astype(np.int32)
    bought = generator.random(users) < 0.2 + 0.5 * (late & (arm >= 0))
    log = world.log(seed)
    return Log(
        **vars(log)
        | {"features": pd.DataFrame({"events": events}), "segments": (), "arm": arm, "propensity": None}
        | {"conversion": bought.astype(float), "cost": bought * (arm >= 0) * 1.0, "revenue": bought * 10.0}
    ), late


@pytest.mark.parametrize("reader", READERS)
def test_the_order_of_events_is_read(reader):
    """Uplift is ½ for those whose cart came last and 0 for the others, whose counts are the same."""
    log, _ = ordered_log(1500, 0)
    model = train(
        log, "sequence", reader=reader, **(TINY | {"epochs": 8, "learning_rate": 0.01, "batch": 64})
    )
    others, late = ordered_log(400, 1)
    value = model.predict_response(others.features).measure("value").mean(axis=1)
    assert value[late].mean() == pytest.approx(0.5, abs=0.12)
    assert value[~late].mean() == pytest.approx(0.0, abs=0.12)


def test_errors_cover_the_truth_and_are_smaller_than_its_spread():
    """Nine of ten true effects, 0 or ½, lie within 1.96 standard errors, whose median is below .15."""
    log, _ = ordered_log(1500, 0)
    options = TINY | {"members": 2, "epochs": 8, "learning_rate": 0.01, "batch": 64}
    model = train(log, "sequence", reader="cnn", **options)
    others, late = ordered_log(400, 1)
    found = model.predict_response(others.features)
    off = np.abs(found.measure("value") - 0.5 * late[:, None])
    assert np.median(found.measure("value_se")) < 0.15
    assert (off < 1.96 * found.measure("value_se")).mean() > 0.9


def test_a_saved_sequence_model_answers_bit_for_bit(tmp_path):
    """Blocks are laid out as in training."""
    log, _ = ordered_log(500, 0)
    model = train(log, "sequence", **(TINY | {"epochs": 1}))
    model.save(tmp_path / "model")
    read = load_model(tmp_path / "model")
    assert (
        read.predict_response(log.features).measure("value")
        == model.predict_response(log.features).measure("value")
    ).all()


def test_a_sequence_model_may_be_calibrated():
    """The models that are trained for it lay out rows as the first one does."""
    log, _ = ordered_log(500, 0)
    model = train(log, "sequence", calibrate="platt", **(TINY | {"epochs": 1}))
    assert np.isfinite(model.predict_response(log.features).measure("value")).all()


def test_streams_are_columns_that_happened_together():
    """Ages, then codes of each column; the last events are kept, oldest first; code 0 is padding."""
    table = pd.DataFrame(
        {
            "age": [[9.0, 4.0, 1.0], [2.0], []],
            "what": [["a", "b", "a"], ["b"], []],
            "where": [["x", "x", "y"], ["x"], []],
            "other": [["p"], [], ["q", "p"]],
        }
    )
    features = FeatureEncoder({"age": "series", "what": "events", "where": "events", "other": "events"}).fit(
        table
    )
    blocks = Blocks.of(features, 2)
    assert [stream.columns for stream in blocks.streams] == [("what", "where"), ("other",)]
    assert [stream.ages for stream in blocks.streams] == ["age", None]
    found = blocks.encode(features, table)[:, blocks.dense :]
    assert found.shape == (3, blocks.width - blocks.dense) == (3, 2 * 3 + 2 * 2)
    lately = 0.25 * 3.0  # a quarter of the median age of (9, 4, 1, 2)
    assert found[0, :2] == pytest.approx(np.log1p(np.array([4.0, 1.0]) / lately))
    assert found[:, 2:4].tolist() == [[2, 1], [2, 0], [0, 0]]  # a, b by frequency, then name: a 1, b 2
    assert found[:, 4:6].tolist() == [[1, 2], [1, 0], [0, 0]]
    assert found[:, 8:].tolist() == [[1, 0], [0, 0], [2, 1]]
    unknown = blocks.encode(features, table.assign(other=[["?"], [], []]))[:, blocks.dense :]
    assert unknown[0, 8] == 3
    assert Blocks.from_json(blocks.to_json()) == blocks


@pytest.mark.parametrize("reader", READERS)
def test_padding_changes_nothing(reader):
    """A short sequence has the same answer in a wider block."""
    table = pd.DataFrame({"what": [["a", "b"], ["b"], []]})
    features = FeatureEncoder({"what": "events"}).fit(table)
    answers = []
    for length in (2, 5):
        blocks = Blocks.of(features, length)
        torch.manual_seed(0)
        front = SequenceFront(blocks, reader, 4).eval()
        answers.append(front(torch.from_numpy(blocks.encode(features, table))).detach().numpy())
    assert answers[0] == pytest.approx(answers[1], abs=1e-5)


def test_lists_that_happened_together_are_of_one_length():
    """Else the row and both columns are named."""
    table = pd.DataFrame({"age": [[1.0], [1.0]], "what": [["a"], ["b"]], "where": [["x"], ["y"]]})
    features = FeatureEncoder({"age": "series", "what": "events", "where": "events"}).fit(table)
    blocks = Blocks.of(features, 3)
    with pytest.raises(InputError, match=r"row 1, column 'where': the list"):
        blocks.encode(features, table.assign(where=[["x"], ["y", "x"]]))


def test_a_log_without_events_is_refused():
    """There is nothing to read a sequence from."""
    with pytest.raises(InputError, match="there is no column of events"):
        train(SmallWorld.draw(300, 0).log(0), "sequence", least_rows=10)
