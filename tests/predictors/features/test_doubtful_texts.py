"""Text that seems to be written for something else is told with an example and the mend."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.predictors.small_world import SmallWorld

from couponry.predictors.features.doubtful_texts import doubtful_texts


@pytest.fixture(scope="module")
def log():
    """Return a log of a file."""
    return replace(SmallWorld.draw(400, 0).log(0), source="log.csv")


def doubts(log, cells):
    """Return what is said of a column ``x`` that goes through some cells again and again."""
    table = log.features.assign(x=pd.Series(cells)[np.arange(log.n) % len(cells)].to_numpy())
    return doubtful_texts(replace(log, features=table), {})


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["31/12/2025", "01/02/2025"], "%d/%m/%Y"),
        (["12/31/2025", "1/2/2025"], "%m/%d/%Y"),
        (["31.12.2025 18:30", None], "%d.%m.%Y %H:%M"),
        (["Dec 31, 2025", "May 1, 2025"], "%b %d, %Y"),
        (["2025年12月31日", "N/A"], "%Y年%m月%d日"),
        (["01/02/2025", "31/12/2025", "soon"], "%d/%m/%Y"),
    ],
)
def test_other_dates_are_told_with_their_format(log, cells, form):
    """With the first cell, its line, and the choice that reads them."""
    (found,) = doubts(log, cells)
    assert f"look like dates, such as {cells[0]!r} in row 0 (line 2). Say how they are written, " in found
    assert f"columns={{'x': {{'format': '{form}'}}}}, or write them as 2024-05-31; or say category" in found


def test_whether_day_or_month_comes_first_is_not_guessed(log):
    """Both formats are named where every cell can be read by both."""
    (found,) = doubts(log, ["01/02/2025", "03/04/2025"])
    assert "whether the day or the month comes first, only you can say" in found
    assert "{'format': '%d/%m/%Y'}} or columns={'x': {'format': '%m/%d/%Y'}}" in found


@pytest.mark.parametrize("cell", ["['view', 'cart']", "[1.5 2.0]", "[1, nan]", "[None]"])
def test_lists_that_are_not_json_are_told(log, cell):
    """As Python or numpy writes them, with the first such cell."""
    (found,) = doubts(log, [None, cell])
    assert f"look like lists, such as {cell!r} in row 1 (line 3), but are not written as JSON" in found
    assert 'Write them so, ["view", "cart"] or [1.5, null], as json.dumps does; or say category to' in found


@pytest.mark.parametrize(
    "cells", [["10.0.0.1", "10.0.0.2"], ["1.2.3", "1.2.10"], ["[see note]", "old"], ["A-1", "B-2"]]
)
def test_codes_are_neither_dates_nor_lists(log, cells):
    """Of them nothing is said."""
    assert doubts(log, [*cells, "new"]) == []
