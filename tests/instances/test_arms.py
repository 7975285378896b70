"""Cells that name arms."""

import pandas as pd
import pytest

from couponry.instances.arms import arms_of
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError

MENU = Coupons(pd.DataFrame({"coupon_id": ["7", "gift"]}))


def test_an_empty_cell_and_the_word_none_are_no_coupon():
    """Whole numbers that gaps made fractions are still the coupon of that number."""
    cells = pd.Series(["gift", None, "none", "", 7.0, " None "], name="arm")
    assert arms_of(cells, MENU, "the log", "").tolist() == [1, -1, -1, -1, 0, -1]


@pytest.mark.parametrize("cell", ["gfit", 7.5, float("inf")])
def test_an_arm_outside_the_menu_is_told_with_how_many_rows_have_it(cell):
    """The first such row, and what the menu has."""
    cells = pd.Series(["gift", cell, cell], name="arm", dtype=object)
    words = (
        r"row 1, column 'arm': an arm of the log is not in the menu; 2 of 3 rows have it .*7, gift\. Mend it"
    )
    with pytest.raises(InputError, match=words):
        arms_of(cells, MENU, "the log", "Mend it")
