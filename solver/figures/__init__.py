"""Figures of frontiers and comparisons, drawn with matplotlib, which is imported when one is drawn."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from couponry.instances.errors import InputError, require_extra
from couponry.solver.words import Figures, objective_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Figure  # the type of what is drawn, for others to name

    from couponry.solver.frontier import Frontier
    from couponry.solver.scenario import Comparison

__all__ = ["check_figure_place", "comparison_figure", "frontier_figure", "write_figure"]

INK, MUTED, LINE, ACCENT, WARM = "#1f2933", "#5f6b7a", "#d9dee5", "#1f6fb2", "#c2571a"
SUFFIXES = (".png", ".svg", ".pdf")
_SETTINGS: Any = {
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": LINE,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": LINE,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "couponry",
    "text.parse_math": False,
}


def frontier_figure(found: Frontier) -> Figure:
    """Draw the best objective against the budget, and below it what one more unit of money wins.

    Parameters
    ----------
    found : Frontier
        With at least one budget that has a plan.

    Raises
    ------
    InputError
        If no budget has a plan.
    MissingExtraError
        If matplotlib is not installed.
    """
    table = found.table[found.table["value"].notna()]
    if not len(table):
        raise InputError("no budget of this frontier has a plan to draw", mend="Try larger budgets")
    with _settings():
        figure = _new_figure((8, 6.4))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        _draw_curve(above, found)
        _draw_marginal(below, found)
        _label_money(below.xaxis)
        below.set_xlabel(f"{found.name}, {found.unit}" if found.unit else found.name)
        return figure


def comparison_figure(found: Comparison) -> Figure:
    """Draw what each scenario reaches, its proven bound, and its change beside the first.

    Parameters
    ----------
    found : Comparison

    Raises
    ------
    InputError
        If no scenario has a plan.
    MissingExtraError
        If matplotlib is not installed.
    """
    table = found.table
    if not table["value"].notna().any():
        raise InputError("no scenario has a plan to draw", mend="Mend the rules that clash")
    campaign = found.scenarios[0].instance.campaign
    numbers = Figures(campaign.currency)
    place, values = np.arange(len(table))[::-1], table["value"].to_numpy()
    with _settings():
        figure = _new_figure((8, 1.4 + 0.5 * len(table)))
        axes = figure.subplots()
        axes.barh(place, np.nan_to_num(values), height=0.6, color=[WARM, *[ACCENT] * (len(table) - 1)])
        bounds = table["bound"].where(table["value"].notna() & np.isfinite(table["bound"]))
        axes.plot(
            bounds, place, linestyle="none", marker="|", markersize=16, color=INK, label="best possible"
        )
        for row, at in zip(table.to_dict("records"), place, strict=True):
            _annotate_bar(axes, row, float(at), numbers, campaign.objective)
        axes.set_yticks(place, [textwrap.fill(str(name), 28) for name in table["scenario"]])
        axes.tick_params(axis="y", labelcolor=INK, length=0)
        axes.grid(visible=False, axis="y")
        axes.margins(x=0.28)
        if np.nanmin(values) >= 0:
            axes.set_xlim(left=0)
        _label_money(axes.xaxis)
        axes.set_xlabel(_objective_label(campaign.objective, campaign.currency))
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
        return figure


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure aside and rename it; the name's ending says the format.

    Raises
    ------
    InputError
        If the ending is none of .png, .svg and .pdf.
    """
    from couponry.instances.atomic import write_file

    with write_file(path) as aside, _settings():
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(aside, format=path.suffix[1:], dpi=150, metadata=metadata)


def check_figure_place(path: Path, *, force: bool) -> None:
    """Refuse a name that says no format, a place that holds something, and a missing matplotlib.

    Raises
    ------
    InputError, MissingExtraError
    """
    from couponry.instances.atomic import check_free

    if path.suffix not in SUFFIXES:
        raise InputError(
            "the name must say what kind of figure to write",
            file=path,
            value=path.suffix,
            mend=f"End it in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}",
        )
    check_free(path, force=force)
    require_extra("matplotlib", "report")


def _draw_curve(axes: Axes, found: Frontier) -> None:
    table = found.table[found.table["value"].notna()]
    tried = table["budget"].to_numpy(np.float64)
    dense = np.unique(np.concatenate([np.linspace(tried[0], tried[-1], 400), tried]))
    bound = [found.bound_at(b) for b in dense]
    if not len(found.lines):  # nothing is proven between the budgets
        dense, bound = tried, table["bound"].tolist()
    axes.plot(dense, bound, color=MUTED, linewidth=1, label="no plan can do better")
    axes.plot(table["budget"], table["value"], color=ACCENT, marker="o", markersize=4, label="plans found")
    if found.budget >= table["budget"].iloc[0]:
        axes.axvline(found.budget, color=WARM, linewidth=1.5, linestyle=(0, (4, 3)), label="present budget")
    if found.knee is not None:
        at = table[table["budget"] == found.knee].iloc[0]
        axes.plot(at["budget"], at["value"], "o", markersize=11, markerfacecolor="none", color=INK)
        axes.annotate(
            "knee", (at["budget"], at["value"]), xytext=(10, -16), textcoords="offset points", color=INK
        )
    axes.set_ylabel(_objective_label(found.objective, found.currency))
    _label_money(axes.yaxis)
    axes.legend(loc="best")


def _draw_marginal(axes: Axes, found: Frontier) -> None:
    """Draw the price at each budget, and between two budgets what the difference of their plans says."""
    table = found.table[found.table["value"].notna()]
    axes.plot(table["budget"], table["price"], color=ACCENT, marker="o", markersize=4, label="price")
    edges = table["budget"].to_numpy()
    if len(edges) > 1:
        axes.stairs(
            table["marginal"].to_numpy()[1:], edges, baseline=None, color=WARM, label="difference of plans"
        )
    axes.set_ylabel("one more unit wins" if found.sense > 0 else "one more unit saves")
    axes.set_ylim(bottom=min(0.0, float(np.nanmin(table["price"]))))
    axes.legend(loc="upper right")


def _annotate_bar(axes: Axes, row: dict[Any, Any], at: float, numbers: Figures, objective: str) -> None:
    if math.isnan(row["value"]):
        axes.annotate("no plan", (0, at), xytext=(6, 0), textcoords="offset points", va="center", color=WARM)
        return
    text = numbers.measure(objective, row["value"])
    if row["change"] and not math.isnan(row["change_share"]):
        percent = 100 * row["change_share"]
        told = f"{percent:+.1f}" if abs(percent) >= 0.1 else f"{percent:+.1g}"
        text += f"  ({told} %)".replace("-", "−")
    end = max(row["value"], row["bound"] if math.isfinite(row["bound"]) else row["value"])
    axes.annotate(text, (max(0.0, end), at), xytext=(8, 0), textcoords="offset points", va="center")


def _objective_label(objective: str, currency: str) -> str:
    words = objective_words(objective).capitalize()
    return f"{words}, {currency}" if objective in ("cost", "revenue") and currency else words


def _new_figure(size: tuple[float, float]) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def _settings() -> Any:
    return require_extra("matplotlib", "report").rc_context(_SETTINGS)


def _label_money(axis: Any) -> None:
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}".replace("-", "−")))
