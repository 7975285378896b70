"""The kernels on arrays of a few places: each choice against trying every set, each sum by hand."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from couponry.solver.kernels import choosing, exchanging, moments, scoring, tallying

INF = math.inf
NAN = math.nan
DRAWN = settings(max_examples=250, deadline=None, derandomize=True)
NO_LIST = np.zeros((1, 1), np.int32)


def lists(taken: np.ndarray) -> list[list[int]]:
    """Return each user's places in their order; −1 stands only after the last."""
    assert all((row[np.argmax(row < 0) :] < 0).all() for row in taken if (row < 0).any())
    return [sorted(row[row >= 0].tolist()) for row in taken]


def marks(*places: list[int], most: int = 2) -> np.ndarray:
    """Return lists of places as the kernels write them."""
    return np.array([row + [-1] * (most - len(row)) for row in places], np.int32)


@dataclass(frozen=True)
class Case:
    """What a user may choose from: one row a user."""

    score: np.ndarray
    most: np.ndarray
    conflicts: np.ndarray
    coupon: np.ndarray | None
    cost: np.ndarray
    money: float

    def _list(self) -> tuple[np.ndarray, bool]:
        return (NO_LIST, True) if self.coupon is None else (self.coupon, False)

    def _taken(self) -> np.ndarray:
        return np.full((len(self.score), max(1, int(self.most.max(initial=0)))), 7, np.int32)

    def one(self) -> list[list[int]]:
        """Return the places that ``choose_one`` takes."""
        taken = self._taken()
        choosing.choose_one(self.score, self.most, taken)
        return lists(taken)

    def greedy(self) -> list[list[int]]:
        """Return the places that ``choose_greedy`` takes."""
        taken = self._taken()
        choosing.choose_greedy(self.score, self.most, *self._list(), self.conflicts, taken)
        return lists(taken)

    def free(self) -> list[list[int]]:
        """Return the places that ``choose_free`` takes, whether or not it knows of disjoint families."""
        taken, searched = self._taken(), self._taken()
        related = (self.conflicts | np.eye(len(self.conflicts), dtype=bool)).astype(int)
        families = bool((((related @ related) > 0) == (related > 0)).all())
        for known, places in ((families, taken), (False, searched)):
            choosing.choose_free(
                self.score, self.most, *self._list(), self.conflicts, known, self.cost, self.money, places
            )
        for i, (one, two) in enumerate(zip(lists(taken), lists(searched), strict=True)):
            assert math.fsum(self.score[i, one]) == math.fsum(self.score[i, two])
        return lists(taken)

    def allowed(self, i: int, places: tuple[int, ...]) -> bool:
        """Return whether a user may have these places, read off the definition."""
        coupons = [s if self.coupon is None else int(self.coupon[i, s]) for s in places]
        return (
            len(places) <= self.most[i]
            and not any(np.isnan(self.score[i, s]) for s in places)
            and not any(self.conflicts[a, b] for a in coupons for b in coupons)
            and (self.money == INF or math.fsum(float(self.cost[i, s]) for s in places) <= self.money)
        )

    def best(self, i: int) -> float:
        """Return the most that any set is worth to a user, by trying all."""
        places = range(self.score.shape[1])
        sets = itertools.chain.from_iterable(
            itertools.combinations(places, n) for n in range(len(places) + 1)
        )
        return max(math.fsum(self.score[i, list(s)]) for s in sets if self.allowed(i, s))

    def check(self, chosen: list[list[int]]) -> None:
        """Assert that every user has an allowed set that is worth the most."""
        for i, places in enumerate(chosen):
            assert self.allowed(i, tuple(places))
            assert math.fsum(self.score[i, places]) == self.best(i)


def case(
    *score: list[float],
    most: int = 1,
    conflicts: list[tuple[int, int]] = [],  # noqa: B006
    cost: list[float] | None = None,
    money: float = INF,
) -> Case:
    """Return users whose place j is coupon j."""
    table = np.array(score, dtype=float)
    related = np.zeros((table.shape[1], table.shape[1]), bool)
    for a, b in conflicts:
        related[a, b] = related[b, a] = True
    costs = np.zeros(table.shape) if cost is None else np.tile(cost, (len(table), 1))
    return Case(table, np.full(len(table), most, np.int32), related, None, costs, money)


@st.composite
def cases(draw: st.DrawFn, *, families: bool = False, money: bool = True) -> Case:
    """Draw two users with up to six places; scores are quarters, so that sums are exact and ties common."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    places, menu = draw(st.integers(1, 6)), 7
    shape = (2, places)
    score = rng.integers(-4, 9, shape) / 4
    score[rng.random(shape) < 0.2] = NAN
    if families:
        family = rng.integers(0, 4, menu)
        conflicts = family[:, None] == family[None, :]
    else:
        conflicts = rng.random((menu, menu)) < draw(st.sampled_from([0.0, 0.2, 0.5]))
        conflicts = conflicts | conflicts.T
    np.fill_diagonal(conflicts, False)
    coupon = None
    if draw(st.booleans()):
        coupon = np.array([rng.permutation(menu)[:places] for _ in range(2)], np.int32)
    lowest = draw(st.sampled_from([0, -5]))
    cap = draw(st.sampled_from([0.0, 0.3, 0.6, 1.0, 1.5])) if money else INF
    return Case(
        score,
        rng.integers(0, 4, 2).astype(np.int32),
        conflicts,
        coupon,
        rng.integers(lowest, 11, shape) / 10,
        cap,
    )


# -------------------------------------------------------------------------- choosing


@DRAWN
@given(cases(money=False))
def test_one_takes_the_best_place(drawn: Case) -> None:
    """Of users who may have one coupon each gets the best eligible place, if it is worth anything."""
    single = Case(drawn.score, np.minimum(drawn.most, 1), drawn.conflicts, None, drawn.cost, INF)
    single.check(single.one())


@DRAWN
@given(cases(families=True, money=False))
def test_greedy_is_best_of_disjoint_families(drawn: Case) -> None:
    """Where conflicts fall into disjoint families the greedy set is worth as much as any allowed one."""
    drawn.check(drawn.greedy())


@DRAWN
@given(cases())
@example(case([1.0, 1.0, -0.25], most=3, cost=[1.0, 1.0, -1.0], money=1.0))
def test_free_is_best_of_all_sets(drawn: Case) -> None:
    """With any conflicts, a cap on money and negative costs the search finds as good a set as any."""
    drawn.check(drawn.free())


@DRAWN
@given(cases(families=True, money=False))
def test_free_and_greedy_choose_the_same_set(drawn: Case) -> None:
    """Ties are broken alike by both, so that a cap on money which never binds changes no plan."""
    assert drawn.free() == drawn.greedy()


@DRAWN
@given(cases(money=False))
def test_all_three_agree_on_single_coupons(drawn: Case) -> None:
    """Of users who may have one coupon all three kernels choose the same place."""
    single = Case(drawn.score, np.minimum(drawn.most, 1), drawn.conflicts, drawn.coupon, drawn.cost, INF)
    assert single.one() == single.greedy() == single.free()


@pytest.mark.parametrize("choose", [Case.one, Case.greedy, Case.free])
def test_first_of_equals(choose) -> None:  # type: ignore[no-untyped-def]
    """Of places that are worth the same the first is taken."""
    assert choose(case([0.5, 0.75, 0.75], [0.25, 0.25, 0.25])) == [[1], [0]]


@pytest.mark.parametrize("choose", [Case.greedy, Case.free])
def test_first_sets_of_equals(choose) -> None:  # type: ignore[no-untyped-def]
    """Of sets that are worth the same the one with the first places is taken."""
    assert choose(case([0.5, 0.5, 0.5, 0.5], most=2, conflicts=[(0, 1)])) == [[0, 2]]


@pytest.mark.parametrize("choose", [Case.one, Case.greedy, Case.free])
def test_worthless_places_are_not_taken(choose) -> None:  # type: ignore[no-untyped-def]
    """A place of no worth, of negative worth or that is not eligible is never taken."""
    assert choose(case([0.0, -0.25, NAN])) == [[]]


@pytest.mark.parametrize("choose", [Case.one, Case.greedy, Case.free])
def test_no_coupons_allowed(choose) -> None:  # type: ignore[no-untyped-def]
    """A user who may have none gets none."""
    assert choose(case([1.0, 2.0], most=0)) == [[]]


def test_greedy_fails_where_families_overlap() -> None:
    """A coupon in conflict with two others can be worth less than both: only the search sees that."""
    path = case([0.5, 0.75, 0.5], most=2, conflicts=[(0, 1), (1, 2)])
    assert path.greedy() == [[1]]
    assert path.free() == [[0, 2]]


def test_money_is_summed_as_fsum_does() -> None:
    """Costs are rounded once: 0.1 + 0.2 + 0.3 keeps a cap of 0.6, and 0.1 + 0.4 + 0.2 breaks one of 0.7."""
    assert 0.1 + 0.2 + 0.3 > 0.6
    assert case([1.0, 1.0, 1.0], most=3, cost=[0.1, 0.2, 0.3], money=0.6).free() == [[0, 1, 2]]
    assert 0.1 + 0.4 + 0.2 == 0.7
    assert math.fsum([0.1, 0.4, 0.2]) > 0.7
    assert case([3.0, 2.0, 1.0], most=3, cost=[0.1, 0.4, 0.2], money=0.7).free() == [[0, 1]]


def test_a_place_is_taken_for_its_negative_cost() -> None:
    """A coupon worth less than nothing is taken where its negative cost makes room for a better one."""
    # The first costs 2 and is worth 1; with the second, which costs −1, both keep the cap of 1.
    assert case([1.0, -0.25], most=2, cost=[2.0, -1.0], money=1.0).free() == [[0, 1]]
    assert case([1.0, -1.5], most=2, cost=[2.0, -1.0], money=1.0).free() == [[]]


def test_shortlists_conflict_by_coupon_and_not_by_place() -> None:
    """Conflicts speak of coupons: on a shortlist places 0 and 1 hold coupons 5 and 2."""
    conflicts = np.zeros((6, 6), bool)
    conflicts[2, 5] = conflicts[5, 2] = True
    listed = Case(
        np.array([[1.0, 0.5, 0.25]]),
        np.array([2], np.int32),
        conflicts,
        np.array([[5, 2, 0]], np.int32),
        np.zeros((1, 3)),
        INF,
    )
    assert listed.greedy() == listed.free() == [[0, 2]]


# --------------------------------------------------------------- scoring and tallying

CLASSES = np.array([0, 1], np.int32)
TABLE = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])


def test_scores_start_from_count_and_value() -> None:
    """A pair starts with its class's entries for its coupon, and is NaN where value is."""
    score = np.empty((2, 3))
    value = np.array([[0.5, NAN, 0.5], [0.5, 0.5, 0.5]])
    scoring.start_scores(score, value, CLASSES, NO_LIST, True, TABLE, 2 * TABLE)
    assert np.array_equal(score, [[2, NAN, 6], [20, 40, 60]], equal_nan=True)


def test_scores_of_a_shortlist_follow_its_coupons() -> None:
    """On a shortlist the entries are those of the coupon which stands there; an empty place is NaN."""
    score = np.empty((2, 2))
    coupon = np.array([[2, -1], [0, 1]], np.int32)
    scoring.start_scores(score, np.ones((2, 2)), CLASSES, coupon, False, TABLE, TABLE)
    assert np.array_equal(score, [[6, NAN], [20, 40]], equal_nan=True)
    scoring.add_measure(score, np.ones((2, 2)), CLASSES, coupon, False, TABLE)
    assert np.array_equal(score, [[9, NAN], [30, 60]], equal_nan=True)


@pytest.mark.parametrize(
    ("add", "expected"),
    [(scoring.add_measure, [[-1, NAN], [8, 6]]), (scoring.add_size, [[3, NAN], [12, 6]])],
)
def test_a_measure_is_added_with_its_table(add, expected: list[list[float]]) -> None:  # type: ignore[no-untyped-def]
    """Table times measure is added, or the size of it, and a pair that is not eligible stays so."""
    score = np.array([[1.0, NAN], [10.0, 6.0]])
    measure = np.array([[-2.0, 3.0], [-0.25, 0.0]], np.float32)
    table = np.array([[1.0, 5.0], [8.0, 7.0]])
    add(score, measure, CLASSES, NO_LIST, True, table)
    assert np.array_equal(score, expected, equal_nan=True)


def test_single_precision_measures_are_not_rounded_again() -> None:
    """A float32 measure is multiplied in float64, so that the bound and the plan see one number."""
    score = np.zeros((1, 1))
    scoring.add_measure(score, np.array([[0.1]], np.float32), CLASSES[:1], NO_LIST, True, np.array([[1 / 3]]))
    assert score[0, 0] == float(np.float32(0.1)) * (1 / 3)


def test_tally_by_class_and_coupon() -> None:
    """Chosen pairs are summed and counted where their class and coupon meet."""
    taken = marks([0, 1], [0], [1])
    coupon = np.array([[2, 0], [0, 1], [1, 2]], np.int32)
    classes = np.array([0, 1, 1], np.int32)
    measure = np.array([[0.5, 0.25], [1.0, NAN], [NAN, 4.0]])
    total, count = np.zeros((2, 3)), np.zeros((2, 3))
    tallying.tally(taken, measure, classes, coupon, False, total)
    tallying.tally_count(taken, classes, coupon, False, count)
    assert total.tolist() == [[0.25, 0, 0.5], [1, 0, 4]]
    assert count.tolist() == [[1, 0, 1], [1, 0, 1]]


def test_total_keeps_what_rounding_would_lose() -> None:
    """The sum and its compensation together hold 1e16 + 1 − 1e16 + 1 = 2, which a plain sum takes for 1."""
    score = np.array([[1e16, 1.0], [-1e16, 1.0]])
    high, low = tallying.best_total(score, marks([0, 1], [0, 1]))
    assert high + low == 2.0
    assert 1e16 + 1.0 - 1e16 + 1.0 == 1.0


def test_sums_in_twice_the_precision() -> None:
    """High and low part together are what math.fsum finds: 1e16 + 1 + 1 − 1e16 is 2."""
    taken, classes = marks([0], [0], [0], [0], most=1), np.zeros(4, np.int32)
    measure = np.array([[1e16], [1.0], [1.0], [-1e16]])
    high, low = np.zeros((1, 1)), np.zeros((1, 1))
    tallying.tally_exactly(taken, measure, classes, NO_LIST, True, high, low)
    assert high[0, 0] + low[0, 0] == 2.0
    assert math.fsum(measure[:, 0]) == 2.0


def test_challenge_lowers_what_is_taken_and_raises_the_others() -> None:
    """In the worst case of a box what is taken scores as badly and the others as well as it allows."""
    score = np.array([[1.0, 2.0, NAN]])
    choosing.challenge(score, np.array([[0.25, 0.5, NAN]]), np.zeros(1), marks([1]))
    assert np.array_equal(score, [[1.25, 1.5, NAN]], equal_nan=True)


def test_scores_that_can_move_are_challenged_by_their_rounding_too() -> None:
    """A slack widens every radius but that of nothing: what cannot move is computed alike everywhere."""
    score = np.array([[1.0, 2.0, 3.0]])
    choosing.challenge(score, np.array([[0.25, 0.5, 0.0]]), np.array([0.125]), marks([1]))
    assert score.tolist() == [[1.375, 2.0 - 0.625, 3.0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_largest_sizes_are_of_eligible_pairs(dtype: type[np.floating]) -> None:
    """The largest |measure| where value is a number, 0 where it never is, whatever the signs."""
    bits = np.int32 if dtype == np.float32 else np.int64
    cost = np.array([[-2.0, 9.0], [0.5, -0.25], [3.0, 3.0]], dtype)
    value = np.array([[-1.0, NAN], [1.0, 0.0], [NAN, -NAN]], dtype)
    largest = np.empty(3, bits)
    infinite = np.array(np.inf, dtype).view(bits)[()]
    scoring.largest_bits(cost.view(bits), value.view(bits), bits(np.iinfo(bits).max), infinite, largest)
    assert largest.view(dtype).tolist() == [2.0, 0.5, 0.0]


def test_sums_of_twice_the_precision_are_added() -> None:
    """1e16 + 1 and −1e16 + 1 make 2, though neither is a double."""
    high, low = np.array([[1e16]]), np.array([[1.0]])
    tallying.add_exactly(high, low, np.array([[-1e16]]), np.array([[1.0]]))
    assert high[0, 0] + low[0, 0] == 2.0


def test_users_whose_sets_differ() -> None:
    """A user is undecided as soon as one place differs; the order of places does not matter."""
    undecided = np.empty(5, bool)
    choosing.differ(marks([0], [], [0, 1], [1, 0], [0]), marks([0], [1], [1], [0, 1], []), undecided)
    assert undecided.tolist() == [False, True, True, False, True]


def exchanged(one: Case, taken: np.ndarray, width: float) -> list[tuple[int, int, int, float]]:
    """Return user, place that leaves, place that enters, and loss of every exchange."""
    room = one.score.size + taken.size
    user, leaving, entering = (np.empty(room, np.int32) for _ in range(3))
    loss = np.empty(room)
    n = exchanging.exchanges(
        one.score, taken, one.most, *one._list(), one.conflicts, width, user, leaving, entering, loss
    )
    return [(int(user[e]), int(leaving[e]), int(entering[e]), float(loss[e])) for e in range(n)]


def test_exchanges_of_single_coupons() -> None:
    """A user drops the coupon, changes it for another of some worth, or takes one that is nearly worth it."""
    users = case([1.0, 0.75, -0.25], [-0.25, -0.5, NAN])
    found = exchanged(users, marks([0], [], most=1), 0.4)
    assert found == [(0, 0, 1, 0.25), (1, -1, 0, 0.25)]
    assert (0, 0, -1, 1.0) in exchanged(users, marks([0], [], most=1), 1.5)


def test_exchanges_of_sets() -> None:
    """A full user gives up the weakest, one in conflict gives up what it clashes with, others just add."""
    full = exchanged(case([1.0, 0.5, 0.25], most=2), marks([0, 1]), 0.3)
    assert full == [(0, 1, 2, 0.25)]
    clash = exchanged(case([1.0, 0.5, 0.75], most=2, conflicts=[(0, 2)]), marks([0, 1]), 0.3)
    assert clash == [(0, 0, 2, 0.25)]
    room = exchanged(case([1.0, -0.125], most=2), marks([0]), 0.3)
    assert room == [(0, -1, 1, 0.125)]


@DRAWN
@given(cases(families=True, money=False))
def test_exchanges_are_allowed_and_lose_what_they_say(drawn: Case) -> None:
    """After an exchange the user has an allowed set, worth as much less as its loss."""
    taken = drawn._taken()
    choosing.choose_greedy(drawn.score, drawn.most, *drawn._list(), drawn.conflicts, taken)
    before = lists(taken)
    for user, leaving, entering, loss in exchanged(drawn, taken, 10.0):
        after = sorted((set(before[user]) - {leaving}) | ({entering} - {-1}))
        assert drawn.allowed(user, tuple(after))
        lost = math.fsum(drawn.score[user, before[user]]) - math.fsum(drawn.score[user, after])
        assert loss == pytest.approx(lost, abs=1e-12)


def test_second_moments_of_two_exchanges() -> None:
    """Σ weight · d dᵀ over demands: of class 0, A for B changes the cost by 3 − 1 and the count of A by 1."""
    # Demands: cost of all coupons for everybody; count of A in class 0; count in class 1.
    sums = np.zeros((3, 3))
    moments.second_moments(
        np.array([0, 1], np.int32),
        np.array([0, 1], np.int32),  # A enters; B enters
        np.array([1, -1], np.int32),  # B leaves; nothing leaves
        np.array([[3.0, 2.0], [1.0, 1.0]]),
        np.array([[1.0, 9.0], [1.0, 1.0]]),
        np.array([0.5, 2.0]),
        np.array([0, 1, 1]),
        np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]),
        np.array([[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]]),
        np.array([0, 2, 4]),
        np.array([0, 1, 0, 2]),
        sums,
    )
    # d of the first is (2, 1, 0), of the second (2, 0, 1).
    whole = sums + np.tril(sums, -1).T
    assert whole.tolist() == [[10, 1, 4], [1, 0.5, 0], [4, 0, 2]]
