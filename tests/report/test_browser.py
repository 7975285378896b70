"""The page in a real browser: nothing is fetched, nothing overflows."""

from __future__ import annotations

import functools
import html as escaping
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, Protocol

import pytest

WIDTHS = (390, 768, 1280)
CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="no Chromium here: install it (apt-get install chromium) or name it in CHROMIUM",
    ),
]

# A page that holds the report at several widths, and writes down what it measures there.
WRAPPER = """<!doctype html><meta charset="utf-8"><pre id="measured"></pre>
%(frames)s
<script>
addEventListener("load", () => {
  const measure = frame => {
    const page = frame.contentDocument, root = page.documentElement, width = root.clientWidth;
    const shown = element => element.getClientRects().length > 0;
    const clipped = [...page.querySelectorAll("h1, h2, h3, p, dt, dd, svg, .bar, .chip")]
      .filter(element => shown(element) && !element.closest(".scroll"))
      .filter(element => element.getBoundingClientRect().right > width + 1)
      .map(element => element.outerHTML.slice(0, 80));
    return {
      width, scrolled: root.scrollWidth, clipped,
      fetched: frame.contentWindow.performance.getEntriesByType("resource").map(entry => entry.name),
      charts: [...page.querySelectorAll("svg")].filter(shown).length,
      sections: [...page.querySelectorAll("section")].map(s => [s.id, s.getBoundingClientRect().height]),
      scripted: page.body.textContent.includes("alert('x')") && frame.contentWindow.alerted === undefined,
      font: parseFloat(getComputedStyle(page.body).fontSize),
    };
  };
  const frames = [...document.querySelectorAll("iframe")];
  document.getElementById("measured").textContent = JSON.stringify(frames.map(measure));
});
</script>"""


class Reported(Protocol):
    """A report on disk."""

    html: str


class Recorder(http.server.SimpleHTTPRequestHandler):
    """Serves a directory and notes what was asked for."""

    asked: list[str]

    def do_GET(self) -> None:
        """Serve a file, and note it."""
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def visit(
    reported: Reported, contradiction: Reported, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Open both reports at each width, without the page's own ban on loading; return what was measured."""
    folder = tmp_path_factory.mktemp("browser")
    names = {"plan": reported, "clash": contradiction}
    for name, report in names.items():
        page, lifted = re.subn(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", report.html)
        assert lifted == 1
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    frames = [(name, width) for name in names for width in WIDTHS]
    (folder / "wrapper.html").write_text(
        WRAPPER
        % {
            "frames": "".join(
                f'<iframe src="{name}.html" style="border:0;width:{width}px;height:900px"></iframe>'
                for name, width in frames
            )
        }
    )
    asked: list[str] = []
    with _serving(folder, asked) as address:
        measured = json.loads(_opened(f"{address}/wrapper.html", folder / "profile"))
    return {"asked": asked, "frames": dict(zip(frames, measured, strict=True))}


class _serving:
    """Serve a folder on this machine while the block runs."""

    def __init__(self, folder: Path, asked: list[str]) -> None:
        handler = type("Handler", (Recorder,), {"asked": asked})
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(handler, directory=str(folder))
        )

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def _opened(address: str, profile: Path) -> str:
    """Return what the wrapper wrote."""
    assert CHROMIUM is not None
    switches = (
        "headless no-sandbox disable-gpu no-first-run disable-background-networking disable-component-update"
    )
    done = subprocess.run(
        [
            CHROMIUM,
            *(f"--{switch}" for switch in f"{switches} disable-sync disable-dev-shm-usage dump-dom".split()),
            f"--user-data-dir={profile}",
            "--window-size=1400,1000",
            address,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = re.search(r'<pre id="measured">(.+?)</pre>', done.stdout, flags=re.S)
    assert found, done.stderr[-2000:]
    return escaping.unescape(found.group(1))


def test_nothing_is_fetched(visit: dict[str, Any]) -> None:
    """Even where it is allowed to, the page asks for nothing but itself."""
    pages = {path for path in visit["asked"] if path != "/favicon.ico"}
    assert pages == {"/wrapper.html", "/plan.html", "/clash.html"}
    for measured in visit["frames"].values():
        assert measured["fetched"] == []


@pytest.mark.parametrize("name", ["plan", "clash"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_overflows(visit: dict[str, Any], name: str, width: int) -> None:
    """From phone to desktop the page does not scroll sideways, and nothing is cut off."""
    measured = visit["frames"][name, width]
    assert width - 20 <= measured["width"] <= width
    assert measured["scrolled"] <= measured["width"]
    assert measured["clipped"] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_every_section_is_seen(visit: dict[str, Any], width: int) -> None:
    """Each section has a height, and each chart is shown once, in one of its two sizes."""
    measured = visit["frames"]["plan", width]
    assert {name for name, _ in measured["sections"]} >= {
        "budget",
        "frontier",
        "rules",
        "coupons",
        "segments",
    }
    assert all(height > 60 for _, height in measured["sections"])
    assert measured["charts"] == 6
    assert measured["font"] == 16


def test_hostile_names_do_nothing(visit: dict[str, Any]) -> None:
    """A coupon called like a script is read as text."""
    assert visit["frames"]["plan", 390]["scripted"]
