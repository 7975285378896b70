"""Rows, prices and limits in words that finance and planners use."""

from __future__ import annotations

import math

from couponry.instances.program import Program
from couponry.instances.rows import COUNT, Risk, Row

__all__ = ["amount", "measure_noun", "objective_noun", "price_words", "risk_words"]


def measure_noun(measure: str, currency: str) -> str:
    """Return what a sum of a measure is called."""
    return {
        "value": "conversions",
        "cost": f"{currency or 'money'} of cost",
        "revenue": f"{currency or 'money'} of revenue",
        "count": "coupons",
        "kept": "pairs kept",
        "liability": f"{currency or 'money'} of face value",
        "cost_variance": "variance of cost",
    }.get(measure, measure)


def objective_noun(program: Program, currency: str) -> str:
    """Return what the objective counts."""
    return measure_noun(program.objective, currency)


def amount(number: float) -> str:
    """Return a number as a person writes it: thousands apart, four figures that matter."""
    if not math.isfinite(number):
        return "no limit"
    if number == int(number) and abs(number) < 1e15:
        return f"{int(number):,}"
    digits = max(0, 3 - math.floor(math.log10(abs(number)))) if number else 0
    return f"{number:,.{min(digits, 12)}f}"


def price_words(row: Row, program: Program, activity: float, multiplier: float, currency: str) -> str:
    """Return what a row's limit is worth, as a sentence.

    Parameters
    ----------
    activity, multiplier : float
        In the row's own scale.
    """
    noun = objective_noun(program, currency)
    unit = row.unit
    if multiplier == 0:
        return _room(row, activity)
    side, limit = ("limit", row.upper) if multiplier > 0 else ("floor", row.lower)
    step = _step(abs(multiplier) * unit, abs(limit / unit))
    effect = amount(abs(multiplier) * unit * step)
    what = _unit_words(row, currency)
    wins = f"wins {effect} {noun}" if program.sense > 0 else f"saves {effect} {noun}"
    less = "fewer" if row.measure == COUNT else "less"
    change = f"{amount(step)} {'more' if multiplier > 0 else less}"
    return f"{change} on the {side} of {amount(limit / unit)} {what} {wins}".replace("  ", " ")


def risk_words(risk: Risk, expected: float, deviation: float, currency: str) -> str:
    """Return what is expected of a random spend and how far it may stray, as the end of a sentence."""
    noun = measure_noun("cost", currency)
    return (
        f"; {amount(expected)} {noun} expected, standard deviation {amount(deviation)}, "
        f"overspent with a probability of at most {risk.probability:g}"
    )


def _room(row: Row, activity: float) -> str:
    rooms = []
    if math.isfinite(row.upper):
        rooms.append(f"{amount((row.upper - activity) / row.unit)} below its limit")
    if math.isfinite(row.lower):
        rooms.append(f"{amount((activity - row.lower) / row.unit)} above its floor")
    return "costs nothing now: " + " and ".join(rooms)


def _unit_words(row: Row, currency: str) -> str:
    if row.kind == "parity":
        return "per head"
    if row.kind == "return_floor":
        return f"{currency or 'money'} of return"
    return measure_noun(row.measure, currency)


def _step(effect: float, limit: float) -> float:
    """Return the power of ten of units whose effect is worth reading, at most about a tenth of the limit.

    Parameters
    ----------
    effect, limit : float
        What one unit is worth, and the side's present value; both at least 0.
    """
    readable = 10.0 ** -math.floor(math.log10(effect))
    modest = 10.0 ** math.floor(math.log10(limit / 5)) if limit > 0 else readable
    return min(readable, modest)
