"""A schema in a file."""

import pytest

from couponry.instances.errors import InputError
from couponry.predictors.features.choices import Choice
from couponry.predictors.features.schema_file import read_schema


def test_a_file_says_what_columns_are(tmp_path):
    """Kinds in one word, choices as tables, and the menu's columns."""
    (tmp_path / "schema.toml").write_text(
        '[columns]\nzip = "category"\nspend = { kind = "money", missing = "mean", clip = [0.01, 0.99] }\n'
        '[attributes]\nbrand = { unseen = "refuse" }\n'
    )
    assert read_schema(tmp_path / "schema.toml") == {
        "columns": {"zip": Choice("category"), "spend": Choice("money", "mean", clip=(0.01, 0.99))},
        "attributes": {"brand": Choice(unseen="refuse")},
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("columns = [", "the file cannot be read as TOML"),
        ("[column]", r"unknown part of a schema \(got 'column'\). Did you mean 'columns'"),
        ("columns = 3", "column 'columns': this part is a table"),
        ('[columns]\nzip = "catgory"', r"column 'zip': unknown kind of feature \(got 'catgory'\)"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path, text, words):
    """The message begins with the file."""
    (tmp_path / "schema.toml").write_text(text)
    with pytest.raises(InputError, match=rf"schema.toml.*{words}"):
        read_schema(tmp_path / "schema.toml")
    with pytest.raises(InputError, match=r"gone.toml: there is no such file"):
        read_schema(tmp_path / "gone.toml")
