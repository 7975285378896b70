"""Write a drawn instance of any size: block by block, so that memory does not grow with the users."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow.parquet as pq

from couponry.instances.atomic import write_directory
from couponry.instances.coupons import Coupons
from couponry.instances.drawn.asked import DEFAULT_RULES, DEFAULT_SEGMENTS, Asked
from couponry.instances.drawn.makers import earlier_plan
from couponry.instances.drawn.recipe import Block, Recipe
from couponry.instances.errors import InputError
from couponry.instances.instance_toml import rules_to_toml
from couponry.instances.menu_file import write_coupons
from couponry.instances.parquet_files import parquet_writer
from couponry.instances.progress import Progress, Report
from couponry.instances.rules import Keep
from couponry.instances.users_files import ShardWriter

__all__ = ["write_drawn", "write_recipe"]


def write_drawn(
    path: str | Path,
    users: int,
    coupons: int,
    *,
    rules: Iterable[str] = DEFAULT_RULES,
    seed: int = 0,
    segments: Mapping[str, int] | None = None,
    budget_share: float = 0.25,
    shortlist: int | None = None,
    eligible: float = 1.0,
    shard_rows: int = 1_000_000,
    force: bool = False,
    progress: Report | None = None,
) -> None:
    """Draw an instance that has a plan straight to disk, in memory that does not grow with the users.

    The numbers differ from those of :func:`couponry.instances.generators.draw_instance` with the same seed,
    which draws all users from one stream; these are drawn block by block, each from its own, and do not
    depend on ``shard_rows``.

    Parameters
    ----------
    path : str or Path
        A directory.
    users, coupons, rules, seed, segments, budget_share, shortlist, eligible
        As in :func:`couponry.instances.generators.draw_instance`.
    shard_rows : int
        Most users a file.
    force : bool
        Overwrite what is there.
    progress : callable, optional
        Told of every block.

    Raises
    ------
    ExistsError
        If ``path`` holds something and ``force`` is not given.
    InputError
        If an argument is out of range, or nothing can be written there.
    """
    asked = Asked(
        users=users,
        coupons=coupons,
        seed=seed,
        segments=DEFAULT_SEGMENTS if segments is None else dict(segments),
        rules=tuple(dict.fromkeys(rules)),
        budget_share=budget_share,
        shortlist=shortlist,
        eligible=eligible,
    )
    write_recipe(asked.recipe(), path, shard_rows=shard_rows, force=force, progress=progress)


def write_recipe(
    recipe: Recipe,
    path: str | Path,
    *,
    shard_rows: int = 1_000_000,
    force: bool = False,
    progress: Report | None = None,
) -> None:
    """Write what a recipe draws; the other arguments are those of :func:`write_drawn`.

    Rules come last: they are made of sums over a reference plan, which are known once every block is drawn.

    Raises
    ------
    ExistsError
        If ``path`` holds something and ``force`` is not given.
    InputError
        If ``shard_rows`` is below 1, or nothing can be written there.
    """
    if shard_rows < 1:
        raise InputError("a shard holds at least one user", parameter="shard_rows", value=shard_rows)
    with write_directory(path, kind="instance", force=force) as folder:
        (folder / "users").mkdir()
        plan = recipe.attained()
        keeps = _PlanWriter(folder / "keep.parquet", recipe.menu.table["coupon_id"]) if recipe.keep else None
        with ShardWriter(folder / "users", users=recipe.users, shard_rows=shard_rows) as shards:
            for number, block in enumerate(recipe.drawn(), 1):
                shards.add(block.users, block.response)
                plan.add(block.plan, block.codes)
                if keeps is not None:
                    keeps.add(block)
                if progress is not None:
                    progress(Progress("drawing", number, recipe.blocks))
        rules = recipe.rules(plan)
        if keeps is not None:
            keeps.close()
            rules = (*rules, Keep(plan="keep.parquet", share=recipe.keep))
        (folder / "instance.toml").write_text(rules_to_toml(recipe.campaign, rules), encoding="utf-8")
        write_coupons(Coupons(recipe.stocked_menu(plan)), folder)


class _PlanWriter:
    """Writes the earlier plan block by block."""

    def __init__(self, file: Path, coupons: Iterable[str]) -> None:
        self.file, self.coupons = file, list(coupons)
        self.writer: pq.ParquetWriter | None = None

    def add(self, block: Block) -> None:
        """Write the pairs of a block."""
        table = earlier_plan(block.plan, block.users.ids, self.coupons)
        if self.writer is None:
            self.writer = parquet_writer(self.file, table.schema)
        self.writer.write_table(table)

    def close(self) -> None:
        """End the file."""
        if self.writer is not None:
            self.writer.close()
