"""What a shop knows of its customers."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances.world.customers import Customers, draw_customers
from couponry.instances.world.features import (
    MOST_EVENTS,
    SEGMENTS,
    draw_browsing,
    draw_features,
    draw_reviews,
    draw_traits,
    user_ids,
)
from couponry.instances.world.words import ACTIONS, CATEGORIES, CATEGORY_PHRASES, PRICE_PHRASES

USERS = 20_000


@pytest.fixture(scope="module")
def people() -> Customers:
    """Return customers."""
    return draw_customers(np.random.default_rng(0), USERS)


def rng() -> np.random.Generator:
    """Return a generator."""
    return np.random.default_rng(1)


def frame(columns: dict[str, Any]) -> pd.DataFrame:
    """Return arrow columns as a frame."""
    table: pd.DataFrame = pa.table(columns).to_pandas()
    return table


def mentions(reviews: pd.Series, phrases: tuple[str, ...]) -> np.ndarray:
    """Return whose review holds one of the phrases."""
    found = np.zeros(len(reviews), dtype=bool)
    for phrase in phrases:
        found |= reviews.str.contains(phrase, regex=False).to_numpy(bool)
    return found


def test_ids_are_text_of_one_length() -> None:
    """Ids count from 0 and sort as numbers do."""
    assert user_ids(3).to_pylist() == ["U0000000", "U0000001", "U0000002"]


def test_money_and_habits_fit_each_other(people: Customers) -> None:
    """Spend is orders times basket, shares lie in [0, 1], and who never ordered has neither."""
    table = frame(draw_features(rng(), people))
    np.testing.assert_allclose(table["spend_365d"], table["orders_365d"] * table["basket_mean"], atol=0.5)
    never = table["orders_365d"] == 0
    assert 0.005 < never.mean() < 0.1
    assert (table.loc[never, "basket_mean"] == 0).all()
    assert (table["discount_share"].isna() == never).all()
    assert table["discount_share"].dropna().between(0, 1).all()
    assert table["email_open_rate"].between(0, 1).all()
    assert (table["tenure_days"] >= table["recency_days"]).all()


def test_segments_are_categories_without_gaps(people: Customers) -> None:
    """Each segment is a category column, and tiers have the shares 50, 30, 15 and 5 %."""
    table = frame(draw_features(rng(), people))
    for name in SEGMENTS:
        assert isinstance(table[name].dtype, pd.CategoricalDtype)
        assert table[name].notna().all()
    shares = table["tier"].value_counts(normalize=True)
    np.testing.assert_allclose(
        shares[["bronze", "silver", "gold", "platinum"]], [0.5, 0.3, 0.15, 0.05], atol=0.001
    )


def test_features_tell_what_customers_are_like(people: Customers) -> None:
    """Orders follow engagement, the share of discounts follows sensitivity, muting follows annoyance."""
    table = frame(draw_features(rng(), people))
    for name, trait, least in (
        ("orders_365d", people.engagement, 0.5),
        ("discount_share", people.sensitivity, 0.5),
        ("muted", people.annoyance, 0.35),
        ("basket_mean", people.basket, 0.5),
    ):
        known = table[name].notna().to_numpy()
        assert np.corrcoef(table.loc[known, name].astype(float), trait[known])[0, 1] > least, name


def test_browsing_is_a_sequence_from_old_to_new(people: Customers) -> None:
    """The three lists of a customer have one length, days fall, and every word is known."""
    columns = draw_browsing(rng(), people)
    days, category, action = (
        columns[f"browse_{part}"].to_pylist() for part in ("days_ago", "category", "action")
    )
    for d, c, a in zip(days[:2_000], category[:2_000], action[:2_000], strict=True):
        assert len(d) == len(c) == len(a) <= MOST_EVENTS
        assert d == sorted(d, reverse=True)
        assert set(c) <= set(CATEGORIES)
        assert set(a) <= set(ACTIONS)
    assert any(not d for d in days)
    assert all(0 <= d <= 60 for one in days for d in one)


def test_browsing_gives_intent_away(people: Customers) -> None:
    """Who is about to buy in a category looked at it lately far more often than others did."""
    table = frame(draw_browsing(rng(), people)).explode(["browse_days_ago", "browse_category"])
    lately = table[table["browse_days_ago"].astype(float) < 3]
    grocery = CATEGORIES.index("grocery")
    looks = (
        (lately["browse_category"] == "grocery").groupby(level=0).sum().reindex(range(USERS), fill_value=0)
    )
    wants = (people.intent == grocery) & (people.intent_strength > 0.5)
    assert looks[wants].mean() > 4 * looks[people.intent < 0].mean()


def test_reviews_give_taste_and_sensitivity_away(people: Customers) -> None:
    """Who writes of babies likes baby goods more, and who writes of sales looks at prices more."""
    reviews = pd.Series(draw_reviews(rng(), people).to_pylist())
    baby = mentions(reviews, CATEGORY_PHRASES["baby"])
    taste = people.taste[:, CATEGORIES.index("baby")]
    assert taste[baby].mean() > 2 * taste[~baby].mean()
    bargain, proud = mentions(reviews, PRICE_PHRASES[2]), mentions(reviews, PRICE_PHRASES[0])
    assert people.sensitivity[bargain].mean() > people.sensitivity[proud].mean() + 1


def test_some_customers_write_nothing(people: Customers) -> None:
    """About 15 % have an empty review, and nobody has none at all."""
    reviews = pd.Series(draw_reviews(rng(), people).to_pylist())
    assert reviews.notna().all()
    assert 0.13 < (reviews == "").mean() < 0.17


def test_traits_tell_as_much_as_is_not_hidden(people: Customers) -> None:
    """A trait's column explains 1 − hidden of its variance; with nothing hidden it is the trait itself."""
    for hidden in (0.0, 0.3, 1.0):
        told = draw_traits(rng(), people, hidden)["trait_sensitivity"].to_numpy()
        explained = np.corrcoef(told, people.sensitivity)[0, 1] ** 2
        assert explained == pytest.approx(1 - hidden, abs=0.02)
