"""Clashes of tangents are told as those of the budget at risk."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.solver.test_at_risk import many

from couponry.instances import Program, Target
from couponry.solver.clashes_at_risk import clashes_at_risk
from couponry.solver.solution import Clash, Infeasibility
from couponry.solver.stand_ins import rows_at_risk, tangent_program


@pytest.fixture
def program() -> Program:
    """A budget of 100 that may be overspent one time in twenty, and a target."""
    instance = many(40, amount=100.0)
    return replace(instance, rules=(*instance.rules, Target(at_least=20))).program


def told(program: Program, name: str, mended: float | None) -> Infeasibility:
    """Return what is said of a clash of this row's tangent, at a deviation of 5."""
    tangents = tangent_program(program, dict.fromkeys(rows_at_risk(program), 5.0))
    row = next(row for row in tangents.rows if row.name == name)
    clash = Clash(name, row.kind, "upper", row.upper, mended, "of the tangent")
    return clashes_at_risk(program, tangents, Infeasibility((clash,), "prices", None, "Say: of the tangent."))


def test_the_limit_is_the_budget(program: Program) -> None:
    """The tangent's limit is below 100 by what chance costs; its mend, 8 more, is raised by just that."""
    (k,) = rows_at_risk(program)
    upper = tangent_program(program, {k: 5.0}).rows[k].upper
    assert upper < 100
    why = told(program, "budget", upper + 8)
    (clash,) = why.clashes
    assert clash.limit == 100
    assert clash.mended_limit == pytest.approx(108, rel=1e-4)
    assert clash.mended_limit >= 108 - 1e-9
    assert why.words == f"Say: {clash.words}."
    assert clash.words.startswith("raise 'budget' from 100")


def test_no_mend_is_said(program: Program) -> None:
    """Where no tangent is enough, another budget still may be: none was found, which is what is said."""
    (clash,) = told(program, "budget", None).clashes
    assert (clash.limit, clash.words) == (100, "'budget': no change of it alone was found to be enough")


def test_other_rows_are_left_as_they_are(program: Program) -> None:
    """A clash of the target is told as it was."""
    (clash,) = told(program, "target value", 3.0).clashes
    assert (clash.mended_limit, clash.words) == (3.0, "of the tangent")


def test_what_is_too_little_is_not_said(program: Program) -> None:
    """A limit that nothing short of mends is proven of the tangents, not of the budget: it is left out."""
    tangents = tangent_program(program, dict.fromkeys(rows_at_risk(program), 5.0))
    clashes = (
        Clash("target value", "target", "lower", 20, 3.0, "lower it to 3 (short of 4 nothing mends it)", 4.0),
        Clash("budget", "budget", "upper", 90, 95.0, "raise it to 95 (short of 94 nothing mends it)", 94.0),
    )
    why = clashes_at_risk(program, tangents, Infeasibility(clashes, "prices", None, ""))
    assert [clash.least_limit for clash in why.clashes] == [None, None]
    target, budget = (clash.words for clash in why.clashes)
    assert target == "lower it to 3"
    assert budget.startswith("raise 'budget' from 100")
    assert "nothing mends it" not in budget


def test_only_the_search_knows(program: Program) -> None:
    """Where the tangents have plans of their own, nothing can be named."""
    why = clashes_at_risk(program, program, None)
    assert (why.clashes, why.proof) == ((), "search")
    assert why.words == "No plan can meet all rules together."
