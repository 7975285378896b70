"""What the judge found, in numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

__all__ = [
    "CertificateCheck",
    "Verification",
    "Violation",
    "enumerated",
    "listed",
    "merged",
    "number",
    "rounded",
]

_LISTED = 10
_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong.

    Attributes
    ----------
    rule : str
        The rule's name, as the program's rows are named (``"coverage region=north"``); ``"user cap"`` and
        ``"exclusion kind=gift"`` for what one user may have; ``"freeze"`` for users who stay as they are;
        ``"unknown user"``, ``"unknown coupon"``, ``"pair twice"``, ``"not eligible"``, ``"stated value"``,
        ``"stated cost"``, ``"plan"`` and ``"certificate"`` for the plan and the certificate themselves.
    what : str
        The user, pair or scope that it is about.
    activity, limit, excess : float
        What was found, what is allowed, and the distance between them.
    words : str
        All this in a sentence.
    """

    rule: str
    what: str
    activity: float
    limit: float
    excess: float
    words: str


@dataclass(frozen=True, slots=True)
class CertificateCheck:
    """What a certificate proves.

    Attributes
    ----------
    bound : float
        The dual function at the certificate's multipliers, recomputed, the rounding error on the safe side:
        no plan is better. Infinite where the multipliers prove nothing.
    error : float
        The rounding error that ``bound`` allows for.
    claimed : float
        The bound that the certificate claims from its multipliers.
    gap : float
        ``|bound − value| / max(1, |bound|)`` of the judged plan.
    by_search : float
        How much better the solution's stated bound is than ``bound``: this part rests on branch and bound
        and on no multipliers. 0 where the multipliers prove all of it.
    words : str
    """

    bound: float
    error: float
    claimed: float
    gap: float
    by_search: float
    words: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What :func:`couponry.solver.verify.verify` found.

    Attributes
    ----------
    ok : bool
        Whether nothing is wrong.
    value : float
        The objective, recomputed from the instance, over the plan's eligible pairs.
    cost : float
        Σ cost over the same pairs.
    given : int
        Coupons given: rows of the plan.
    violations : tuple of Violation
        Of a kind that can happen to many users the first ten are listed, and the others counted.
    certificate : CertificateCheck or None
        None where no certificate was given.
    """

    ok: bool
    value: float
    cost: float
    given: int
    violations: tuple[Violation, ...]
    certificate: CertificateCheck | None = None

    def words(self) -> str:
        """Return the finding as text, one line a violation."""
        given, value, cost = number(self.given), rounded(self.value), rounded(self.cost)
        facts = f"{given} coupons given, objective {value}, cost {cost}."
        if self.ok:
            lines = [f"Every rule is kept: {facts}"]
        else:
            count = len(self.violations)
            lines = [f"Not valid, {count} {'finding' if count == 1 else 'findings'}: {facts}"]
        lines += [f"- {violation.words}" for violation in self.violations]
        if self.certificate is not None:
            lines.append(self.certificate.words)
        return "\n".join(lines)


def number(value: float) -> str:
    """Return a number with every digit that it has, and no needless ones."""
    return f"{float(value) + 0.0:,}".removesuffix(".0")  # no "-0"


def rounded(value: float, towards: str = ROUND_HALF_EVEN) -> str:
    """Return a number with eight digits that matter; what rounding errors alone tell apart is the same.

    Parameters
    ----------
    value : float
    towards : str
        How to round, in the words of :mod:`decimal`.
    """
    if not math.isfinite(value):
        return number(value)
    with localcontext() as context:
        context.prec, context.rounding = _DIGITS, towards
        text = f"{+Decimal(f'{value:.12g}'):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def listed(rule: str, count: int, one: Callable[[int], Violation]) -> list[Violation]:
    """Return ``one(0), one(1), …``, and in place of a long tail one violation that counts it."""
    violations = [one(i) for i in range(min(count, _LISTED))]
    rest = count - len(violations)
    return [*violations, _more(rule, rest)] if rest else violations


class _More(Violation):
    """Stands for those that are not listed."""


def _more(rule: str, count: int) -> Violation:
    words = f"{rule}: {number(count)} more like these."
    return _More(rule, f"{number(count)} more", float(count), 0.0, float(count), words)


def merged(lists: Sequence[Violation]) -> list[Violation]:
    """Return the findings of pieces as of the whole: ten of a kind, and how many more there are."""
    kinds: dict[str, list[Violation]] = {}
    for violation in lists:
        kinds.setdefault(violation.rule, []).append(violation)
    found = []
    for rule, violations in kinds.items():
        shown = [v for v in violations if not isinstance(v, _More)]
        more = sum(int(v.activity) for v in violations if isinstance(v, _More))
        found += shown[:_LISTED]
        more += len(shown[_LISTED:])
        if more:
            found.append(_more(rule, more))
    return found


def enumerated(names: Sequence[str]) -> str:
    """Return names in one line, a long tail as an ellipsis."""
    return ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
