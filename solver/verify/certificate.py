"""What a certificate's multipliers prove, recomputed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR
from typing import Any, Protocol

import numpy as np

from couponry.solver.verify.cells import CellClaim, StatesCell, read_cell, value_over_cells
from couponry.solver.verify.dual import DualValue, dual_value, missing_side
from couponry.solver.verify.findings import CertificateCheck, Violation, enumerated, number, rounded
from couponry.solver.verify.population import Judged
from couponry.solver.verify.requirements import Groups, Requirement, read_requirements

__all__ = ["InfeasibilityCheck", "StatesBound", "check_certificate", "verify_infeasible"]

_ROUNDING = 1e-12  # a smaller gap is none


class StatesBound(Protocol):
    """A certificate: a multiplier for every row by name, and the bound that they are said to prove."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the rows."""
        ...

    @property
    def multipliers(self) -> np.ndarray:
        """λ of each row; positive prices the upper side, negative the lower."""
        ...

    @property
    def bound(self) -> float:
        """The claimed bound."""
        ...

    @property
    def cells(self) -> Sequence[StatesCell]:
        """Parts of the plans, each with multipliers of its own; none where no budget is at risk."""
        ...


@dataclass(frozen=True, slots=True)
class InfeasibilityCheck:
    """Whether multipliers prove that no plan exists.

    Attributes
    ----------
    proven : bool
    bound : float
        The dual function without an objective: below 0 only where no plan exists.
    error : float
        The rounding error that was allowed for.
    words : str
    """

    proven: bool
    bound: float
    error: float
    words: str


@dataclass(frozen=True)
class _Claim:
    """A certificate, whatever form it came in. Numbers that are not there are None."""

    multipliers: dict[str, float]
    bound: float | None
    stated_bound: float | None = None
    stated_value: float | None = None
    by_search: bool = False
    cells: tuple[CellClaim, ...] = ()


def check_certificate(
    instance: Judged, certificate: StatesBound | Mapping[str, Any], value: float, *, plan_valid: bool
) -> tuple[CertificateCheck | None, list[Violation]]:
    """Recompute what a certificate proves and compare it with what it claims.

    Parameters
    ----------
    instance : Instance
    certificate : Certificate or mapping
        A mapping holds ``multipliers`` (row name → λ) and ``certificate_bound``, the bound that they prove,
        or that its ``cells`` prove; or, without the latter, ``bound``. Where both are there, ``bound`` is
        the solution's, which may be better if ``bound_source`` is ``"search"``.
    value : float
        The judged plan's objective.
    plan_valid : bool
        Whether the plan keeps the rules, so that a bound that it beats is wrong.

    Returns
    -------
    CertificateCheck or None
        None where the certificate cannot be read.
    list of Violation
    """
    try:
        claim = _read(certificate)
    except (KeyError, TypeError, ValueError) as error:
        words = f"certificate: it lacks readable multipliers ({error})."
        return None, [Violation("certificate", "multipliers", math.nan, math.nan, math.nan, words)]
    groups = Groups(instance)
    requirements = read_requirements(instance, groups)
    wrong, usable = _wrong_multipliers(requirements, claim.multipliers)
    sense = 1.0 if instance.campaign.sense == "maximise" else -1.0
    if usable and not claim.cells:
        dual = dual_value(instance, groups, requirements, claim.multipliers)
    elif claim.cells:
        dual, found = value_over_cells(instance, groups, requirements, claim.cells)
        wrong += found
    else:
        dual = DualValue(math.inf, 0.0)
    wrong += _wrong_claims(claim, dual, sense, value, plan_valid=plan_valid)
    return _summary(claim, dual, sense, value), wrong


def verify_infeasible(
    instance: Judged, multipliers: Mapping[str, float] | Sequence[float] | np.ndarray | StatesBound
) -> InfeasibilityCheck:
    """Check a proof by prices that no plan keeps all rules.

    Under the multipliers every user picks what suits the rows best, without any objective. If even then their
    weighted sum stays on the wrong side of their weighted limits, no plan keeps them all.

    Parameters
    ----------
    instance : Instance
    multipliers : mapping from row name to λ, array of shape (K,), or Certificate
        An array is in the order of the program's rows. A certificate's cells must each be proven to hold no
        plan.

    Returns
    -------
    InfeasibilityCheck
    """
    groups = Groups(instance)
    requirements = read_requirements(instance, groups)
    if hasattr(multipliers, "cells"):
        cells = tuple(read_cell(cell) for cell in multipliers.cells)
        dual, flaws = value_over_cells(instance, groups, requirements, cells)
        proven = bool(cells) and not flaws and dual.value == -math.inf
        told = "Every cell is proven to hold no plan: no plan exists." if proven else "Nothing is proven."
        return InfeasibilityCheck(proven, dual.value, dual.error, told)
    if not isinstance(multipliers, Mapping):
        if len(multipliers) != len(requirements):
            words = f"Not proven: {len(multipliers)} multipliers for {len(requirements)} rows."
            return InfeasibilityCheck(False, math.inf, 0.0, words)
        multipliers = {r.name: float(m) for r, m in zip(requirements, multipliers, strict=True)}
    wrong, usable = _wrong_multipliers(requirements, dict(multipliers))
    if not usable or wrong:
        return InfeasibilityCheck(False, math.inf, 0.0, "Not proven: " + " ".join(v.words for v in wrong))
    dual = dual_value(instance, groups, requirements, multipliers, objective=False)
    proven = dual.value + dual.error < 0
    found = f"The dual function without an objective is {number(dual.value)} (rounding: {number(dual.error)})"
    words = f"{found}, below 0: no plan exists." if proven else f"{found}, not below 0: nothing is proven."
    return InfeasibilityCheck(proven, dual.value, dual.error, words)


def _read(certificate: StatesBound | Mapping[str, Any]) -> _Claim:
    if not isinstance(certificate, Mapping):
        pairs = zip(certificate.names, certificate.multipliers, strict=True)
        cells = tuple(read_cell(cell) for cell in getattr(certificate, "cells", ()))
        return _Claim({name: float(m) for name, m in pairs}, _float(certificate.bound), cells=cells)
    multipliers = {str(name): float(m) for name, m in dict(certificate["multipliers"]).items()}
    stated = _float(certificate.get("bound"))
    by_search = certificate.get("bound_source") == "search"
    proven = _float(certificate["certificate_bound"]) if "certificate_bound" in certificate else None
    if "certificate_bound" not in certificate and not by_search:
        proven = stated
    cells = tuple(read_cell(cell) for cell in certificate.get("cells") or ())
    return _Claim(multipliers, proven, stated, _float(certificate.get("value")), by_search, cells)


def _float(value: object) -> float | None:
    """Return a number, or None for none and for an infinite or missing one."""
    if value is None:
        return None
    found = float(value)  # type: ignore[arg-type]
    return found if math.isfinite(found) else None


def _wrong_multipliers(
    requirements: list[Requirement], multipliers: dict[str, float]
) -> tuple[list[Violation], bool]:
    """Return what is wrong with the multipliers, and whether they prove anything at all."""
    own = {requirement.name: requirement for requirement in requirements}
    wrong, usable = [], True
    for kind, names in (
        ("names rows that the rules do not make", [name for name in multipliers if name not in own]),
        ("has no multiplier for", [name for name in own if name not in multipliers]),
    ):
        if names:
            words = f"certificate: it {kind}: {enumerated(names)}."
            count = float(len(names))
            wrong.append(Violation("certificate", enumerated(names), count, 0.0, count, words))
    for name, multiplier in multipliers.items():
        side = missing_side(own[name], multiplier) if name in own else None
        if side is None and math.isfinite(multiplier):
            continue
        usable = False
        problem = f"prices the {side} side, which is not there" if side else "is not a finite number"
        words = f"certificate: the multiplier {number(multiplier)} of {name} {problem}: it proves no bound."
        wrong.append(Violation("certificate", name, multiplier, 0.0, abs(multiplier), words))
    return wrong, usable


def _wrong_claims(
    claim: _Claim, dual: DualValue, sense: float, value: float, *, plan_valid: bool
) -> list[Violation]:
    """Return claims that are better than what the multipliers prove, or than what the plan shows."""
    wrong = []
    claims = [("certificate bound", claim.bound)]
    if not claim.by_search and claim.stated_bound != claim.bound:
        claims.append(("solution's bound", claim.stated_bound))
    for what, bound in claims:
        if bound is not None and sense * bound < dual.value - dual.error < math.inf:
            proven, excess = sense * dual.value, dual.value - sense * bound
            words = (
                f"certificate: the {what} {number(bound)} is better than the {number(proven)} "
                f"that its multipliers prove, by {number(excess)}."
            )
            wrong.append(Violation("certificate", what, bound, proven, excess, words))
    slack = dual.error if math.isfinite(dual.error) else 0.0
    beaten = {bound for bound in (claim.bound, claim.stated_bound) if bound is not None}
    for bound in sorted(beaten):
        excess = sense * (value - bound)
        if plan_valid and excess > slack + 1e-12 * abs(bound):
            words = f"certificate: the plan's {number(value)} beats the claimed bound {number(bound)}."
            wrong.append(Violation("certificate", "bound", value, bound, excess, words))
    stated = value if claim.stated_value is None else claim.stated_value
    if not math.isclose(stated, value, rel_tol=1e-12, abs_tol=1e-12):
        words = f"certificate: it states the value {number(stated)}, the plan's is {number(value)}."
        wrong.append(Violation("certificate", "value", stated, value, stated - value, words))
    return wrong


def _summary(claim: _Claim, dual: DualValue, sense: float, value: float) -> CertificateCheck:
    bound = sense * (dual.value + dual.error)
    gap = abs(bound - value) / max(1.0, abs(bound)) if math.isfinite(bound) else math.inf
    by_search = 0.0
    if claim.by_search and claim.stated_bound is not None and math.isfinite(bound):
        by_search = max(0.0, sense * (bound - claim.stated_bound))
    outwards = ROUND_CEILING if sense > 0 else ROUND_FLOOR  # as rounded, it is a bound still
    shown = f"{gap if gap > _ROUNDING else 0.0:.3g}"
    words = f"The multipliers prove that no plan is better than {rounded(bound, outwards)} (gap {shown})."
    if not math.isfinite(bound):
        words = "The multipliers prove no bound."
    if by_search:
        assert claim.stated_bound is not None
        words += (
            f" The solution's bound {rounded(claim.stated_bound)} is better by {rounded(by_search)}: "
            "that part rests on branch and bound."
        )
    claimed = claim.bound if claim.bound is not None else sense * math.inf
    return CertificateCheck(bound, dual.error, claimed, gap, by_search, words)
