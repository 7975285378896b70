"""Figures: what is drawn is what was found, and files are of the kind that their name says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from tests.instances.small import four_users

from couponry.instances import Budget, Campaign, ExistsError, InputError, MissingExtraError, Target
from couponry.solver.figures import check_figure_place, write_figure
from couponry.solver.frontier import Frontier, frontier
from couponry.solver.scenario import Comparison, Scenario, compare


def curve() -> Frontier:
    """Return the frontier of the four users from 1 to 8 units, of which 1 has no plan."""
    return frontier(four_users(Budget(amount=4), campaign=Campaign(currency="CNY")), range(1, 9))


def scenarios() -> Comparison:
    """Return three scenarios, the last without a plan."""
    base = Scenario(four_users(Budget(amount=4), campaign=Campaign(currency="CNY")))
    return compare([base, base.edit("budget 3"), base.edit("with target at_least = 9")])


def texts(figure: Any) -> set[str]:
    """Return every text of a figure."""
    from matplotlib.text import Text

    return {text.get_text() for text in figure.findobj(Text)}


def test_a_frontier_is_drawn_with_its_bound_knee_and_marginals() -> None:
    """Points are the plans; the bound is above them all; steps are the differences; the knee is marked."""
    found = curve()
    above: Any
    below: Any
    above, below = found.figure().axes
    lines = {line.get_label(): line for line in above.lines}
    planned = found.table[found.table["value"].notna()]
    assert lines["plans found"].get_xdata().tolist() == planned["budget"].tolist()
    assert lines["plans found"].get_ydata().tolist() == planned["value"].tolist()
    bound = dict(zip(*lines["no plan can do better"].get_data(), strict=True))
    assert all(bound[row.budget] >= row.value - 1e-9 for row in planned.itertuples())
    assert lines["present budget"].get_xdata() == [4, 4]
    assert below.lines[0].get_ydata().tolist() == planned["price"].tolist()
    assert below.patches[0].get_data().values.tolist() == planned["marginal"].tolist()[1:]
    assert {"knee", "budget, CNY", "Conversions won", "one more unit wins"} <= texts(found.figure())


def test_a_frontier_of_one_budget_is_drawn() -> None:
    """A single point has no differences and no knee, and a frontier without plans nothing to draw."""
    instance = four_users(Budget(amount=4, measure="count"))
    figure = frontier(instance, [3]).figure()
    assert "budget, count" in texts(figure)
    assert "knee" not in texts(figure)
    with pytest.raises(InputError, match="no budget of this frontier has a plan to draw"):
        frontier(four_users(Budget(amount=1)), [0.5]).figure()


def test_a_comparison_is_drawn_with_changes_and_what_has_no_plan() -> None:
    """One bar a scenario, its change beside it, and "no plan" where there is none."""
    found = scenarios()
    figure = found.figure()
    bars: Any = figure.axes[0].patches
    assert [bar.get_width() for bar in bars] == pytest.approx([1.1, 0.9, 0])
    assert {"as it stands", "budget 3", "no plan", "1.1", "0.9  (−18.2 %)"} <= texts(figure)


def test_a_comparison_of_money_names_it() -> None:
    """Where cost is minimised the axis is money; without any plan there is nothing to draw."""
    base = Scenario(
        four_users(
            Target(at_least=0.9), campaign=Campaign(objective="cost", sense="minimise", currency="CNY")
        )
    )
    assert {"Expected cost, CNY", "3 CNY"} <= texts(compare([base]).figure())
    impossible = Scenario(four_users(Target(at_least=9)))
    with pytest.raises(InputError, match="no scenario has a plan to draw"):
        compare([impossible]).figure()


@pytest.mark.parametrize(("name", "head"), [("f.png", b"\x89PNG"), ("f.svg", b"<?xml"), ("f.pdf", b"%PDF")])
def test_files_are_of_the_kind_of_their_name(tmp_path: Path, name: str, head: bytes) -> None:
    """PNG, SVG and PDF are written, the same picture as the same bytes for SVG."""
    write_figure(curve().figure(), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(head)
    if name.endswith("svg"):
        write_figure(curve().figure(), tmp_path / "again.svg")
        assert (tmp_path / "again.svg").read_bytes() == (tmp_path / name).read_bytes()


def test_places_are_checked_before_any_work(tmp_path: Path) -> None:
    """A name of no known kind, and a file that stands there, are refused."""
    with pytest.raises(InputError) as caught:
        check_figure_place(tmp_path / "f.docx", force=False)
    assert str(caught.value).endswith(
        "the name must say what kind of figure to write (got '.docx'). End it in .png, .svg or .pdf"
    )
    (tmp_path / "f.png").write_text("mine")
    with pytest.raises(ExistsError):
        check_figure_place(tmp_path / "f.png", force=False)
    check_figure_place(tmp_path / "f.png", force=True)


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where matplotlib is not installed, one learns what to install."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"matplotlib is not installed. .*couponry\[report\]"):
        curve().figure()
