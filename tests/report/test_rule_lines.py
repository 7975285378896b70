"""Every rule with its activity, limits, bar and price."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances import Budget, Coverage, Instance, Parity, ReturnFloor
from couponry.report.allocation import Allocation
from couponry.report.formats import Formats
from couponry.report.rule_lines import RuleLine, rule_lines
from couponry.solver.solution import Certificate, Solution, Status, StoppedBy

Tiny = Callable[..., Instance]
Pairs = Callable[..., pa.Table]
formats = Formats("CNY")


def lines(instance: Instance, plan: pa.Table, prices: dict[str, float] | None = None) -> dict[str, RuleLine]:
    """Return the lines of a plan, whose activities are summed here from the plan itself."""
    allocation = Allocation(instance, plan)
    records = []
    for row in instance.program.rows:
        demand = {
            measure: np.zeros((instance.program.n_classes, len(instance.coupons)))
            for measure in instance.program.measures
        }
        for measure, table in demand.items():
            amounts = allocation.measures.get(measure, np.ones(len(allocation)))
            np.add.at(table, (instance.program.classes.codes[allocation.user], allocation.coupon), amounts)
        records.append(
            {
                "name": row.name,
                "rule": row.kind,
                "measure": row.measure,
                "scope": row.scope,
                "activity": row.activity(demand) / row.unit,
                "lower": row.lower / row.unit,
                "upper": row.upper / row.unit,
                "price": (prices or {}).get(row.name, 0.0),
                "words": "",
            }
        )
    value = float(allocation.measures["value"].sum())
    certificate = Certificate(tuple(r["name"] for r in records), np.zeros(len(records)), value)
    solution = Solution(
        Status.OPTIMAL, StoppedBy.GAP, value, value, 0.0, plan, pd.DataFrame(records), certificate
    )
    return {line.name: line for line in rule_lines(solution, allocation, formats)}


def test_a_budget_fills_from_zero(tiny: Tiny, pairs: Pairs) -> None:
    """18 of 24 CNY fill three quarters of the bar, and the limit stands at its end."""
    # u1 and u3 get A: 10 + 8.
    line = lines(tiny((Budget(amount=24),)), pairs(("u1", "A"), ("u3", "A")))["budget"]
    assert (line.activity, line.upper, line.state) == (18.0, 24.0, "room")
    assert line.worth == "Has room: 6\u00a0CNY below its limit."
    assert line.bar is not None
    assert (line.bar.start, line.bar.end, line.bar.dot, line.bar.marks) == (0.0, 0.75, None, (1.0,))
    assert line.bar.words == "75 % of the limit"


def test_stock_of_the_menu_has_a_line(tiny: Tiny, pairs: Pairs) -> None:
    """Stock written in the menu is a rule like any other."""
    line = lines(tiny(), pairs(("u1", "A"), ("u3", "A")))["stock A"]
    assert (line.kind, line.activity, line.upper) == ("stock", 2.0, 2.0)
    assert line.worth == "At its limit, which costs nothing."


def test_a_floor_is_marked_on_the_bar(tiny: Tiny, pairs: Pairs) -> None:
    """Two given where one is asked: the floor stands in the middle of a full bar."""
    # Half of the two users in the north must get one; both do.
    line = lines(tiny((Coverage(segment="region", at_least=0.5),)), pairs(("u1", "A"), ("u2", "B")))[
        "coverage region=north"
    ]
    assert line.bar is not None
    assert (line.bar.end, line.bar.marks) == (1.0, (0.5,))
    assert line.bar.words == "200 % of the floor"


def test_parity_is_a_dot_between_two_marks(tiny: Tiny, pairs: Pairs) -> None:
    """A rule with a negative side is drawn as a dot, at the middle where the group is like all."""
    # One coupon for two users in the north, one for one in the south: 1/2 − 2/3 and 1 − 2/3.
    found = lines(tiny((Parity(segment="region", tolerance=0.5),)), pairs(("u1", "B"), ("u3", "A")))
    north, south = found["parity region=north"], found["parity region=south"]
    assert north.activity == pytest.approx(-1 / 6)
    assert south.activity == pytest.approx(1 / 3)
    assert north.bar is not None
    assert south.bar is not None
    assert north.bar.dot == pytest.approx(0.5 - (1 / 6) / 1.12)
    assert south.bar.dot == pytest.approx(0.5 + (1 / 3) / 1.12)
    assert 0 < north.bar.marks[0] < north.bar.dot < north.bar.marks[1] < 1


def test_a_return_floor_tells_the_return(tiny: Tiny, pairs: Pairs) -> None:
    """Revenue 75 for a cost of 18 is 4.167 a unit where 2 is asked."""
    line = lines(tiny((ReturnFloor(ratio=2),)), pairs(("u1", "A"), ("u3", "A")))["return floor"]
    assert line.activity == pytest.approx(75 - 2 * 18)
    assert line.note == "Earns 4.167 a unit of cost; at least 2 is asked."
    assert line.bar is not None
    assert line.bar.marks == pytest.approx((2 / (75 / 18),))


def test_a_price_makes_a_rule_binding(tiny: Tiny, pairs: Pairs) -> None:
    """A rule with a price limits the plan; one whose price is rounding noise does not."""
    instance, plan = tiny((Budget(amount=18),)), pairs(("u1", "A"), ("u3", "A"))
    binding = lines(instance, plan, {"budget": 0.25})["budget"]
    assert binding.state == "binding"
    assert binding.step is not None
    assert binding.worth == "1\u00a0CNY more would win about 0.25 more conversions."
    assert lines(instance, plan, {"budget": 1e-14})["budget"].state == "room"


def test_a_broken_rule_is_called_so(tiny: Tiny, pairs: Pairs) -> None:
    """A plan that is over its budget is not shown as one that keeps it."""
    assert lines(tiny((Budget(amount=17),)), pairs(("u1", "A"), ("u3", "A")))["budget"].state == "broken"


def test_a_rule_without_limits_has_no_bar(tiny: Tiny, pairs: Pairs) -> None:
    """Zero of zero cannot be drawn."""
    line = lines(tiny((Budget(amount=0, coupons=["B"], name="none for B"),)), pairs(("u1", "A")))[
        "none for B"
    ]
    assert line.bar is None
    assert math.isfinite(line.upper)
