"""The menu."""

import numpy as np
import pandas as pd
import pytest
from tests.instances.small import NAN, menu

from couponry.instances import Coupons, InputError


def table(**columns: object) -> pd.DataFrame:
    """Return a menu of three with these columns."""
    return pd.DataFrame({"coupon_id": ["A", "B", "C"], **columns})


def refusal(frame: pd.DataFrame) -> str:
    """Return what is said when this menu is refused."""
    with pytest.raises(InputError) as caught:
        Coupons(frame)
    return str(caught.value)


def test_order_and_positions() -> None:
    """Coupons keep the order of their rows."""
    coupons = menu()
    assert (len(coupons), coupons.ids, coupons.position("B")) == (3, ["A", "B", "C"], 1)
    assert repr(coupons) == "Coupons(3: A, B, C)"


def test_ids_become_text() -> None:
    """Whole numbers are taken as ids, and are text from then on."""
    assert Coupons(pd.DataFrame({"coupon_id": [7, 11]})).ids == ["7", "11"]


def test_stock_and_minimum_where_cells_are_empty() -> None:
    """No stock is no limit, no minimum is none."""
    assert menu().stock.tolist() == [2, np.inf, np.inf]
    assert menu().minimum.tolist() == [0, 1, 0]
    bare = Coupons(pd.DataFrame({"coupon_id": ["A"]}))
    assert (bare.stock.tolist(), bare.minimum.tolist()) == ([np.inf], [0])


def test_nullable_and_text_numbers_are_numbers() -> None:
    """Stock may come as pandas' nullable integers or as text from a spreadsheet."""
    assert Coupons(table(stock=pd.array([1, None, 3], "Int64"))).stock.tolist() == [1, np.inf, 3]
    assert Coupons(table(stock=["1", None, "3"])).stock.tolist() == [1, np.inf, 3]


def test_given_table_is_not_changed() -> None:
    """The caller's table stays as it was."""
    frame = table(stock=["1", "2", "3"])
    Coupons(frame)
    assert frame["stock"].tolist() == ["1", "2", "3"]


@pytest.mark.parametrize("missing", [None, "", NAN, pd.NA])
def test_missing_id(missing: object) -> None:
    """Every coupon needs a name."""
    frame = pd.DataFrame({"coupon_id": pd.Series(["A", missing], dtype=object)})
    assert refusal(frame) == "row 1, column 'coupon_id': a coupon has no id. Give every coupon a name"


def test_duplicate_id() -> None:
    """A coupon stands in the menu once, also where one id is text and one a number."""
    assert refusal(pd.DataFrame({"coupon_id": pd.Series(["1", "2", 1], dtype=object)})) == (
        "row 2, column 'coupon_id': this coupon stands in the menu twice (got '1'). Give each coupon one row"
    )


def test_no_id_column() -> None:
    """The column of names is asked for by name."""
    assert refusal(pd.DataFrame({"id": ["A"], "stock": [1]})) == (
        "column 'coupon_id': the menu has no column 'coupon_id'. "
        "Name it 'coupon_id'; columns found: id, stock"
    )


def test_empty_menu() -> None:
    """A menu has at least one coupon."""
    assert refusal(pd.DataFrame({"coupon_id": []})) == "the menu has no coupons. Give at least one row"


def test_unknown_kind() -> None:
    """A slip in a kind is guessed."""
    assert refusal(table(kind=["gift", None, "fixed-off"])) == (
        "row 2, column 'kind': unknown kind of coupon (got 'fixed-off'). Did you mean 'fixed_off'? "
        "Known: threshold_off, percent_off, fixed_off, gift, free_shipping"
    )


@pytest.mark.parametrize("column", ["stock", "minimum", "face_value", "threshold", "valid_days"])
@pytest.mark.parametrize(
    ("value", "shown"), [(-5.0, "-5.0"), (np.inf, "inf"), ("many", "'many'"), (True, "True")]
)
def test_numbers_that_cannot_be(column: str, value: object, shown: str) -> None:
    """Negative, infinite and other than numbers are refused where they stand, not where numbers do."""
    frame = table(**{column: pd.Series([1, None, value], dtype=object)})
    assert refusal(frame) == (
        f"row 2, column '{column}': {column} must be a number of at least 0 (got {shown}). "
        "Correct it, or leave the cell empty where there is no limit"
    )


def test_minimum_above_stock() -> None:
    """What cannot be met by any plan is refused at once."""
    assert refusal(table(stock=[1, 1, 1], minimum=[0, 1, 2])) == (
        "row 2, column 'minimum': the minimum is above the stock of 1 (got 2.0). "
        "Lower the minimum or raise the stock"
    )


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (None, "ABC"),
        (["C", "A"], "AC"),
        ([], ""),
        ({"channel": "app"}, "BC"),
        ({"channel": ["app", "sms"]}, "ABC"),
        ({"channel": ["app"], "kind": ["gift", "fixed_off"]}, "C"),
        ({"channel": ["sms"], "kind": ["gift"]}, ""),
        ({"stock": [2]}, "A"),
        ({}, "ABC"),
    ],
)
def test_selection(wanted: object, chosen: str) -> None:
    """A rule names ids, or values that all must hold, each with alternatives."""
    coupons = menu()
    assert "".join(np.array(coupons.ids)[coupons.select(wanted)]) == chosen


def test_selection_passes_over_empty_cells() -> None:
    """A coupon without a value in the column is not chosen by it, however the gap is written."""
    coupons = Coupons(table(channel=pd.array(["sms", None, "app"], "string")))
    assert coupons.select({"channel": "app"}).tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["D"], "column 'coupon_id': no such coupon in the menu (got 'D'). Known: A, B, C"),
        (
            {"chanel": "app"},
            (
                "column 'chanel': the menu has no such column. Did you mean 'channel'? "
                "Known: coupon_id, kind, channel, stock, minimum"
            ),
        ),
        (
            {"channel": ["app", "smss"]},
            "column 'channel': no coupon has this value (got 'smss'). Did you mean 'sms'? Known: sms, app",
        ),
        ({"stock": [3]}, "column 'stock': no coupon has this value (got 3). Known: 2.0"),
    ],
)
def test_selection_of_what_is_not_there(wanted: object, message: str) -> None:
    """A name that nothing bears is refused with the nearest."""
    with pytest.raises(InputError) as caught:
        menu().select(wanted)
    assert str(caught.value) == message
