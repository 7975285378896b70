"""Campaign and rules as text: the file ``instance.toml``, and rules files of the same form.

A file holds ``[campaign]``, and a table for each rule: ``[[budget]]``, ``[[coverage]]`` and so on;
``[user_cap]``, ``[keep]`` and ``[freeze]``, of which there is one, are written with single brackets.
Rules are read kind by kind, in the order in which the kinds first appear.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import pyarrow as pa
import tomli_w

from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.plan import read_plan
from couponry.instances.rules import SINGLE, Campaign, Freeze, Keep, Rule
from couponry.instances.source import Source

__all__ = ["RULE_KINDS", "parse_rules", "read_rules", "rules_to_toml"]

RULE_KINDS: Mapping[str, type[Rule]] = {model.kind: model for model in get_args(Rule)}

Model = TypeVar("Model", Campaign, Rule)


def read_rules(path: str | Path, *, plans: bool = True) -> tuple[Campaign, tuple[Rule, ...]]:
    """Read a campaign and its rules.

    Parameters
    ----------
    path : str or Path
        A TOML file; an fsspec URL is taken too. The plan of a ``[keep]`` or ``[freeze]`` is looked
        for beside it, and read.
    plans : bool
        False leaves such a plan on disk, and the rule with its whole path.

    Raises
    ------
    InputError
        If the file is not there, is not TOML, or has an unknown key or a value that cannot be.
    """
    source = Source(path)
    try:
        document = tomllib.loads(source.read_text())
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"not TOML: {error}", file=str(source), mend="Correct the line") from error
    try:
        campaign, rules = parse_rules(document)
        return campaign, tuple(_with_plan(rule, source.parent, read=plans) for rule in rules)
    except InputError as error:
        raise error.located(file=str(source)) from error.__cause__


def parse_rules(document: Mapping[str, Any]) -> tuple[Campaign, tuple[Rule, ...]]:
    """Make a campaign and rules of what a rules file holds.

    Parameters
    ----------
    document : mapping
        Kind of rule → one table or a list of tables; ``campaign`` → a table.

    Raises
    ------
    InputError
        If there is an unknown key or a value that cannot be; ``row`` says in which entry.
    """
    rules: list[Rule] = []
    for kind, given in document.items():
        if kind == "campaign":
            continue
        if kind not in RULE_KINDS:
            raise InputError("unknown key", column=kind, mend=did_you_mean(kind, ["campaign", *RULE_KINDS]))
        entries = given if isinstance(given, list) else [given]
        for number, entry in enumerate(entries, 1):
            name = f"[[{kind}]] {number}" if isinstance(given, list) else f"[{kind}]"
            rules.append(_made(RULE_KINDS[kind], entry, name))
    return _made(Campaign, document.get("campaign", {}), "[campaign]"), tuple(rules)


def rules_to_toml(campaign: Campaign, rules: Sequence[Rule]) -> str:
    """Return a campaign and its rules as the text of a rules file.

    Raises
    ------
    InputError
        If a Keep or Freeze holds its plan as a table and not as the name of a file.
    """
    parts = [_table("[campaign]", _campaign_keys(campaign))]
    for kind in dict.fromkeys(rule.kind for rule in rules):
        ours = [rule for rule in rules if rule.kind == kind]
        header = f"[{kind}]" if kind in SINGLE and len(ours) == 1 else f"[[{kind}]]"
        parts += [_table(header, _rule_keys(rule)) for rule in ours]
    return "\n".join(parts)


def _made(model: type[Model], entry: object, name: str) -> Model:
    if not isinstance(entry, Mapping):
        raise InputError(
            "must be a table",
            row=name,
            value=entry,
            mend=f"Keys of a {model.kind}: {', '.join(model.model_fields)}",
        )
    try:
        return model.model_validate(entry)
    except InputError as error:
        raise error.located(row=name) from None


def _with_plan(rule: Rule, beside: Source, *, read: bool) -> Rule:
    if not isinstance(rule, Keep | Freeze) or not isinstance(rule.plan, str):
        return rule
    file = str(beside.child(rule.plan))
    return rule.model_copy(update={"plan": read_plan(file) if read else file})


def _campaign_keys(campaign: Campaign) -> dict[str, object]:
    turned = {"minimise": campaign.objective} if campaign.sense == "minimise" else campaign.objective
    return {"name": campaign.name, "currency": campaign.currency, "objective": turned}


def _rule_keys(rule: Rule) -> dict[str, object]:
    keys = {name: getattr(rule, name) for name in type(rule).model_fields}
    if isinstance(keys.get("plan"), pa.Table):
        raise InputError(
            "the earlier plan is a table, and a rules file names a file",
            row=f"[{rule.kind}]",
            column="plan",
            mend="Write the plan with write_plan and give the rule its path, or write the whole instance",
        )
    return {name: value for name, value in keys.items() if value is not None}


def _table(header: str, keys: Mapping[str, object]) -> str:
    return "\n".join([header, *(f"{_key(key)} = {_value(value)}" for key, value in keys.items())]) + "\n"


def _key(key: str) -> str:
    return tomli_w.dumps({key: 0}).removesuffix(" = 0\n")


def _value(value: object) -> str:
    """Write a value on one line; tomli_w gives lists and tables several."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").removesuffix("\n")
