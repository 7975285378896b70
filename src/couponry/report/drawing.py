"""From a matplotlib figure to an SVG that lives in a page.

Colours are placeholders until the SVG is written; then they become the page's own custom properties, so a
chart follows light, dark and print without being drawn twice. Text stays text, in the page's font.
"""

from __future__ import annotations

import io
import re
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ACCENT", "GRID", "INK", "MUTED", "SURFACE", "WARM", "Chart", "draw"]

# Never shown: each stands for a custom property of the page's style.
INK, MUTED, GRID, ACCENT, WARM, SURFACE = "#010101", "#020202", "#030303", "#040404", "#050505", "#060606"
_PROPERTIES = {INK: "ink", MUTED: "muted", GRID: "line", ACCENT: "accent", WARM: "warm", SURFACE: "surface"}

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_WIDE, _NARROW = (900, 370), (350, 280)
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.labelsize": "medium",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": GRID,
    "grid.linewidth": 1,
    "xtick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.color": GRID,
    "ytick.labelcolor": MUTED,
    "ytick.major.size": 0,
    "lines.linewidth": 2,
    "lines.markersize": 7,
    "legend.frameon": False,
    "legend.fontsize": "medium",
}
_DRAWING = threading.Lock()  # matplotlib's settings belong to the process


@dataclass(frozen=True)
class Chart:
    """One chart, drawn for wide and for narrow screens.

    Attributes
    ----------
    wide, narrow : str
        SVG elements without any reference outside themselves.
    """

    wide: str
    narrow: str


def draw(name: str, words: str, plot: Callable[[Axes, bool], None], *, height: int | None = None) -> Chart:
    """Draw a chart twice, for wide and for narrow screens.

    Parameters
    ----------
    name : str
        Unique within the page.
    words : str
        What the chart shows, for those who do not see it.
    plot : callable
        Given the axes and whether the screen is narrow.
    height : int, optional
        In pixels, for both.
    """
    return Chart(
        wide=_draw(f"{name}-wide", words, plot, False, (_WIDE[0], height or _WIDE[1])),
        narrow=_draw(f"{name}-narrow", words, plot, True, (_NARROW[0], height or _NARROW[1])),
    )


def _draw(
    name: str, words: str, plot: Callable[[Axes, bool], None], narrow: bool, size: tuple[int, int]
) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings = _SETTINGS | {"svg.hashsalt": name, "font.size": 12 if narrow else 13}
    with _DRAWING, mpl.rc_context(settings), warnings.catch_warnings():
        # The page's own fonts draw the text; matplotlib only measures it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(size[0] / 72, size[1] / 72), layout="constrained")
        plot(figure.subplots(), narrow)
        return _themed(_svg(figure), name, words)


def _svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    return buffer.getvalue()


def _themed(svg: bytes, name: str, words: str) -> str:
    """Return the SVG for a page: sized by its container, named, in the page's colours and font."""
    root = ET.fromstring(svg)
    for parent in root.iter():
        for child in list(parent):
            if child.tag == f"{_SVG}style":
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        if _HREF in element.attrib:
            element.set("href", element.attrib.pop(_HREF))
        if element.tag == "g":
            element.attrib.pop("id", None)
        if "style" in element.attrib:
            element.set("style", _restyled(element.attrib["style"]))
    for key in ("width", "height", "id", "version"):
        root.attrib.pop(key, None)
    root.attrib |= {"role": "img", "aria-label": words, "class": name}
    return ET.tostring(root, encoding="unicode")


def _restyled(style: str) -> str:
    style = re.sub(r"font-family:[^;]*;?\s*", "", style)
    style = re.sub(r"font: (\S*\s)*?([\d.]+px)[^;]*", r"font-size: \2", style)
    return re.sub(r"#0[1-6]0[1-6]0[1-6]", lambda match: f"var(--{_PROPERTIES[match.group()]})", style)
