"""Cells of deviations, and what the certificate says of them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from tests.solver.test_at_risk import many

from couponry.instances import Target
from couponry.solver.deviation_cells import Linear, Node
from couponry.solver.solve import solve
from couponry.solver.stand_ins import chord_program, rows_at_risk


def node(*, target: float | None = None) -> Node:
    """Return the cell of deviations between 2 and 9, solved, with a target or without."""
    instance = many(60, amount=50.0)
    if target is not None:
        instance = replace(instance, rules=(*instance.rules, Target(at_least=target)))
    box = dict.fromkeys(rows_at_risk(instance.program), (2.0, 9.0))
    solution = solve(instance.with_program(chord_program(instance.program, box)))
    answer = Linear(solution, None, solution.certificate.multipliers, solution.certificate.bound, False)
    return Node(box, solution.bound, answer, None)


def test_a_cell_proves_what_its_multipliers_do() -> None:
    """An open cell is written with its sides, the multipliers of its rows by name, and what they prove."""
    found = node()
    program = many(60, amount=50.0).program
    cell = found.cell(program)
    assert found.farkas is None
    assert not cell.infeasible
    assert cell.deviations == {"budget": (2.0, 9.0)}
    assert cell.bound == found.proven == found.answer.proven
    assert set(cell.multipliers) == {"budget", "variance of budget"}
    assert cell.multipliers["budget"] == pytest.approx(float(found.answer.multipliers[0]))


def test_a_cell_without_plans_is_proven_empty() -> None:
    """With a target that the money cannot buy the cell is closed, by multipliers of its own."""
    found = node(target=1e5)
    assert found.farkas is not None
    assert found.proven == -math.inf
    cell = found.cell(many(60, amount=50.0).program)
    assert cell.infeasible
    assert any(cell.multipliers.values())
