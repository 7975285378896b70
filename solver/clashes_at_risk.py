"""Clashes of tangents, told as those of the budgets at risk that they stand for."""

from __future__ import annotations

from dataclasses import replace

from couponry.instances.program import Program
from couponry.solver.infeasible import outward
from couponry.solver.solution import Clash, Infeasibility
from couponry.solver.words import amount

__all__ = ["clashes_at_risk"]


def clashes_at_risk(program: Program, tangents: Program, why: Infeasibility | None) -> Infeasibility:
    """Return clashes and mends under tangents: the mend of a budget at risk is enough, if not least.

    Parameters
    ----------
    program : Program
    tangents : Program
        With a tangent for every row at risk.
    why : Infeasibility or None
        What was found of ``tangents``; None where only the search over cells knows of a clash.
    """
    if why is None:
        return Infeasibility((), "search", None, "No plan can meet all rules together.")
    words, clashes = why.words, []
    for clash in why.clashes:
        mended = _of_the_budget(clash, program, tangents)
        words = words.replace(clash.words, mended.words)
        clashes.append(mended)
    return replace(why, clashes=tuple(clashes), words=words)


def _of_the_budget(clash: Clash, program: Program, tangents: Program) -> Clash:
    """Return a clash of a tangent as one of the budget itself."""
    k = next(k for k, row in enumerate(program.rows) if row.name == clash.name)
    if program.rows[k].risk is None:
        return clash
    limit, offset = program.rows[k].upper, program.rows[k].upper - tangents.rows[k].upper
    if clash.mended_limit is None:
        return replace(clash, limit=limit, words=f"'{clash.name}': no change of it alone is enough")
    mended = outward(clash.mended_limit, offset, "upper")
    words = f"raise '{clash.name}' from {amount(limit)} to {amount(mended)}"
    return replace(clash, limit=limit, mended_limit=mended, words=words)
