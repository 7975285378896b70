"""Which products and kinds of coupon are found in the same orders, as a table to read.

What goes together need not be caused: whoever buys shoes may be given shoe coupons. The table suggests
coupons to try; what they bring, a randomised log says.

References
----------
.. [1] Agrawal, R., Imieliński, T., & Swami, A. (1993). Mining association rules between sets of items in
   large databases. ACM SIGMOD Record, 22(2), 207-216. https://doi.org/10.1145/170036.170072
.. [2] Han, J., Pei, J., & Yin, Y. (2000). Mining frequent patterns without candidate generation. ACM SIGMOD
   Record, 29(2), 1-12. https://doi.org/10.1145/335191.335372
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from couponry.instances.errors import InputError, require_extra
from couponry.predictors.profile.tables import RawTables

__all__ = ["coupon_rules"]

_COUPON, _PRODUCT = "coupon ", "product "
_FIGURES = ["support", "confidence", "lift"]


def coupon_rules(
    tables: RawTables, *, support: float = 0.01, confidence: float = 0.1, items: int = 3
) -> pd.DataFrame:
    """Return association rules [1]_ between products and kinds of coupon, found by FP-growth [2]_.

    Parameters
    ----------
    tables : RawTables
        Purchases with ``product`` and ``coupon_kind``; an order is an ``order_id``, or else what a user
        bought at one time.
    support : float
        Least share of all orders that hold both sides, in (0, 1].
    confidence : float
        Least share of the orders with the left side that hold the right one too, in [0, 1].
    items : int
        Most items on both sides together.

    Returns
    -------
    DataFrame
        ``if, then`` (one names products alone, the other kinds of coupon alone), ``orders`` (that hold both),
        ``support, confidence, lift``; largest lift first. Lift 1 is what chance gives.

    Raises
    ------
    InputError
        If a column or an argument cannot be used.
    MissingExtraError
        If mlxtend is not installed.
    """
    for name, value, low in (("support", support, 0.0), ("confidence", confidence, -1e-300)):
        if not low < value <= 1:
            raise InputError("a share lies between 0 and 1", parameter=name, value=value, mend="Such as 0.05")
    if items < 2:
        raise InputError("a rule has at least two items", parameter="items", value=items, mend="Give 2 or 3")
    patterns = require_extra("mlxtend.frequent_patterns", "profile")
    baskets = _baskets(tables.purchases, support)
    empty = pd.DataFrame(columns=["if", "then", "orders", *_FIGURES])
    if baskets.columns.empty:
        return empty
    frequent = patterns.fpgrowth(baskets, min_support=support, use_colnames=True, max_len=items)
    if frequent.empty:
        return empty
    with np.errstate(
        divide="ignore", invalid="ignore"
    ):  # in its other figures, where all orders hold an item
        rules = patterns.association_rules(frequent, metric="confidence", min_threshold=confidence)
    sides = [rules["antecedents"].map(_side), rules["consequents"].map(_side)]
    rules = rules[
        ((sides[0] + sides[1]) == 3).to_numpy()
    ]  # products (1) on one side, coupons (2) on the other
    if rules.empty:
        return empty
    found = pd.DataFrame(
        {
            "if": rules["antecedents"].map(_words),
            "then": rules["consequents"].map(_words),
            "orders": np.rint(rules["support"] * len(baskets)).astype(np.int64),
            **{name: rules[name] for name in _FIGURES},
        }
    )
    ranked = found.assign(rank=-found["lift"].round(9)).sort_values(["rank", "orders", "if", "then"])
    return ranked.drop(columns="rank").reset_index(drop=True)


def _baskets(purchases: pd.DataFrame | None, support: float) -> pd.DataFrame:
    """Return one row an order and one bool column an item that enough orders hold."""
    if purchases is None:
        raise InputError("association needs purchases", mend="Give purchases.csv")
    for name in ("product", "coupon_kind"):
        if name not in purchases:
            raise InputError(
                "the purchases lack a column",
                column=name,
                mend=f"Columns found: {', '.join(map(str, purchases.columns))}",
            )
    bought = purchases[purchases["amount"] >= 0]
    keys = ["order_id"] if "order_id" in bought else ["user_id", "time"]
    order = bought.groupby(keys, sort=False, dropna=False).ngroup().to_numpy()
    pairs = pd.concat(
        [
            pd.DataFrame({"order": order, "item": prefix + bought[name].astype(object)}).dropna()
            for prefix, name in ((_PRODUCT, "product"), (_COUPON, "coupon_kind"))
        ]
    ).drop_duplicates()
    orders = int(order.max()) + 1 if len(order) else 0
    counts = pairs["item"].value_counts()
    frequent = sorted(counts.index[counts >= support * orders])
    pairs = pairs[pairs["item"].isin(frequent)]
    code = pd.Index(frequent, dtype=object).get_indexer(pairs["item"])
    ones = np.ones(len(pairs), dtype=bool)
    sparse: Any = pd.DataFrame.sparse
    csr_array = require_extra("scipy.sparse", "predict").csr_array
    matrix = csr_array((ones, (pairs["order"].to_numpy(), code)), shape=(orders, len(frequent)))
    found: pd.DataFrame = sparse.from_spmatrix(matrix, columns=frequent)
    return found


def _side(items: frozenset[str]) -> int:
    """Return 1 for products alone, 2 for coupons alone, 0 for both."""
    coupons = sum(item.startswith(_COUPON) for item in items)
    return 2 if coupons == len(items) else 1 if coupons == 0 else 0


def _words(items: frozenset[str]) -> str:
    return ", ".join(sorted(items))
