"""Instances on disk.

A directory holds ``instance.toml`` (campaign, objective, rules), ``coupons.csv`` or ``coupons.parquet`` (the
menu), and the users with their responses in one of two forms:

- ``users/part-*.parquet``: one row a user, one list a measure; what couponry writes itself;
- ``responses.csv`` or ``responses.parquet``: the long table ``user_id, coupon_id, value, cost[, revenue]``,
  with segments in ``users.csv`` or ``users.parquet`` where rules speak of them.

A long table alone is an instance too: its coupons are the menu, and it has no rules.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa

from couponry.instances.atomic import write_directory
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.instance import Instance
from couponry.instances.instance_toml import read_rules, rules_to_toml
from couponry.instances.long_table import read_long_table
from couponry.instances.menu_file import read_coupons, write_coupons
from couponry.instances.parquet_files import write_parquet
from couponry.instances.plan import plan_source, read_plan
from couponry.instances.population import Population
from couponry.instances.rows import COUNT
from couponry.instances.rules import Campaign, Freeze, Keep, Rule
from couponry.instances.source import Source
from couponry.instances.tables import choose_file
from couponry.instances.users_files import read_shards, write_shards

__all__ = ["read_head", "read_instance", "read_rules", "rules_to_toml", "with_plan_file", "write_instance"]


def read_instance(path: str | Path) -> Instance:
    """Read an instance, and check that its parts fit each other.

    Parameters
    ----------
    path : str or Path
        A directory, the ``instance.toml`` in it, or a long table. fsspec URLs are taken too.

    Raises
    ------
    InputError
        On anything that cannot be used; it names the file, the row, the column, the value and the mend.
    """
    source = Source(path)
    if source.is_dir():
        return _read_directory(source)
    if source.is_file() and source.suffix == ".toml":
        return _read_directory(source.parent)
    if source.is_file():
        coupons, population = read_long_table(source)
        return _joined(coupons, population, Campaign(), (), source)
    raise InputError(
        "there is no such instance",
        file=str(source),
        mend="Give a directory with instance.toml, or a long table user_id, coupon_id, value, cost",
    )


def write_instance(
    instance: Instance, path: str | Path, force: bool = False, *, shard_rows: int = 1_000_000
) -> None:
    """Write an instance as a directory, all of it or nothing.

    Parameters
    ----------
    instance : Instance
    path : str or Path
        A local place.
    force : bool
        Overwrite what is there.
    shard_rows : int
        Most users a file.

    Raises
    ------
    ExistsError
        If ``path`` holds something and ``force`` is not given.
    InputError
        If the instance cannot be written.
    """
    if shard_rows < 1:
        raise InputError("a shard holds at least one user", parameter="shard_rows", value=shard_rows)
    with write_directory(path, kind="instance", force=force) as folder:
        rules = tuple(with_plan_file(rule, number, folder) for number, rule in enumerate(instance.rules))
        text = rules_to_toml(instance.campaign, rules)
        (folder / "instance.toml").write_text(text, encoding="utf-8")
        write_coupons(instance.coupons, folder)
        (folder / "users").mkdir()
        write_shards(instance.users, instance.response, folder / "users", shard_rows)


def _read_directory(directory: Source) -> Instance:
    campaign, rules, coupons = read_head(directory)
    population = _read_population(directory, coupons)
    return _joined(coupons, population, campaign, rules, directory.child("instance.toml"))


def read_head(directory: Source, *, plans: bool = True) -> tuple[Campaign, tuple[Rule, ...], Coupons]:
    """Read the campaign, the rules and the menu of a directory, but no users; without ``plans`` no plans.

    Raises
    ------
    InputError
        If ``instance.toml`` or the menu is missing or cannot be used.
    """
    toml = directory.child("instance.toml")
    if not toml.is_file():
        raise InputError(
            "there is no instance.toml here",
            file=str(directory),
            mend=f"An empty one means no rules; found: {', '.join(directory.names()) or 'nothing'}",
        )
    campaign, rules = read_rules(str(toml), plans=plans)
    menu = choose_file(directory, "coupons")
    if menu is None:
        raise InputError(
            "there is no menu here",
            file=str(directory),
            mend="Add coupons.csv or coupons.parquet with a column coupon_id",
        )
    return campaign, rules, read_coupons(menu)


def _read_population(directory: Source, coupons: Coupons) -> Population:
    shards, responses = directory.child("users"), choose_file(directory, "responses")
    if shards.is_dir() and responses is not None:
        raise InputError(
            f"both users/ and {responses.name} are here",
            file=str(directory),
            mend="Remove the one out of date",
        )
    if shards.is_dir():
        return read_shards(shards)
    if responses is not None:
        return read_long_table(responses, coupons, choose_file(directory, "users"))[1]
    raise InputError(
        "there are no responses here",
        file=str(directory),
        mend="Add users/part-*.parquet, or responses.csv or responses.parquet",
    )


def _joined(
    coupons: Coupons, population: Population, campaign: Campaign, rules: tuple[Rule, ...], toml: Source
) -> Instance:
    """Return the instance of these parts; what does not fit is told of the file where it is mended."""
    if campaign.objective != COUNT:
        try:
            population.response.measure(campaign.objective)
        except InputError as error:
            raise InputError(
                "the responses have no such measure",
                file=str(toml),
                row="[campaign]",
                column="objective",
                value=campaign.objective,
                mend=error.mend,
            ) from None
    try:
        instance = Instance(coupons, population.users, population.response, rules, campaign)
    except InputError as error:
        raise population.origin.placed(error) from None
    try:
        instance.program  # noqa: B018  # compiled now, so that a rule which names nothing is refused with its file
    except InputError as error:
        raise (
            population.origin.placed(error) if isinstance(error.row, int) else error.located(file=str(toml))
        ) from None
    return instance


def with_plan_file(rule: Rule, number: int, folder: Path) -> Rule:
    """Return a Keep or Freeze whose plan is written to a file of the directory, and other rules as they are.

    A Parquet file is copied as it is: it may be larger than memory.
    """
    if not isinstance(rule, Keep | Freeze):
        return rule
    file = folder / f"{rule.kind}.parquet"
    if file.exists():
        file = folder / f"{rule.kind}-{number}.parquet"
    source = plan_source(rule.plan) if isinstance(rule.plan, str) else None
    if source is not None and source.suffix == ".parquet":
        with source.open() as former, file.open("wb") as copy:
            shutil.copyfileobj(former, copy)
    else:
        write_parquet(rule.plan if isinstance(rule.plan, pa.Table) else read_plan(rule.plan), file)
    return rule.model_copy(update={"plan": file.name})
