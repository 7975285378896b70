"""What members' answers are taken together as."""

import numpy as np
import pytest

from couponry.predictors.stack.blend import total_error


def test_errors_hold_what_members_disagree_on_by_hand() -> None:
    """Effects of .1 and .3 at equal shares, each known to .03, make .2 known to √(.03² + .1²)."""
    one, other = np.array([[0.1, 0.2]]), np.array([[0.2, 0.5]])
    error = total_error((one + other) / 2, np.array([[0.03]]), [(0.5, one), (0.5, other)])
    assert error == pytest.approx(np.sqrt([[0.03**2 + 0.1**2]]))


def test_members_without_a_share_raise_no_doubt() -> None:
    """Nor one that agrees: the error stays that of the member that knows its own."""
    one, other = np.array([[0.1, 0.2]]), np.array([[0.2, 0.5]])
    assert total_error(one, np.array([[0.03]]), [(1.0, one), (0.0, other)]) == pytest.approx(0.03)
