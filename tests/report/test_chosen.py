"""The section on the chosen pairs."""

import numpy as np
import pandas as pd
import pytest

from couponry.instances.errors import InputError
from couponry.report.chosen import chosen
from couponry.report.formats import Formats

FORMATS = Formats("CNY")


def table(predicted: float, realised: float, error: float) -> pd.DataFrame:
    """Return all pairs, one coupon and two groups."""
    rows = [("all", "all"), ("coupon", "C1"), ("predicted value", "1"), ("predicted value", "2")]
    return pd.DataFrame(
        {
            "by": [by for by, _ in rows],
            "group": [group for _, group in rows],
            "pairs": 1200,
            "given": 300,
            "without": 200,
            "predicted": predicted,
            "realised": realised,
            "standard_error": error,
            "cost_predicted": 2.5,
            "cost_realised": 2.0,
            "cost_standard_error": 0.25,
        }
    )


def test_what_was_predicted_stands_beside_what_was_realised() -> None:
    """In words, in a chart and in a table, each figure with its error."""
    section = chosen(table(0.10, 0.05, 0.01), FORMATS)
    assert "predicted to win 10.00 conversions in 100, and won 5.00 ± 1.00" in section.words
    assert "picked over-estimates" in section.words
    assert section.table.rows[1] == [
        "C1", "1,200", "300", "10.00", "5.00 ± 1.00", "2.50", "2.00 ± 0.25"
    ]  # fmt: skip
    assert section.table.rows[3][0] == "fifth 2"
    assert section.table.heads[-1] == "Cost realised, CNY"
    assert section.chart is not None
    assert "0 of them lie within" in section.chart.wide


@pytest.mark.parametrize(
    ("predicted", "words"), [(0.06, "agree within chance"), (0.01, "wins more than was predicted")]
)
def test_chance_and_luck_are_told_apart(predicted: float, words: str) -> None:
    """Within two errors the two agree; below, the plan wins more."""
    assert words in chosen(table(predicted, 0.05, 0.01), FORMATS).words


def test_too_few_rows() -> None:
    """Then there is no chart, and the words say why."""
    section = chosen(table(0.1, np.nan, np.nan), FORMATS)
    assert section.chart is None
    assert "too few to tell" in section.words
    assert section.table.rows[0][4] == "–"
    with pytest.raises(InputError, match="realised"):
        chosen(table(0.1, 0.1, 0.1).drop(columns="realised"), FORMATS)
