"""The page on logs and their columns."""

import json
import re
from pathlib import Path

import pandas as pd
from tests.docs.pages import ROOT

from couponry.predictors.features.cells import read_cells
from couponry.predictors.features.written import MISSING

PAGE = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")


def test_the_words_for_missing_are_those_of_the_page() -> None:
    """All that count as gaps are listed, and no other."""
    listed = re.search(r"\n    (-  --  .*)\n", PAGE)
    assert listed is not None
    assert {word.lower() for word in listed[1].split()} == MISSING - {""}


def test_the_lists_of_the_page_are_read(tmp_path: Path) -> None:
    """The cell that it shows of a CSV file is the list that it shows, and pandas writes it so."""
    cell = re.search(r'`("\[""view.*?)`', PAGE)
    assert cell is not None
    pd.DataFrame({"browse": [json.dumps(["view", "cart"])]}).to_csv(tmp_path / "log.csv", index=False)
    assert (tmp_path / "log.csv").read_text() == f"browse\n{cell[1]}\n"
    read = read_cells("browse", pd.read_csv(tmp_path / "log.csv")["browse"], "events")
    assert read.tolist() == [["view", "cart"]]
