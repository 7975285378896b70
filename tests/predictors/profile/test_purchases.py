"""Recency, frequency and money, worked by hand."""

import numpy as np
import pandas as pd
from tests.predictors.profile.raw import PURCHASES

from couponry.predictors.profile.purchases import PurchaseHabits
from couponry.predictors.profile.tables import RawTables

TENTH = np.datetime64("2024-05-10")


def test_measures_are_those_of_the_table():
    """Ann: one order of 30, nine days ago. Bob: two orders, 8 + 4 − 2 = 10, half a day ago. Nobody: none."""
    table = RawTables(PURCHASES).before(TENTH).purchases
    found = PurchaseHabits().fit(table, TENTH).columns(table, ["bob", "ann", "nobody"], TENTH)
    assert found["recency"].tolist()[:2] == [0.5, 9.0]
    assert found["frequency"].tolist() == [2, 1, 0]
    assert found["money"].tolist() == [10.0, 30.0, 0.0]
    assert found["money an order"].tolist()[:2] == [5.0, 30.0]
    assert np.isnan(found.loc[2, ["recency", "money an order"]].astype(float)).all()


def test_scores_are_fifths_of_the_buyers():
    """Of ten buyers with 1 … 10 orders, 1 … 10 days ago and spends 10 … 100, two have each score."""
    rows = [(f"b{i}", np.datetime64("2024-05-10") - np.timedelta64(i, "D"), 10.0) for i in range(1, 11)]
    rows = [row for i, row in enumerate(rows) for _ in range(i + 1)]
    table = pd.DataFrame(rows, columns=["user_id", "time", "amount"])
    habits = PurchaseHabits().fit(table, TENTH)
    found = habits.columns(table, [f"b{i}" for i in range(1, 11)], TENTH)
    assert found["frequency score"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert found["money score"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert found["recency score"].tolist() == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert found["rfm"].tolist()[0] == "511"


def test_more_returns_than_purchases_are_no_debt():
    """Money is not below 0, and its score is 0."""
    table = pd.DataFrame({"user_id": ["a", "b"], "time": [TENTH, TENTH], "amount": [-5.0, 5.0]})
    table["time"] = pd.to_datetime(table["time"])
    found = PurchaseHabits().fit(table, TENTH).columns(table, ["a", "b"], TENTH)
    assert found["money"].tolist() == [0.0, 5.0]
    assert found["rfm"][0] == "000"
