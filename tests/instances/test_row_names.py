"""What rows are called, and whom they speak of."""

import numpy as np

from couponry.instances.row_names import describe_scope, unique_names
from couponry.instances.rows import Row, Term


def row(name: str) -> Row:
    """Return a row of one class and one coupon."""
    return Row(name, "budget", 0, "cost", (Term("cost", np.ones(1), np.ones(1)),), -np.inf, 1.0)


def test_scopes_are_told_in_words() -> None:
    """All coupons, one, several, those with something; of some users only."""
    assert describe_scope(None, None) == "all coupons"
    assert describe_scope(["A"], None) == "coupon A"
    assert describe_scope(["A", "B"], {"region": ["north", "east"]}) == (
        "coupons A, B, users with region north or east"
    )
    assert describe_scope({"kind": "gift"}, None) == "coupons with kind gift"


def test_rows_of_one_name_are_numbered() -> None:
    """The second and the third; a name that is taken already is passed over."""
    named = unique_names([row("budget"), row("budget (2)"), row("budget"), row("budget")])
    assert [one.name for one in named] == ["budget", "budget (2)", "budget (3)", "budget (4)"]
