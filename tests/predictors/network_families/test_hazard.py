"""Time to the next purchase: hazards that are known, censoring, the best slot, files."""

import numpy as np
import pandas as pd
import pytest
import torch

from couponry.instances.errors import InputError
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
    assert [part.tolist() for part in model._checked(2, [5, 1], [True, True])] == [[2, 1], [0, 1]]


@pytest.mark.parametrize(
    ("slot", "bought", "words"),
    [
        ([1, 0], [1, 1], r"row 1, column 'slot': slots are counted from 1 \(got 0\)"),
        ([1], [1, 1], "differ in length: 2, 1, 2"),
    ],
)
def test_what_cannot_be_learnt_from(slot, bought, words):
    """Is refused with its row."""
    with pytest.raises(InputError, match=words):
        PurchaseTime(3).fit(pd.DataFrame({"a": [1.0, 2.0]}), slot, bought)


def test_what_is_no_model_is_refused(tmp_path):
    """A missing, another or a damaged file; and a model without slots."""
    with pytest.raises(InputError, match="the model of purchase times cannot be read"):
        PurchaseTime.load(tmp_path)
    (tmp_path / "model.json").write_text('{"format": "other"}')
    with pytest.raises(InputError, match="it is another kind of file"):
        PurchaseTime.load(tmp_path)
    with pytest.raises(InputError, match=r"there must be a slot \(got 0\)"):
        PurchaseTime(0)
