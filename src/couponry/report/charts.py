"""The charts of the report."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.report.drawing import ACCENT, INK, MUTED, SURFACE, WARM, Chart, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["TWO_SIDED_95", "decile_chart", "frontier_chart", "gain_chart", "policy_chart"]

Floats = npt.NDArray[np.float64]
Style = Callable[[float], str]
TWO_SIDED_95 = 1.959964


def frontier_chart(
    table: pd.DataFrame, here: tuple[float, float] | None, what: str, name: str, styles: tuple[Style, Style]
) -> Chart:
    """Draw the best objective against the budget, with the present budget marked.

    Parameters
    ----------
    table : DataFrame
        ``budget, value, bound``, rising in the budget.
    here : (budget, value) or None
        The present plan.
    what : str
        The objective in words.
    name : str
        What the budget is called, with its unit.
    styles : (callable, callable)
        Texts of a budget and of the objective.
    """
    amount, reached = styles

    def plot(axes: Axes, narrow: bool) -> None:
        axes.fill_between(
            table["budget"], table["value"], table["bound"], color=ACCENT, alpha=0.25, linewidth=0
        )
        axes.plot(table["budget"], table["value"], color=ACCENT, marker="o", markersize=4)
        if here is not None:
            axes.axvline(here[0], color=WARM, linewidth=1.5, linestyle=(0, (4, 3)))
            axes.plot(
                *here, color=WARM, marker="o", markersize=9, markeredgecolor=SURFACE, markeredgewidth=1.5
            )
            middle = (table["budget"].min() + table["budget"].max()) / 2
            right = here[0] > middle
            axes.annotate(
                "present budget",
                here,
                xytext=(-12 if right else 12, -20),
                textcoords="offset points",
                ha="right" if right else "left",
                color=WARM,
            )
        if table["value"].min() >= 0:
            axes.set_ylim(bottom=0)
        axes.set_xlabel(name)
        axes.set_ylabel(what.capitalize())
        _plain_ticks(axes, narrow)

    first, last = table.iloc[0], table.iloc[-1]
    words = (
        f"Best {what} by budget: {reached(first['value'])} at {amount(first['budget'])}, "
        f"then to {reached(last['value'])} at {amount(last['budget'])}."
    )
    return draw("frontier", words, plot)


def decile_chart(name: str, table: pd.DataFrame) -> Chart:
    """Draw predicted and observed uplift by bin, highest prediction first, with 95 % intervals.

    Parameters
    ----------
    name : str
        Unique within the page.
    table : DataFrame
        ``bin, predicted, observed, standard_error``; uplifts as shares.
    """

    def plot(axes: Axes, narrow: bool) -> None:
        place = np.arange(1, len(table) + 1)
        axes.axhline(0, color=MUTED, linewidth=1)
        _intervals(axes, place + 0.08, table["observed"], table["standard_error"], "observed")
        axes.plot(
            place - 0.08,
            100 * table["predicted"],
            color=ACCENT,
            marker="D",
            linestyle="none",
            label="predicted",
        )
        axes.set_xticks(place)
        axes.grid(visible=False, axis="x")
        axes.set_xlabel(
            "Tenth of users, highest prediction first" if len(table) == 10 else "Group, highest first"
        )
        axes.set_ylabel("More conversions per 100")
        _legend_above(axes)

    inside = (table["predicted"] - table["observed"]).abs() <= TWO_SIDED_95 * table["standard_error"]
    words = (
        f"Predicted against observed uplift in {len(table)} groups: in {int(inside.sum())} of them the "
        "prediction lies within the 95 % interval of what was observed."
    )
    return draw(name, words, plot)


def chosen_chart(table: pd.DataFrame) -> Chart:
    """Draw predicted and realised uplift of the plan's pairs by predicted value, with 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        ``predicted, realised, standard_error``; shares, highest prediction first.
    """

    def plot(axes: Axes, narrow: bool) -> None:
        predicted = 100 * table["predicted"]
        ends = [min(0.0, float(predicted.min())), float(predicted.max()) * 1.08]
        axes.plot(ends, ends, color=MUTED, linestyle=(0, (4, 3)), linewidth=1.5, label="as predicted")
        _intervals(axes, predicted, table["realised"], table["standard_error"], "realised")
        axes.axhline(0, color=MUTED, linewidth=1)
        axes.set_xlabel("Predicted: more conversions per 100 chosen pairs")
        axes.set_ylabel("Realised per 100")
        _plain_ticks(axes, narrow)
        _legend_above(axes)

    inside = (table["predicted"] - table["realised"]).abs() <= TWO_SIDED_95 * table["standard_error"]
    words = (
        f"Predicted against realised uplift of the chosen pairs in {len(table)} groups: {int(inside.sum())} "
        "of them lie within the 95 % interval of what was predicted."
    )
    return draw("chosen", words, plot)


def gain_chart(share: Floats, gain: Floats, error: Floats) -> Chart:
    """Draw what is won as more users are given a coupon, against a random order.

    Parameters
    ----------
    share : ndarray of float64, shape (m,)
        Of users, from 0 to 1.
    gain, error : ndarray of float64, shape (m,)
        Conversions won per 1,000 users, and their standard errors.
    """

    def plot(axes: Axes, narrow: bool) -> None:
        percent, spread = 100 * share, TWO_SIDED_95 * error
        axes.fill_between(percent, gain - spread, gain + spread, color=ACCENT, alpha=0.18, linewidth=0)
        axes.plot(
            [0, 100],
            [0, gain[-1]],
            color=MUTED,
            linestyle=(0, (4, 3)),
            linewidth=1.5,
            label="random order",
        )
        axes.plot(percent, gain, color=ACCENT, marker="o", markersize=4, label="by predicted uplift")
        axes.set_xlabel("Users given a coupon, %")
        axes.set_ylabel("Conversions won per 1,000 users")
        _plain_ticks(axes, narrow)
        _legend_above(axes)

    best = int(gain.argmax())
    words = (
        "Conversions won as more users are given a coupon, highest predicted uplift first: at most "
        f"{gain[best]:,.3g} per 1,000 users, with {share[best]:.0%} of them; {gain[-1]:,.3g} with all."
    )
    return draw("gain", words, plot)


def policy_chart(table: pd.DataFrame, value: str, error: str, scale: float, unit: str) -> Chart:
    """Draw each policy's value with its 95 % interval, the first one set off from the rest."""

    def plot(axes: Axes, narrow: bool) -> None:
        rows = table[::-1].reset_index(drop=True)
        for place, (middle, spread) in enumerate(zip(rows[value], rows[error], strict=True)):
            own = place == len(rows) - 1
            axes.errorbar(
                scale * middle,
                place,
                xerr=scale * TWO_SIDED_95 * spread,
                color=ACCENT if own else MUTED,
                marker="o",
                capsize=3,
                elinewidth=1.5,
            )
        axes.set_yticks(range(len(rows)), [_wrapped(str(name), narrow) for name in rows["policy"]])
        axes.tick_params(axis="y", labelcolor=INK)
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(unit)
        _few_ticks(axes.xaxis, narrow)

    best = table["policy"].iloc[int(table[value].argmax())]
    words = f"Value of {len(table)} policies with 95 % intervals; the highest estimate is that of {best}."
    return draw("policies", words, plot, height=90 + 44 * len(table))


def _plain_ticks(axes: Axes, narrow: bool) -> None:
    from matplotlib.ticker import FuncFormatter

    for axis in (axes.xaxis, axes.yaxis):
        _few_ticks(axis, narrow)
        axis.set_major_formatter(FuncFormatter(_tick))


def _few_ticks(axis: object, narrow: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(4 if narrow else 7))  # type: ignore[attr-defined]


def _tick(value: float, _position: int) -> str:
    text = f"{value:,.10g}" if abs(value) < 1e6 else f"{value / 1e6:,.10g} M"
    return text.replace("-", "−")


def _intervals(
    axes: Axes, place: npt.ArrayLike, share: pd.Series, standard_error: pd.Series, word: str
) -> None:
    """Draw shares as points per 100 with their 95 % intervals."""
    axes.errorbar(
        place,
        100 * share,
        yerr=100 * TWO_SIDED_95 * standard_error,
        color=WARM,
        marker="o",
        linestyle="none",
        elinewidth=1.5,
        capsize=3,
        label=f"{word}, 95 % interval",
    )


def _legend_above(axes: Axes) -> None:
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=2,
        borderaxespad=0.2,
        handletextpad=0.4,
        columnspacing=1.2,
    )


def _wrapped(text: str, narrow: bool) -> str:
    """Return a name on so few lines that names do not touch."""
    lines = textwrap.wrap(text, 18 if narrow else 34, max_lines=3 if narrow else 2, placeholder=" …")
    return "\n".join(lines)
