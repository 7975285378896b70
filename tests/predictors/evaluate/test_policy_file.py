"""Policies as tables: by row or by user, as coupons or as probabilities."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.predictors.evaluate.test_policy import four_rows

from couponry.instances.errors import InputError
from couponry.predictors.evaluate.policy_file import read_policy

TWICE = np.array(["a", "b", "a", "d"], dtype=object)


def written(folder: Path, content: str) -> Path:
    """Write a CSV file."""
    path = folder / "policy.csv"
    path.write_text(content)
    return path


def test_a_row_for_each_row_of_the_log_stands_in_its_order(tmp_path):
    """Empty and none are no coupon."""
    path = written(tmp_path, 'coupon_id\np\nq\nnone\n""\n')
    assert read_policy(path, four_rows()).tolist() == [0, 1, -1, -1]


def test_users_are_matched_by_their_ids(tmp_path):
    """In any order, each row of a user alike, and users whom the log does not have are left out."""
    path = written(tmp_path, "user_id,coupon_id\nd,q\nb,\na,p\nz,q\n")
    assert read_policy(path, four_rows(user_id=TWICE)).tolist() == [0, -1, 0, 1]


def test_a_user_may_be_answered_row_by_row(tmp_path):
    """Where the ids are those of the log, in its order, the two rows of a differ."""
    path = written(tmp_path, "user_id,coupon_id\na,p\nb,p\na,q\nd,\n")
    assert read_policy(path, four_rows(user_id=TWICE)).tolist() == [0, 0, 1, -1]


def test_probabilities_stand_in_a_column_an_arm(tmp_path):
    """A coupon without a column and an empty cell are 0; digits that were cut off are made up for."""
    path = written(tmp_path, "q,none\n0.25,0.75\n1,\n0.3333,0.6666\n0,1\n")
    found = read_policy(path, four_rows())
    assert found[:2].tolist() == [[0.75, 0, 0.25], [0, 0, 1]]
    assert found[2] == pytest.approx([2 / 3, 0, 1 / 3], abs=1e-4)
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize(
    ("names", "mend"),
    [("coupon_id", "coupon_id empty where a user gets none"), ("p", "1 in a column none where")],
)
def test_users_without_a_row_are_asked_for(tmp_path, names, mend):
    """In the words of the table's own kind."""
    path = written(tmp_path, f"user_id,{names}\na,{'p' if names == 'coupon_id' else 1}\n")
    with pytest.raises(InputError, match=mend):
        read_policy(path, four_rows())


def test_parquet_is_read_too(tmp_path):
    """Ids that are numbers there are matched as text."""
    pd.DataFrame({"user_id": [3, 1, 2, 4], "coupon_id": ["q", "p", None, "p"]}).to_parquet(
        tmp_path / "policy.parquet"
    )
    log = four_rows(user_id=np.array(["1", "2", "3", "4"], dtype=object))
    assert read_policy(tmp_path / "policy.parquet", log).tolist() == [0, -1, 1, 0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            "coupon_id\np\nr\nr\np\n",
            r"row 1 \(line 3\), column 'coupon_id': an arm .* 2 of 4 rows",
        ),
        ("coupon_id\np\n", r"the policy has 1 rows and the log 4\. Give a row for each row"),
        (
            "user_id,coupon_id\na,p\nb,q\n",
            r"2 of the log's 4 users are not .*, the first 'c'\. Give",
        ),
        (
            "user_id,coupon_id\na,p\nb,p\nc,p\nd,p\na,q\n",
            r"row 4 \(line 6\).*two different .* \(got 'a'\)",
        ),
        ("user_id\na\n", r"the table does not say .*\. Give one column coupon_id, or a column of prob"),
        (
            "q,r\n0,1\n",
            r"column 'r': neither coupon_id nor an arm .*Known: coupon_id, none, p, q",
        ),
        ("user_id,coupon\na,p\n", r"column 'coupon': neither .*Did you mean 'coupon_id'\?"),
        ("q,none\n1,0\n0.5,0.4\n1,0\n1,0\n", r"row 1 \(line 3\): a row's .*; 1 of 4 rows do not \(got 0.9\)"),
        ("q,none\n2,-1\n", r"row 0 \(line 2\), column 'q': a probability must lie in \[0, 1\] \(got 2"),
        ("q,none\nmuch,0\n", r"column 'q': a probability must lie in \[0, 1\] \(got 'much'\)"),
    ],
)
def test_a_table_that_answers_not_for_the_log_is_refused(tmp_path, content, words):
    """With the file, the row and its line, how many, and the mend."""
    with pytest.raises(InputError, match=r"policy\.csv.*" + words):
        read_policy(written(tmp_path, content), four_rows())


def test_a_directory_is_said_to_be_a_plan(tmp_path):
    """It names the option for plans."""
    with pytest.raises(InputError, match=r"a policy is a table, not a directory.*--plan DIR"):
        read_policy(tmp_path, four_rows())
