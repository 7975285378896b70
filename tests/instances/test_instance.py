"""The instance as a whole."""

import numpy as np
import pytest
from tests.instances.small import four_users, menu, people, responses

from couponry.instances import Budget, Campaign, InputError, Instance


def test_parts() -> None:
    """An instance says what it holds."""
    assert repr(four_users(Budget(amount=1))) == "Instance(4 users × 3 coupons, 1 rules)"


def test_rows_for_every_user() -> None:
    """Users and responses are as many."""
    with pytest.raises(InputError) as caught:
        Instance(menu(), people(), responses().take(np.arange(3)))
    assert str(caught.value) == (
        "the response has 3 rows but there are 4 users. Give one row of response a user, in the users' order"
    )


def test_response_is_checked() -> None:
    """A cost that is NaN is refused when the parts meet."""
    response = responses()
    response.measures["cost"][1, 1] = np.nan
    with pytest.raises(InputError, match=r"^row 1, column 'cost': cost of an eligible pair must be a finite"):
        Instance(menu(), people(), response)


def test_objective_is_a_measure() -> None:
    """What is maximised is there, or is the count of coupons."""
    four_users(campaign=Campaign(objective="count"))
    with pytest.raises(InputError, match="column 'profit': the response has no such measure"):
        four_users(campaign=Campaign(objective="profit"))
