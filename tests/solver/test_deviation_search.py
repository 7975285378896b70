"""The search over deviations: what a tangent's own prices prove of the cell around it."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from tests.solver.test_at_risk import many

from couponry.instances import Instance
from couponry.instances.program import Program
from couponry.solver.clock import Clock
from couponry.solver.deviation_cells import Linear, Solved
from couponry.solver.deviation_search import DeviationSearch
from couponry.solver.frozen import with_frozen
from couponry.solver.prices import PriceBook
from couponry.solver.result import plan_sums
from couponry.solver.solve import _Solve
from couponry.solver.taken import Taken


def search(instance: Instance, gap: float = 1e-4) -> DeviationSearch[Program]:
    """Return a search in core that has not begun."""
    clock = Clock(None, None, None)

    def linear(program: Program, last: Solved | None, *, plan: bool = True, explain: bool = False) -> Linear:
        one = _Solve(instance.with_program(program), "priced", gap, 0, clock, explain)
        solution = one.run(last, plan=plan)
        taken = None
        if one.pairs is not None:
            taken = Taken(plan_sums(program, with_frozen(program, one.pairs)), one.pairs)
        return Linear(solution, taken, one.multipliers, one.proven, exact=one.exact)

    return DeviationSearch(instance.program, PriceBook(instance.program), linear, gap, clock)


def touched(instance: Instance) -> tuple[DeviationSearch[Program], int, float]:
    """Return a search whose tangents have been moved to the best plan, its row at risk, and its deviation."""
    found = search(instance)
    found.at = found._first_deviations(None)
    found._improve()
    (k,) = found.risky
    return found, k, found.at[k]


@pytest.mark.parametrize("width", [0.3, 0.01])
def test_the_cell_around_a_tangent_is_proven_by_its_prices(width: float) -> None:
    """Ends t (1 ± w): the bound is λ z t w²/2 above the tangent's, and next to what a solve proves."""
    found, k, t = touched(many())
    box = {k: (t * (1 - width), t * (1 + width))}
    node = found._proven_by_tangent(box)
    assert node is not None
    assert found.tangent is not None
    chance = float(found.tangent.multipliers[k]) * found._risk(k).quantile * t
    assert node.proven - found.tangent.proven == pytest.approx(chance * width**2 / 2, rel=1e-3)
    solved = found._node(box)
    assert solved.proven - 1e-9 <= node.proven <= solved.proven + chance * width**2
    cell = node.cell(found.program)
    assert set(cell.multipliers) == {"budget", "variance of budget"}
    assert cell.multipliers["variance of budget"] == 0


def test_cells_elsewhere_need_a_solve() -> None:
    """Ends that do not lie evenly about the tangent, no end, or no tangent: nothing is claimed."""
    found, k, t = touched(many())
    for ends in ((0.9 * t, 1.2 * t), (0.0, t), (t, math.inf)):
        assert found._proven_by_tangent({k: ends}) is None
    found.tangent = None
    assert found._proven_by_tangent({k: (0.9 * t, 1.1 * t)}) is None


def test_a_search_ends_within_the_gap() -> None:
    """Its cells hold every deviation from nought, and the worst is within the gap of the best plan."""
    found = search(many(), 1e-4)
    assert not found.search(None)
    assert found.best is not None
    assert found.bound - found.value <= 1e-4 * max(1.0, abs(found.bound))
    ends = sorted(node.box[0] for node in found.nodes)
    assert ends[0][0] == 0
    assert math.isinf(ends[-1][1])
    assert all(left[1] == right[0] for left, right in pairwise(ends))
    assert found.certificate().bound >= found.value
