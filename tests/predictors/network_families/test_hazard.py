"""Time to the next purchase: hazards that are known, censoring, the best slot, files."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from sklearn.base import clone
from tests.docs.pages import ROOT, blocks
from tests.predictors.killed import train_until_killed

import couponry
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.instance import Instance
from couponry.instances.response import Response
from couponry.instances.rules import Budget
from couponry.instances.users import Users
from couponry.predictors.network_families.hazard import PurchaseTime

SMALL = {"epochs": 12, "batch": 128, "width": 16, "learning_rate": 0.01}


def drawn(users, seed=0):
    """Early birds buy in slot 2, others in slot 5 of 6, mostly; a third is observed for three slots only."""
    generator = np.random.default_rng(seed)
    early = generator.random(users) < 0.5
    hazard = np.where(early[:, None], [0.05, 0.6, 0.1, 0.1, 0.1, 0.1], [0.05, 0.05, 0.05, 0.05, 0.6, 0.1])
    buys = generator.random((users, 6)) < hazard
    slot = np.where(buys.any(axis=1), buys.argmax(axis=1) + 1, 7)
    end = np.where(generator.random(users) < 1 / 3, 3, 6)
    features = pd.DataFrame({"early": early, "noise": generator.normal(size=users)})
    return features, np.minimum(slot, end), slot <= end, hazard


@pytest.fixture(scope="module")
def fitted():
    """A model of 3,000 customers."""
    features, slot, bought, _ = drawn(3000)
    return PurchaseTime(6, **SMALL).fit(features, slot, bought)


def test_hazards_are_found_though_a_third_was_not_seen_to_the_end(fitted):
    """Slots 4 to 6 would be far too low if the unseen counted as not bought."""
    features, _, _, hazard = drawn(500, 1)
    assert fitted.hazard(features) == pytest.approx(hazard, abs=0.12)


def test_the_best_slot_is_where_the_purchase_most_likely_falls(fitted):
    """Slot 2 for early birds, 5 for the others; chances and what is left sum to one."""
    features = drawn(200, 2)[0]
    assert fitted.best_slot(features).tolist() == np.where(features["early"], 2, 5).tolist()
    chance = fitted.probability(features)
    later = np.prod(1 - fitted.hazard(features), axis=1)
    assert chance.sum(axis=1) + later == pytest.approx(1.0)


def test_the_likelihood_by_hand():
    """Bought in slot 2 of 3: (1 − h₁)·h₂. Seen for two slots without a purchase: (1 − h₁)(1 − h₂)."""
    model = PurchaseTime(3)
    hazard = torch.tensor([0.1, 0.4, 0.9])
    model.module = lambda x: torch.logit(hazard).expand(len(x), -1)
    batch = {"x": torch.zeros(2, 1), "last": torch.tensor([2, 2]), "bought": torch.tensor([1, 0])}
    assert model._likelihood(batch).exp().tolist() == pytest.approx([0.9 * 0.4, 0.9 * 0.6])


def test_events_tell_when(tmp_path):
    """Lists of events are read in their order; the saved model answers bit for bit."""
    generator = np.random.default_rng(0)
    soon = generator.random(800) < 0.5
    lists = [["view", "cart"] if one else ["cart", "view"] for one in soon]
    features = pd.DataFrame({"events": lists})
    slot = np.where(soon, 1, 3)
    model = PurchaseTime(3, channels=8, **SMALL).fit(features, slot, np.ones(800))
    assert (model.best_slot(features) == slot).mean() > 0.95
    model.save(tmp_path / "model")
    assert np.array_equal(PurchaseTime.load(tmp_path / "model").hazard(features), model.hazard(features))


def test_the_same_seed_gives_the_same_model(fitted):
    """Bit by bit."""
    features, slot, bought, _ = drawn(3000)
    again = PurchaseTime(6, **SMALL).fit(features, slot, bought)
    assert np.array_equal(again.hazard(features), fitted.hazard(features))


def test_a_purchase_after_the_last_slot_is_none_within():
    """It counts as seen to the end."""
    model = PurchaseTime(2)
    last, seen = model._checked(5, [5, 1, 2, 2, 1], [True] * 5)
    assert (last.tolist(), seen.tolist()) == ([2, 1, 2, 2, 1], [0, 1, 1, 1, 1])


@pytest.mark.parametrize(
    ("slot", "bought", "words"),
    [
        ([1, 0], [1, 1], r"row 1, column 'slot': slots are counted from 1 \(got 0\)"),
        ([1], [1, 1], "differ in length: 2, 1, 2"),
        ([1, np.nan], [1, 1], r"row 1, column 'slot': a slot is a whole number \(got nan\)"),
        ([1, np.inf], [1, 1], r"row 1, column 'slot': a slot is a whole number \(got inf\)"),
        ([1.5, 2.0], [1, 1], r"row 0, column 'slot': a slot is a whole number \(got 1.5\)"),
        (["1", "2"], [1, 1], r"row 0, column 'slot': a slot is a whole number \(got '1'\)"),
        ([1, None], [1, 1], "row 1, column 'slot': a slot is a whole number. Correct the row or drop it"),
        ([1, 2], [1.0, np.nan], r"row 1, column 'bought': whether .* true or false \(got nan\). Give 1"),
        ([1, 2], [2, 0], r"row 0, column 'bought': whether .* true or false \(got 2\)"),
        ([1, 2], ["yes", "no"], r"row 0, column 'bought': whether .* true or false \(got 'yes'\)"),
        ([1, 2], [True, False], r"too few customers to learn from \(got 2\). Give at least 5"),
    ],
)
def test_what_cannot_be_learnt_from(slot, bought, words):
    """Is refused with its row."""
    with pytest.raises(InputError, match=words):
        PurchaseTime(3).fit(pd.DataFrame({"a": [1.0, 2.0]}), slot, bought)


@pytest.mark.parametrize(
    ("slot", "bought", "words"),
    [
        (
            [3, 7, 7, 2, 7],
            [0, 1, 1, 0, 0],
            r"column 'bought': nobody bought within the 3 slots, .* \(got False\)\. Give customers",
        ),
        (
            [2] * 5,
            [1] * 5,
            r"column 'slot': everybody bought in the same slot, .* \(got 2\)\. Give customers",
        ),
        (
            [1] * 5,
            [1, 0, 1, 0, 0],
            r"column 'slot': nobody was observed beyond slot 1, so nothing is known of the other 2 \(got 1\)",
        ),
    ],
)
def test_customers_who_do_not_tell_when_are_refused(slot, bought, words):
    """Nobody bought in time, everybody at once, or none was observed for longer than one slot."""
    with pytest.raises(InputError, match=words):
        PurchaseTime(3).fit(pd.DataFrame({"a": np.arange(5.0)}), slot, bought)


def test_no_customers_and_no_table_are_refused():
    """Nothing, one row, and an array."""
    for rows in (0, 1):
        with pytest.raises(InputError, match=rf"too few customers to learn from \(got {rows}\)"):
            PurchaseTime(3).fit(pd.DataFrame({"a": np.zeros(rows)}), np.ones(rows), np.ones(rows))
    with pytest.raises(InputError, match=r"features are no table \(got 'ndarray'\). Give a DataFrame"):
        PurchaseTime(3).fit(np.zeros((9, 2)), np.ones(9), np.ones(9))


def test_nullable_whole_numbers_and_flags_are_read():
    """As pandas reads them from files; the least log there is."""
    features = pd.DataFrame({"a": np.arange(5.0)})
    slot, bought = pd.Series([1, 2, 1, 2, 3], dtype="Int64"), pd.Series([True, False] * 2 + [True])
    model = PurchaseTime(3, epochs=1).fit(features, slot, bought.astype("boolean"))
    plain = PurchaseTime(3, epochs=1).fit(features, [1, 2, 1, 2, 3], [1, 0, 1, 0, 1])
    assert np.array_equal(model.hazard(features), plain.hazard(features))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"slots": 2.5}, r"parameter 'slots': there must be a slot, and a whole number of them \(got 2.5\)"),
        ({"slots": 0}, r"there must be a slot, .* \(got 0\)"),
        (
            {"slots": 3, "reader": "lstm"},
            r"'reader': this must be a known word \(got 'lstm'\). .*cnn, gru",
        ),
        ({"slots": 3, "watch": "qini"}, r"parameter 'watch': this model has no such parameter"),
        (
            {"slots": 3, "epoch": 2},
            r"parameter 'epoch': this model has no such parameter. Did you mean 'epochs'",
        ),
    ],
)
def test_options_that_it_does_not_have_are_refused(options, words):
    """Each by its name, with what there is: early stopping looks at the likelihood alone."""
    with pytest.raises(InputError, match=words):
        PurchaseTime(**options)


@pytest.mark.parametrize("ask", ["hazard", "probability", "best_slot", "save"])
def test_before_it_has_learnt_it_answers_nothing(ask, tmp_path):
    """The error says what to do first."""
    argument = tmp_path / "model" if ask == "save" else drawn(9)[0]
    with pytest.raises(InputError, match=r"has learnt nothing yet\. Call fit first, or load one"):
        getattr(PurchaseTime(3), ask)(argument)


def test_its_parameters_are_scikit_learns():
    """Read, set, copied; and a saved model has them, save for the place where it was trained."""
    model = PurchaseTime(6, epochs=3)
    assert model.get_params()["slots"] == 6
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(slots=4).slots == 4
    assert couponry.PurchaseTime is PurchaseTime


PROGRAM = """
import sys, time
from tests.predictors.network_families.test_hazard import SMALL, drawn
from couponry import PurchaseTime
def tell(step):
    print(step.done, flush=True)
    if step.done >= 3:
        time.sleep(600)
PurchaseTime(6, **SMALL, checkpoint=sys.argv[1]).fit(*drawn(800)[:3], progress=tell)
"""


def test_a_killed_training_goes_on_to_the_same_model(tmp_path):
    """A real process is killed after three passes; checkpoints of other customers are refused."""
    train_until_killed(PROGRAM, tmp_path / "going", 3)
    features, slot, bought, _ = drawn(800)
    told = []
    model = PurchaseTime(6, **SMALL, checkpoint=str(tmp_path / "going"))
    resumed = model.fit(features, slot, bought, progress=told.append)
    alone = PurchaseTime(6, **SMALL).fit(features, slot, bought)
    assert min(step.done for step in told) == 4
    assert np.array_equal(resumed.hazard(features), alone.hazard(features))
    assert resumed.fitted == alone.fitted
    resumed.save(tmp_path / "model")
    read = PurchaseTime.load(tmp_path / "model")
    assert read.fitted == alone.fitted
    assert read.get_params() == alone.get_params()
    with pytest.raises(InputError, match="other data or other settings"):
        PurchaseTime(6, **SMALL, checkpoint=str(tmp_path / "going")).fit(*drawn(800, 1)[:3])


def test_logs_are_tensorboards(tmp_path):
    """The held-out likelihood of every pass."""
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    model = PurchaseTime(6, **(SMALL | {"epochs": 2}), logs=str(tmp_path)).fit(*drawn(300)[:3])
    board = events.EventAccumulator(str(tmp_path / "purchase-time"))
    board.Reload()
    scores = [one.value for one in board.Scalars("held-out score")]
    assert scores == pytest.approx(model.fitted.history[1:])


def test_the_documented_way_from_slots_to_sends(fitted, tmp_path, monkeypatch):
    """The page's code: a table of sends for a plan, and a menu whose coupons are of one slot each."""
    page = ROOT / "docs" / "networks.md"
    code = next(block.text for block in blocks(page, "python") if "best_slot" in block.text)
    features = drawn(40, 3)[0]
    users = features.assign(user_id=[f"u{i}" for i in range(40)])
    coupons = Coupons(pd.DataFrame({"coupon_id": ["a2", "a5"], "slot": ["2", "5"]}))
    measures = {"value": np.full((40, 2), 0.1), "cost": np.ones((40, 2))}
    ids = Users(pa.table({"user_id": users["user_id"].to_list()}))
    instance = Instance(coupons, ids, Response(measures), (Budget(amount=30.0),))
    session = {"when": fitted, "users": users, "instance": instance}
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(page), "exec"), session)
    sends = session["sends"]
    assert list(sends.columns[:2]) == ["user_id", "coupon_id"]
    assert len(sends) == len(pd.read_csv("sends.csv")) == 30
    best = dict(zip(users["user_id"], np.where(features["early"], 2, 5), strict=True))
    assert (sends["slot"] == sends["user_id"].map(best)).all()
    assert (sends["coupon_id"] == "a" + sends["slot"].astype(str)).all()


def test_what_is_no_model_is_refused(tmp_path):
    """A missing, another or a damaged file."""
    with pytest.raises(InputError, match=r"this is no purchase-time directory.*'PurchaseTime\.save' wrote"):
        PurchaseTime.load(tmp_path)
    (tmp_path / "purchase-time.json").write_text('{"format": "other"}')
    with pytest.raises(InputError, match="this is not a purchase-time of couponry"):
        PurchaseTime.load(tmp_path)


def test_texts_tell_when_and_are_saved(tmp_path):
    """A saved model keeps the words that it learnt; one whose numbers were changed is refused."""
    soon = np.random.default_rng(0).random(400) < 0.5
    words = np.where(soon, "now", "later")
    features = pd.DataFrame({"says": [f"{word} {i} thing" for i, word in enumerate(words)]})
    model = PurchaseTime(3, **SMALL).fit(features, np.where(soon, 1, 3), np.ones(400), {"says": "text"})
    assert (model.best_slot(features) == np.where(soon, 1, 3)).mean() > 0.9
    model.save(tmp_path / "model")
    assert np.array_equal(PurchaseTime.load(tmp_path / "model").hazard(features), model.hazard(features))
    head = tmp_path / "model" / "purchase-time.json"
    head.write_text(head.read_text(encoding="utf-8").replace('"slots": 3', '"slots": 4'), encoding="utf-8")
    with pytest.raises(InputError, match="the file is damaged"):
        PurchaseTime.load(tmp_path / "model")
