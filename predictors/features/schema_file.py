"""A small TOML file that says what the columns of a log and of its menu are.

::

    [columns]                      # of the log: features of the user
    zip = "category"
    spend = { kind = "money", missing = "mean", clip = [0.01, 0.99] }
    visits = { missing = "interpolate", time = "since" }
    joined = { format = "%d/%m/%Y" }
    face_value = "coupon"          # describes the coupon given
    note = "ignore"

    [attributes]                   # of the menu
    brand = { kind = "category", unseen = "refuse" }
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from couponry.instances.errors import InputError, did_you_mean
from couponry.predictors.features.choices import Choice, choices_of

__all__ = ["SchemaFile", "read_schema"]

_PARTS = ("columns", "attributes")


class SchemaFile(TypedDict):
    """What a schema file says; the arguments of :func:`~couponry.predictors.train.train` of these names."""

    columns: dict[str, Choice]
    attributes: dict[str, Choice]


def read_schema(path: str | Path) -> SchemaFile:
    """Read a schema file.

    Returns
    -------
    SchemaFile
        To be handed on: ``train(log, **read_schema("schema.toml"))``.

    Raises
    ------
    InputError
        If the file is not there, is no TOML, or says something unknown.
    """
    file = Path(path)
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError("there is no such file", file=file, mend="Check the path") from error
    except (OSError, ValueError) as error:
        raise InputError(f"the file cannot be read as TOML: {error}", file=file, mend="Correct it") from error
    for part, table in content.items():
        if part not in _PARTS:
            raise InputError(
                "unknown part of a schema", file=file, value=part, mend=did_you_mean(part, _PARTS)
            )
        if not isinstance(table, Mapping):
            raise InputError(
                "this part is a table", file=file, column=part, value=table, mend=f"Write [{part}]"
            )
    try:
        return SchemaFile(
            columns=choices_of(content.get("columns")), attributes=choices_of(content.get("attributes"))
        )
    except InputError as error:
        raise error.located(file=file) from None
