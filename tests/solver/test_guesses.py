"""What is guessed of a budget's prices, on a budget and a stock whose prices are set by hand."""

from __future__ import annotations

import numpy as np
import pytest
from tests.instances.small import four_users

from couponry.instances import Budget
from couponry.solver.guesses import FIRST_ERROR, LEAST_ERROR, Guesses
from couponry.solver.prices import PriceBook, Tables


@pytest.fixture
def book() -> PriceBook:
    """Return the book of A's stock, B's minimum and a budget."""
    return PriceBook(four_users(Budget(amount=4)).program)


@pytest.fixture
def error(book: PriceBook) -> Tables:
    """Return an error of a sample of half a unit of price wherever there is one."""
    return {m: 0.5 * np.abs(table) for m, table in book.changes(np.ones(3)).items()}


def prices(budget: float, stock: float = 0.0) -> np.ndarray:
    """Return multipliers."""
    return np.array([stock, 0.0, budget])


def test_the_first_guess_is_the_sample_with_its_last_error(book: PriceBook, error: Tables) -> None:
    """Where everybody's price was 2 and the sample's 2.5, the sample's 2.25 says 1.75."""
    guesses = Guesses()
    assert not guesses
    guesses.know(10.0, prices(2.0), prices(2.5))
    assert guesses
    guess = guesses.next(11.0, prices(2.25), book, error)
    assert guess.multipliers == pytest.approx(prices(1.75, 0.0))
    assert guess.off == FIRST_ERROR


def test_prices_on_a_line_are_guessed_ever_more_surely(book: PriceBook, error: Tables) -> None:
    """Prices fall by 0.1 a unit of money, the sample's by chance: straight on is exact, at any distance."""
    guesses, chance = Guesses(), [0.02, -0.03, 0.05, -0.02, 0.01, 0.04, -0.05, 0.03]
    for amount, off in enumerate(chance):
        exact = prices(2.0 - 0.1 * amount)
        guesses.learn(float(amount), exact + off, exact, book, error) if guesses else guesses.know(
            float(amount), exact, exact + off
        )
    guess = guesses.next(9.0, prices(2.0 - 0.9), book, error)  # two steps on
    assert guess.multipliers == pytest.approx(prices(1.1, 0.0))
    assert LEAST_ERROR <= guess.off < FIRST_ERROR


def test_where_the_sample_turns_it_is_followed(book: PriceBook, error: Tables) -> None:
    """A line of prices ends where the stock runs out: the sample sees that, what went before does not."""
    guesses = Guesses()
    guesses.know(0.0, prices(2.0), prices(2.0))
    for amount in (1.0, 2.0, 3.0, 4.0):
        exact = prices(2.0 - 0.1 * amount)
        guesses.learn(amount, exact, exact, book, error)
    guess = guesses.next(5.0, prices(0.6, 0.9), book, error)
    assert guess.multipliers == pytest.approx(prices(0.6, 0.9))


def test_no_price_changes_its_side_and_none_comes_of_the_sample_s_error(
    book: PriceBook, error: Tables
) -> None:
    """A price that would fall below nought stops there; one that only the sample has is not believed."""
    guesses = Guesses()
    guesses.know(0.0, prices(0.3), prices(0.3, 0.2))
    guesses.learn(1.0, prices(0.1, 0.2), prices(0.1), book, error)
    guess = guesses.next(2.0, prices(-0.1, 0.25), book, error)
    assert guess.multipliers == pytest.approx(prices(0.0, 0.0))


def test_the_same_budget_twice_is_no_line(book: PriceBook, error: Tables) -> None:
    """Two equal amounts have no slope: the corrected sample is the guess."""
    guesses = Guesses()
    guesses.know(5.0, prices(1.0), prices(1.0))
    guesses.learn(5.0, prices(1.0), prices(1.0), book, error)
    assert guesses.next(6.0, prices(0.9), book, error).multipliers == pytest.approx(prices(0.9, 0.0))
