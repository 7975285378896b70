"""What one user can be given, against trying every set of places."""

import math
from itertools import chain, combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from couponry.solver.user_choice import UserChoice


@st.composite
def choices(draw: st.DrawFn) -> UserChoice:
    """Draw a user with up to five places."""
    places = draw(st.integers(1, 5))
    whole = st.lists(st.integers(-8, 8), min_size=places, max_size=places)
    conflicts = np.array(draw(st.lists(st.booleans(), min_size=places**2, max_size=places**2)))
    conflicts = conflicts.reshape(places, places)
    conflicts = (conflicts | conflicts.T) & ~np.eye(places, dtype=bool)
    return UserChoice(
        reduced=np.array(draw(whole)) / 4,
        cost=np.abs(np.array(draw(whole))) / 2,
        eligible=np.array(draw(st.lists(st.booleans(), min_size=places, max_size=places))),
        conflicts=conflicts if draw(st.booleans()) else np.zeros_like(conflicts),
        most=draw(st.integers(0, 3)),
        money=draw(st.sampled_from([math.inf, 3.0, 0.5])),
    )


def every_choice(user: UserChoice) -> list[frozenset[int]]:
    """Return every set of places that the user may be given, read off the definition."""
    places = [int(p) for p in np.flatnonzero(user.eligible)]
    sets = chain.from_iterable(combinations(places, size) for size in range(user.most + 1))
    return [
        frozenset(s)
        for s in sets
        if not any(user.conflicts[a, b] for a in s for b in s) and sum(user.cost[p] for p in s) <= user.money
    ]


@given(choices())
def test_best_with_is_the_best_of_all_that_include_the_place(user: UserChoice) -> None:
    """``best_with`` reaches the largest reduced value of any allowed set with the place, or says none is."""
    for place in range(len(user.reduced)):
        worths = [user.worth(s) for s in every_choice(user) if place in s]
        found = user.best_with(place)
        assert (found is None) == (not worths)
        if found is not None:
            assert place in found
            assert user.allowed(found)
            assert user.worth(found) == max(worths)


@given(choices())
def test_best_without_is_the_best_of_all_that_leave_the_place_out(user: UserChoice) -> None:
    """``best_without`` reaches the largest reduced value of any allowed set without the place."""
    for place in range(len(user.reduced)):
        found = user.best_without(place)
        assert place not in found
        assert user.allowed(found)
        assert user.worth(found) == max(user.worth(s) for s in every_choice(user) if place not in s)
