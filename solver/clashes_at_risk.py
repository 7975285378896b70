"""Clashes of tangents, told as those of the budgets at risk that they stand for."""

from __future__ import annotations

from dataclasses import replace

from couponry.instances.program import Program
from couponry.solver.infeasible import outward, without_least
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
    """Return a clash of a tangent as one of the budget itself, and any as far as tangents prove it.

    They prove what is enough; that less is not, or nothing is, they prove of themselves alone.
    """
    k = next(k for k, row in enumerate(program.rows) if row.name == clash.name)
    risky = program.rows[k].risk is not None
    limit = program.rows[k].upper if risky else clash.limit
    clash = replace(clash, limit=limit, least_limit=None, words=without_least(clash))
    if clash.mended_limit is None:
        return replace(clash, words=f"'{clash.name}': no change of it alone was found to be enough")
    if not risky:
        return clash
    mended = outward(clash.mended_limit, limit - tangents.rows[k].upper, "upper")
    words = f"raise '{clash.name}' from {amount(limit)} to {amount(mended)}"
    return replace(clash, mended_limit=mended, words=words)
