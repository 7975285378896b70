"""Try every plan of a very small instance, without any solver."""

from __future__ import annotations

import math

import numpy as np

from couponry.instances.program import Program
from couponry.solver.engine import Pairs
from couponry.solver.feasibility import pair_columns
from couponry.solver.integer import eligible_pairs
from couponry.solver.prices import PriceBook

__all__ = ["MOST_STEPS", "no_plan_exists"]

MOST_STEPS = 200_000
TOLERANCE = 1e-9


class _TooMany(Exception):
    """There are more plans than can be tried."""


def no_plan_exists(program: Program, book: PriceBook) -> bool | None:
    """Return whether every plan breaks some row by more than a rounding error; None if there are too many plans."""
    if program.n_users > 200:
        return None
    try:
        users = [_choices(program, book, i) for i in range(program.n_users)]
        return not _some_plan(users, book)
    except _TooMany:
        return None


def _choices(program: Program, book: PriceBook, user: int) -> np.ndarray:
    """Return the row activities of every member of X_i, ``(choices, K)``, the empty one first."""
    pairs = eligible_pairs(program, np.array([user]))
    classes, coupon, columns = pair_columns(program, Pairs(pairs.user, pairs.place))
    coefficients = book.coefficients(columns, classes, coupon)
    cost = columns.get("cost", np.zeros(len(coupon)))
    most = int(program.choices.max_coupons[user])
    found = [np.zeros(book.n_rows)]

    def grow(first: int, taken: list[int]) -> None:
        for a in range(first, len(coupon)):
            if program.choices.conflicts[coupon[a], coupon[taken]].any():
                continue
            now = [*taken, a]
            if math.fsum(cost[now]) <= program.choices.money:
                found.append(coefficients[:, now].sum(axis=1))
            if len(found) > MOST_STEPS:
                raise _TooMany
            if len(now) < most:
                grow(a + 1, now)

    if most:
        grow(0, [])
    return np.array(found)


def _some_plan(users: list[np.ndarray], book: PriceBook) -> bool:
    """Search depth first, leaving a branch as soon as the users to come cannot mend a row."""
    least = np.cumsum([np.zeros(book.n_rows)] + [c.min(axis=0) for c in users[::-1]], axis=0)[::-1]
    most = np.cumsum([np.zeros(book.n_rows)] + [c.max(axis=0) for c in users[::-1]], axis=0)[::-1]
    size = np.maximum(np.maximum(np.abs(least[0]), np.abs(most[0])), 1.0)
    lower, upper = book.lower - TOLERANCE * size, book.upper + TOLERANCE * size
    steps = 0

    def search(user: int, activity: np.ndarray) -> bool:
        nonlocal steps
        steps += 1
        if steps > MOST_STEPS:
            raise _TooMany
        if ((activity + most[user] < lower) | (activity + least[user] > upper)).any():
            return False
        return user == len(users) or any(search(user + 1, activity + choice) for choice in users[user])

    return search(0, np.zeros(book.n_rows))
