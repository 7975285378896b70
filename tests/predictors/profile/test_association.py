"""Products and kinds of coupon in the same orders."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.predictors.profile.raw import PURCHASES, drawn

from couponry.instances.errors import InputError
from couponry.predictors.profile.association import coupon_rules
from couponry.predictors.profile.tables import RawTables

pytest.importorskip("mlxtend")


def test_rules_are_those_of_the_table():
    """Four orders, gift coupons in three, tea in the same three, milk in one of them (a return is none)."""
    found = coupon_rules(RawTables(PURCHASES), items=2).set_index(["if", "then"])
    tea = found.loc[("product tea", "coupon gift")]
    assert (tea["orders"], tea["support"], tea["confidence"]) == (3, 0.75, 1.0)
    assert tea["lift"] == pytest.approx(1 / 0.75)
    milk = found.loc[("coupon gift", "product milk")]
    assert (milk["orders"], milk["confidence"]) == (1, pytest.approx(1 / 3))
    assert len(found) == 4


@given(
    orders=st.lists(
        st.tuples(st.sets(st.sampled_from("abc"), min_size=1), st.sampled_from([None, "x", "y"])),
        min_size=1,
        max_size=12,
    ),
    support=st.sampled_from([0.05, 0.3]),
)
def test_figures_are_counts_of_orders(orders, support):
    """For single items every rule's figures are what counting says, and no rule is missing."""
    rows = [("u", str(n), p, kind) for n, (products, kind) in enumerate(orders) for p in sorted(products)]
    table = pd.DataFrame(rows, columns=["user_id", "order_id", "product", "coupon_kind"])
    tables = RawTables(table.assign(time="2024-05-01", amount=1.0))
    found = coupon_rules(tables, support=support, confidence=0.0, items=2).set_index(["if", "then"])
    expected = {}
    for product in "abc":
        for kind in "xy":
            both = sum(product in products and kind == k for products, k in orders)
            one, other = sum(product in p for p, _ in orders), sum(kind == k for _, k in orders)
            if both and both >= support * len(orders):
                expected[f"product {product}", f"coupon {kind}"] = (
                    both,
                    both / one,
                    both * len(orders) / one / other,
                )
                expected[f"coupon {kind}", f"product {product}"] = (
                    both,
                    both / other,
                    both * len(orders) / one / other,
                )
    assert set(found.index) == set(expected)
    for rule, (both, confidence, lift) in expected.items():
        assert found.loc[rule, "orders"] == both
        assert np.allclose(found.loc[rule, ["confidence", "lift"]].astype(float), [confidence, lift])


def test_tables_without_products_and_shares_that_are_none():
    """Each message names the column or the argument."""
    with pytest.raises(InputError, match="column 'product': the purchases lack a column"):
        coupon_rules(RawTables(drawn(20).purchases))
    with pytest.raises(InputError, match="association needs purchases"):
        coupon_rules(RawTables(texts=drawn(20).texts))
    with pytest.raises(InputError, match=r"parameter 'support': a share lies between 0 and 1 \(got 2\)"):
        coupon_rules(RawTables(PURCHASES), support=2)
    with pytest.raises(InputError, match=r"parameter 'items': a rule has at least two items \(got 1\)"):
        coupon_rules(RawTables(PURCHASES), items=1)
