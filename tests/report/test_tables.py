"""The tables of who gets what."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa

from couponry.instances import Instance
from couponry.report.allocation import Allocation
from couponry.report.formats import Formats
from couponry.report.segments import segment_tables
from couponry.report.summary import summarise
from couponry.report.tables import coupon_table, segment_table
from couponry.solver.solution import Certificate, Solution, Status, StoppedBy

Tiny = Callable[..., Instance]
Pairs = Callable[..., pa.Table]


def test_coupon_table(tiny: Tiny, pairs: Pairs) -> None:
    """Every coupon has a row, and the last row is the sum."""
    # A to u1 and u3: value 0.75, cost 18, 24 CNY a conversion, 37.5 % mean uplift.
    instance, plan = tiny(), pairs(("u1", "A"), ("u3", "A"))
    prices = pd.DataFrame(
        columns=["name", "rule", "measure", "scope", "activity", "lower", "upper", "price", "words"]
    )
    certificate = Certificate((), np.zeros(0), 0.75)
    solution = Solution(Status.OPTIMAL, StoppedBy.GAP, 0.75, 0.75, 0.0, plan, prices, certificate)
    allocation = Allocation(instance, plan)
    table = coupon_table(summarise(instance, solution, allocation), allocation)
    assert table.rows == [
        ("A", "30\u00a0CNY off from 200\u00a0CNY", 1.0, [], ("2", "2", "0.7500", "18.00", "24.00", "37.5")),
        ("B", "free shipping", 0.0, [], ("0", "–", "0.0000", "0.00", "–", "–")),
    ]
    assert table.total == ("2", "", "0.7500", "18.00", "24.00", "37.5")
    assert list(table.heads[5:]) == ["Cost, CNY", "Cost per conversion, CNY", "Mean uplift, %"]


def test_segment_table(tiny: Tiny, pairs: Pairs) -> None:
    """Every group has its share reached and its cost a head."""
    allocation = Allocation(tiny(), pairs(("u1", "A"), ("u3", "A")))
    (segment,) = segment_tables(allocation, Formats("CNY"))
    table = segment_table(segment, Formats("CNY"))
    assert [(name, share, numbers) for name, _, share, _, numbers in table.rows] == [
        ("north", 0.5, ("2", "1", "0.5000", "10.00", "5.00")),
        ("south", 1.0, ("1", "1", "0.2500", "8.00", "8.00")),
    ]
    assert table.note == ""
