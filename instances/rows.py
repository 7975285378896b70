"""Rules in linear form.

A row is ``lower ≤ Σ_ij a_ij x_ij ≤ upper`` where ``a_ij`` is a sum of *terms*
``users[class(i)] · coupons[j] · measure(i, j)``. A class is a distinct combination of the segment columns
that the rules mention, so a row is a handful of short vectors whatever the number of users.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from couponry.instances.users import Users

__all__ = [
    "CHANGED",
    "COST_VARIANCE",
    "COUNT",
    "KEPT",
    "LIABILITY",
    "Classes",
    "Risk",
    "Row",
    "Term",
    "numbered",
]

COUNT = "count"
KEPT = "kept"
CHANGED = "changed"
COST_VARIANCE = "cost_variance"
LIABILITY = "liability"


@dataclass(frozen=True)
class Term:
    """``users[class(i)] · coupons[j] · measure(i, j)``.

    Attributes
    ----------
    measure : str
        ``"count"`` is 1 for every pair; ``"kept"`` is 1 for the pairs of an earlier plan; ``"changed"`` is
        −1 for those of them that leave their user unchanged, and 1 for what a user who had nothing may get.
    users : ndarray of float64, shape (C,)
    coupons : ndarray of float64, shape (J,)
    """

    measure: str
    users: np.ndarray
    coupons: np.ndarray

    def weights(self) -> np.ndarray:
        """Return the weights as a table, ``(C, J)``."""
        return np.outer(self.users, self.coupons)


@dataclass(frozen=True)
class Risk:
    """What chance adds to a row's activity: ``quantile · √(Σ variance)``.

    Attributes
    ----------
    probability : float
        With which the row may be broken.
    quantile : float
        The standard normal quantile of 1 − probability, above 0.
    variance : Term
    """

    probability: float
    quantile: float
    variance: Term


@dataclass(frozen=True)
class Row:
    """A rule, or one group of a rule, in linear form.

    Attributes
    ----------
    name : str
        Unique within a program, such as ``"coverage region=north"``.
    kind : str
        Kind of the rule, such as ``"coverage"``.
    rule : int
        Position of the rule in ``instance.rules``; −1 for stock written in the menu.
    measure : str
        What the activity is a sum of, in words.
    terms : tuple of Term
    lower, upper : float
        In the row's own scale; infinite where there is no side.
    unit : float
        The row's scale: activity, lower and upper divided by it are what the rule speaks of.
    scope : str
        Which coupons and users, in words.
    risk : Risk or None
        Where the activity is random: the terms are its expectation, and what the row limits from above is the
        expectation and what chance adds. Not linear, so :mod:`couponry.solver.at_risk` sees to it.
    base : float
        In the row's own scale: what the rule counts before anything is given, such as the users whom giving
        nothing would change. Activity, lower and upper have it added where they are told.
    """

    name: str
    kind: str
    rule: int
    measure: str
    terms: tuple[Term, ...]
    lower: float
    upper: float
    unit: float = 1.0
    scope: str = ""
    risk: Risk | None = None
    base: float = 0.0

    @property
    def limits(self) -> tuple[float, float]:
        """Lower and upper, as the rule speaks of them."""
        return self.told(self.lower), self.told(self.upper)

    def told(self, activity: float) -> float:
        """Return an activity or limit, as the rule speaks of it."""
        return (activity + self.base) / self.unit

    def activity(self, demand: dict[str, np.ndarray]) -> float:
        """Return Σ a x from the demand tables, measure → ``(C, J)``."""
        return float(sum(term.users @ demand[term.measure] @ term.coupons for term in self.terms))


@dataclass(frozen=True)
class Classes:
    """Users grouped by the segment columns that the rules mention.

    Attributes
    ----------
    codes : ndarray of int32, shape (n,)
        Each user's class.
    table : pandas.DataFrame, C rows
        One column a segment: the value that the class has there.
    sizes : ndarray of int64, shape (C,)
    """

    codes: np.ndarray
    table: pd.DataFrame
    sizes: np.ndarray

    @classmethod
    def of(cls, users: Users, columns: list[str]) -> Classes:
        """Group users by the distinct combinations of ``columns``."""
        segments = [users.segment(name) for name in columns]
        codes = np.zeros(len(users), dtype=np.int32)
        known = np.zeros((1, 0), dtype=np.int64)  # the combinations so far, a row each
        for segment in segments:
            labels = len(segment.labels)
            codes, found = numbered(codes.astype(np.int64) * labels + segment.codes, len(known) * labels)
            known = np.column_stack([known[found // labels], found % labels])
        table = pd.DataFrame(
            {
                s.name: pd.Series([s.labels[c] for c in known[:, position]], dtype=object)
                for position, s in enumerate(segments)
            },
            index=range(len(known)),
        )
        return cls(codes, table, np.bincount(codes, minlength=len(known)))

    def select(self, wanted: Mapping[str, Sequence[object]] | None, users: Users) -> np.ndarray:
        """Return which classes a rule speaks of, bool ``(C,)``.

        Raises
        ------
        InputError
            If no user has one of the values.
        """
        chosen = np.ones(len(self.table), dtype=bool)
        for column, values in (wanted or {}).items():
            segment = users.segment(column)
            labels = {segment.labels[segment.code(value)] for value in values}
            chosen &= np.array([value in labels for value in self.table[column]], dtype=bool)
        return chosen


def numbered(codes: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Number the codes that occur, in ascending order; return each user's number and the codes.

    Parameters
    ----------
    codes : ndarray of int64
        In [0, most).
    most : int
    """
    if most > 4 * len(codes) + 1_000_000:
        found, numbers = np.unique(codes, return_inverse=True)
        return numbers.astype(np.int32), found
    found = np.flatnonzero(np.bincount(codes, minlength=most))
    numbers = np.zeros(most, dtype=np.int32)
    numbers[found] = np.arange(len(found), dtype=np.int32)
    return numbers[codes], found
