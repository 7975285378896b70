"""The matching-grant trial as a log."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.instances.loaders.data import public, write_csv

from couponry.instances import InputError
from couponry.instances.loaders.karlan_list import _FEATURES, read_karlan_list


def five_donors(**changed: Any) -> pd.DataFrame:
    """Return a donor of each arm, and one more whose gift after a 1:1 match is not known."""
    columns: dict[str, Any] = {name: [0, 1, 0, 1, 1] for name in _FEATURES}
    columns |= {
        "treatment": [0, 1, 1, 1, 1],
        "treat_ratio2": [0, 0, 1, 0, 0],
        "treat_ratio3": [0, 0, 0, 1, 0],
        "out_gavedum": [1, 1, 0, 1, 1],
        "out_amountgive": [50, 25, 0, 10, None],
        "years": [4, -999, 2, 7, 1],
        # Part of the letter, or a result: never features.
        "treat_size25": [0, 1, 0, 0, 0],
        "stateresponse": [0.01, 0.02, 0.01, 0.02, 0.02],
        "out_changeamtgive": [5, 5, 0, 0, 0],
    }
    return pd.DataFrame({**columns, **changed})


def test_donors_by_hand(tmp_path: Path) -> None:
    """A gift of 25 matched 1:1 costs 25, one of 10 matched 3:1 costs 30; the unknown one is taken as 25."""
    log = read_karlan_list(write_csv(tmp_path, "kl.csv", five_donors()))
    assert log.coupons.ids == ["match_1", "match_2", "match_3"]
    assert log.arm.tolist() == [-1, 0, 1, 2, 0]
    assert log.conversion.tolist() == [1, 1, 0, 1, 1]
    assert log.revenue.tolist() == [50, 25, 0, 10, 25]
    assert log.cost.tolist() == [0, 25, 0, 30, 25]
    assert log.user_id.tolist() == ["0", "1", "2", "3", "4"]
    assert log.propensity is None
    assert np.isnan(log.features["years"][1])
    assert log.segments == ("ltmedmra", "year5", "dormant")


def test_matches_may_cost_less(tmp_path: Path) -> None:
    """At 0.5 a matched dollar, everything costs half."""
    log = read_karlan_list(write_csv(tmp_path, "kl.csv", five_donors()), match_cost=0.5)
    assert log.cost.tolist() == [0, 12.5, 0, 15, 12.5]


def test_features_were_known_before_the_letter(tmp_path: Path) -> None:
    """Neither the letter nor anything that followed is a feature."""
    features = read_karlan_list(write_csv(tmp_path, "kl.csv", five_donors())).features
    assert tuple(features) == _FEATURES
    assert not [name for name in features if name.startswith(("treat", "out_", "stateresponse"))]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (
            {"treat_ratio2": [1, 0, 1, 0, 0]},
            r"row 0 \(line 2\), column 'treat_ratio2': a ratio without a match",
        ),
        ({"treat_ratio3": [0, 0, 1, 1, 0]}, r"row 2 \(line 4\), column 'treat_ratio3': .*or a second ratio"),
        (
            {"treatment": [0, 1, 1, 3, 1]},
            r"row 3 \(line 5\), column 'treatment': not a number in \[0, 1\] \(got 3\)",
        ),
        ({"out_amountgive": [50, -25, 0, 10, 1]}, r"row 1 .*column 'out_amountgive': .*\(got -25\)"),
        ({"out_amountgive": [50, 25, None, 10, 25]}, r"row 2 .*column 'out_amountgive': no gift is given"),
        ({"out_amountgive": [50, 25, 0, None, 25]}, r"row 3 .*not known, and nobody else of this arm gave"),
        ({"hpa": [1, 2, "much", 4, 5]}, r"row 2 \(line 4\), column 'hpa': not a number \(got 'much'\)"),
    ],
)
def test_wrong_cells_are_told(tmp_path: Path, changed: dict[str, Any], problem: str) -> None:
    """Each with its place and value."""
    with pytest.raises(InputError, match=problem):
        read_karlan_list(write_csv(tmp_path, "kl.csv", five_donors(**changed)))


def test_missing_column_and_wrong_cost_are_told(tmp_path: Path) -> None:
    """The column by name, the cost by value."""
    file = write_csv(tmp_path, "kl.csv", five_donors().drop(columns="hpa"))
    with pytest.raises(InputError, match=r"kl.csv, column 'hpa': a column is missing"):
        read_karlan_list(file)
    with pytest.raises(InputError, match=r"the cost of a match must be a number of at least 0 \(got -1\)"):
        read_karlan_list(file, match_cost=-1)


@pytest.mark.data
def test_published_file() -> None:
    """50,083 letters; 1.8 % give without, 2.1, 2.3 and 2.3 % with a match, as published."""
    log = read_karlan_list(public("karlan_list.csv.gz"))
    assert log.n == 50_083
    assert np.bincount(log.arm + 1).tolist() == [16_687, 11_133, 11_134, 11_129]
    given = [log.conversion[log.arm == arm].mean() for arm in (-1, 0, 1, 2)]
    np.testing.assert_allclose(given, [0.017858, 0.020749, 0.022633, 0.022733], atol=1e-6)
    ratio = np.array([0, 1, 2, 3])[log.arm + 1]
    np.testing.assert_allclose(log.cost, ratio * log.revenue)
    assert (log.features != -999).all().all()
