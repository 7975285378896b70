"""What an error says, and where it says it was."""

import numpy as np
import pytest

from couponry.instances.errors import (
    CouponryError,
    ExistsError,
    InputError,
    MissingExtraError,
    did_you_mean,
    require_extra,
)
from couponry.instances.wording import worded


def test_message_names_everything_in_order() -> None:
    """File, row, column, problem, value and mend stand in this order."""
    error = InputError(
        "cost must be finite",
        file="part.parquet",
        row=17,
        column="cost",
        value=float("nan"),
        mend="Correct it",
    )
    assert str(error) == "part.parquet, row 17, column 'cost': cost must be finite (got nan). Correct it"


def test_message_of_a_problem_alone() -> None:
    """What is not known is left out."""
    assert str(InputError("there are no users")) == "there are no users"


def test_entry_of_a_rules_file_stands_as_it_is() -> None:
    """A row that is text is not called a row."""
    assert str(InputError("unknown key", row="[[budget]] 2")) == "[[budget]] 2: unknown key"


@pytest.mark.parametrize("value", [np.float64(-2.5), np.float32(-2.5), np.array(-2.5)])
def test_numpy_numbers_are_told_as_numbers(value: object) -> None:
    """A value is shown as the reader wrote it, not as numpy does."""
    assert str(InputError("must be positive", value=value)) == "must be positive (got -2.5)"


def test_located_fills_in_what_was_missing_only() -> None:
    """A place that is known already stays."""
    error = ExistsError("taken", row=3).located(file="a.csv", row=9)
    assert (error.file, error.row) == ("a.csv", 3)
    assert isinstance(error, ExistsError)


def test_moved_replaces_the_place() -> None:
    """A row among all users becomes the row of its shard."""
    error = InputError("twice", file="users", row=1017, column="user_id", value="u", mend="Drop it")
    assert str(error.moved(file="part-0001", row=17)) == (
        "part-0001, row 17, column 'user_id': twice (got 'u'). Drop it"
    )


def test_one_tree() -> None:
    """All errors that are raised on purpose can be caught as one."""
    assert issubclass(ExistsError, InputError)
    assert issubclass(InputError, CouponryError)
    assert issubclass(MissingExtraError, CouponryError)


def test_did_you_mean_puts_the_nearest_first() -> None:
    """A slip of the finger is guessed, and what is known is listed."""
    assert did_you_mean("amout", ["name", "amount"]) == "Did you mean 'amount'? Known: name, amount"
    assert did_you_mean("save10 ", ["SAVE5", "SAVE10"]).startswith("Did you mean 'SAVE10'?")
    assert did_you_mean("xyz", ["name"]) == "Known: name"
    assert did_you_mean("xyz", []) == "Known: none"
    assert did_you_mean("xyz", range(20)).endswith("10, 11, …")


def test_missing_extra_says_how_to_install_it() -> None:
    """An optional dependency that is absent names the extra that brings it."""
    with pytest.raises(MissingExtraError, match=r"no_such_module is not installed.*couponry\[predict\]"):
        require_extra("no_such_module", "predict")
    assert require_extra("json", "predict").dumps([]) == "[]"


def test_a_parameter_is_told_as_what_the_user_sets() -> None:
    """As a parameter in Python, as the option where there is one, and so it stays when the error moves."""
    assert str(InputError("wrong", parameter="share", value=2)) == "parameter 'share': wrong (got 2)"
    with worded(lambda name, value: {"share": "--share"}.get(name)):
        error = InputError("wrong", parameter="share")
        assert str(InputError("wrong", parameter="epochs")) == "parameter 'epochs': wrong"
    assert str(error.moved(file="log.csv", row=None)) == "log.csv, option '--share': wrong"
