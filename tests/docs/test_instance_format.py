"""docs/instance_format.md: its example is an instance, and its errors are what one gets."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.docs.pages import ROOT, blocks

import couponry as cp
from couponry.instances.instance_toml import RULE_KINDS, read_rules

PAGE = ROOT / "docs" / "instance_format.md"
FILES = {block.name: block.text for block in blocks(PAGE, "csv")}
RULES = [block.text for block in blocks(PAGE, "toml")]
# The first two blocks show the head of a file; those that follow can stand in one file.
ALL_RULES = "\n".join(RULES[2:])


def write(folder: Path, rules: str, **changed: str) -> None:
    """Write the example with these rules, some files changed."""
    folder.mkdir(exist_ok=True)
    for name, text in {**FILES, "instance.toml": rules, **changed}.items():
        (folder / name).write_text(text, encoding="utf-8")


def changes() -> list[tuple[str, str, str, str]]:
    """Return what the page's block of errors says: file, old text, new text, message."""
    found = []
    for entry in blocks(PAGE, "errors")[0].text.strip().split("\n\n"):
        change, message = entry.split("\n  ")
        file, _, texts = change.partition(": ")
        old, _, new = texts.partition(" → ")
        found.append((file, old, new, message))
    return found


@pytest.mark.parametrize("rules", [*RULES, ALL_RULES], ids=[*map(str, range(len(RULES))), "all"])
def test_the_example_has_a_plan(tmp_path: Path, rules: str) -> None:
    """The example directory has an optimal plan that keeps its rules, with each block alone and with all."""
    write(tmp_path / "campaign", rules)
    instance = cp.read_instance(tmp_path / "campaign")
    solution = cp.solve(instance)
    assert solution.status.value == "optimal"
    assert cp.verify(instance, solution.plan).ok


def test_every_kind_of_rule_and_every_key_is_told(tmp_path: Path) -> None:
    """The page shows each of the ten kinds, and names every key that they know."""
    write(tmp_path, ALL_RULES)
    assert {rule.kind for rule in read_rules(tmp_path / "instance.toml")[1]} == set(RULE_KINDS)
    text = PAGE.read_text(encoding="utf-8")
    for kind, model in RULE_KINDS.items():
        for key in model.model_fields:
            assert f"`{key}`" in text or f"\n{key} = " in text, f"{kind}: {key}"


@pytest.mark.parametrize(("file", "old", "new", "message"), changes())
def test_errors_read_as_the_page_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str, message: str
) -> None:
    """One change of the example gives the message that stands on the page, word for word."""
    monkeypatch.chdir(tmp_path)
    whole = {**FILES, "instance.toml": ALL_RULES}[file]
    assert old in whole
    write(Path("campaign"), ALL_RULES)
    (Path("campaign") / file).write_text(whole.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(cp.InputError) as caught:
        cp.solve(cp.read_instance("campaign"))
    assert str(caught.value) == message


def test_python_on_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's Python runs in a folder with the example."""
    monkeypatch.chdir(tmp_path)
    write(Path("campaign"), ALL_RULES)
    for block in blocks(PAGE, "python"):
        exec(compile(block.text, str(PAGE), "exec"), {})
    assert len(list(Path("campaign-sharded/users").glob("part-*.parquet"))) == 3
