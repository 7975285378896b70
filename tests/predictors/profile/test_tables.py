"""Raw tables, and what is wrong with them; profiles beside logs and users."""

import numpy as np
import pandas as pd
import pytest
from tests.predictors.profile.raw import PURCHASES
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError
from couponry.predictors.profile.attach import attach_to_log, attach_to_users, start_of
from couponry.predictors.profile.tables import RawTables


def test_a_directory_is_read(tmp_path):
    """Ids stay words, times are in UTC, empty cells are gaps."""
    PURCHASES.assign(user_id=["007"] * 6).to_csv(tmp_path / "purchases.csv", index=False)
    found = RawTables.read(tmp_path)
    assert found.texts is None
    assert found.users == ["007"]
    assert found.end == np.datetime64("2024-06-01")
    assert found.purchases["coupon_kind"].isna().sum() == 3
    assert len(found.before(np.datetime64("2024-05-02")).purchases) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"amount": ["x", 1, 1, 1, 1, 1]},
            r"row 0, column 'amount': an amount must be a finite .*\(got 'x'\)",
        ),
        (
            {"time": ["2024-01-01", "soon", *["2024-01-01"] * 4]},
            r"row 1, column 'time': not a time \(got 'soon'\)",
        ),
        ({"time": ["2024-01-01", None, *["2024-01-01"] * 4]}, "row 1, column 'time': a purchase has no time"),
        (
            {"user_id": [None, *"abcde"]},
            "row 0, column 'user_id': a row has no user. Fill it or drop the row",
        ),
    ],
)
def test_cells_that_cannot_be_used(change, words):
    """Each is named with its row and the mend."""
    with pytest.raises(InputError, match=words):
        RawTables(PURCHASES.assign(**change))


def test_tables_that_are_not_there(tmp_path):
    """Nothing at all, an empty directory, a column short."""
    with pytest.raises(InputError, match="there is nothing to make a profile of"):
        RawTables()
    with pytest.raises(InputError, match=r"here are no raw tables. Put purchases.csv"):
        RawTables.read(tmp_path)
    with pytest.raises(InputError, match="column 'amount': the purchases lack a column"):
        RawTables(PURCHASES.drop(columns="amount"))


def test_a_profile_is_laid_beside_a_log_or_users():
    """By user, whatever the order; who has none has gaps; nothing is overwritten."""
    log = SmallWorld.draw(50, 0).log(0)
    profile = pd.DataFrame({"user_id": log.user_id[::-2], "money": np.arange(25.0)})
    found = attach_to_log(log, profile).features["money"]
    assert found[49] == 0.0
    assert found[1] == 24.0
    assert found[::2].isna().all()
    with pytest.raises(InputError, match="column 'money': a column of the profile is there already"):
        attach_to_log(attach_to_log(log, profile), profile)
    users = attach_to_users(pd.DataFrame({"user_id": [log.user_id[1], "x"], "age": [1, 2]}), profile)
    assert users["money"][0] == 24.0
    assert users["money"].isna()[1]
    with pytest.raises(InputError, match="column 'user_id': the users lack a column"):
        attach_to_users(pd.DataFrame({"age": [1]}), profile)
    assert start_of(log.given_at) is None
