"""Try every plan of a very small instance, without any solver."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from couponry.instances.program import Program
from couponry.solver.engine import Pairs
from couponry.solver.feasibility import excesses, pair_columns
from couponry.solver.integer import eligible_pairs
from couponry.solver.prices import PriceBook

__all__ = ["MOST_STEPS", "no_plan_exists"]

MOST_STEPS = 200_000
MOST_USERS = 200
TOLERANCE = 1e-9


class _TooMany(Exception):
    """There are more plans than can be tried."""


@dataclass(frozen=True)
class _Choice:
    """One member of X_i: its places, and its activity of every row."""

    places: tuple[int, ...]
    activity: np.ndarray


def no_plan_exists(program: Program, book: PriceBook) -> bool | None:
    """Return whether every plan breaks some row; None if there are too many plans to try."""
    if program.n_users > MOST_USERS:
        return None
    try:
        users = [_choices(program, book, i) for i in range(program.n_users)]
        return not _some_plan(program, users, book)
    except _TooMany:
        return None


def _choices(program: Program, book: PriceBook, user: int) -> list[_Choice]:
    """Return every member of X_i, the empty one first."""
    pairs = eligible_pairs(program, np.array([user]))
    classes, coupon, columns = pair_columns(program, pairs)
    coefficients = book.coefficients(columns, classes, coupon)
    cost = columns.get("cost", np.zeros(len(coupon)))
    most = int(program.choices.max_coupons[user])
    found = [_Choice((), np.zeros(book.n_rows))]

    def grow(first: int, taken: list[int]) -> None:
        for a in range(first, len(coupon)):
            if program.choices.conflicts[coupon[a], coupon[taken]].any():
                continue
            now = [*taken, a]
            if math.fsum(cost[now]) <= program.choices.money:
                found.append(_Choice(tuple(pairs.place[now].tolist()), coefficients[:, now].sum(axis=1)))
            if len(found) > MOST_STEPS:
                raise _TooMany
            if len(now) < most:
                grow(a + 1, now)

    if most:
        grow(0, [])
    return found


def _some_plan(program: Program, users: list[list[_Choice]], book: PriceBook) -> bool:
    """Search depth first, leaving a branch as soon as the users to come cannot mend a row."""
    tables = [np.array([choice.activity for choice in choices]) for choices in users]
    least = np.cumsum([np.zeros(book.n_rows)] + [t.min(axis=0) for t in tables[::-1]], axis=0)[::-1]
    most = np.cumsum([np.zeros(book.n_rows)] + [t.max(axis=0) for t in tables[::-1]], axis=0)[::-1]
    size = np.maximum(np.maximum(np.abs(least[0]), np.abs(most[0])), 1.0)
    lower, upper = book.lower - TOLERANCE * size, book.upper + TOLERANCE * size
    taken: list[_Choice] = []
    steps = 0

    def search(activity: np.ndarray) -> bool:
        nonlocal steps
        steps += 1
        if steps > MOST_STEPS:
            raise _TooMany
        if ((activity + most[len(taken)] < lower) | (activity + least[len(taken)] > upper)).any():
            return False
        if len(taken) == len(users):
            return not excesses(program, _pairs(taken)).any()
        for choice in users[len(taken)]:
            taken.append(choice)
            found = search(activity + choice.activity)
            taken.pop()
            if found:
                return True
        return False

    return search(np.zeros(book.n_rows))


def _pairs(taken: list[_Choice]) -> Pairs:
    user = [i for i, choice in enumerate(taken) for _ in choice.places]
    place = [s for choice in taken for s in choice.places]
    return Pairs(np.array(user, np.int64), np.array(place, np.int64))
