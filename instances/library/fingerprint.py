"""What an instance is, in 16 letters: a hash of its numbers, its groups, its menu and its rules.

Each column is hashed by itself, so it does not matter in which blocks or shards the users come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from couponry.instances.drawn.makers import earlier_plan
from couponry.instances.drawn.recipe import Recipe
from couponry.instances.instance import Instance
from couponry.instances.instance_toml import rules_to_toml
from couponry.instances.response import Response
from couponry.instances.rules import Campaign, Keep, Rule
from couponry.instances.users import Users

__all__ = ["Fingerprint", "fingerprint", "recipe_fingerprint"]

LETTERS = 16


class Fingerprint:
    """Hashes an instance part by part."""

    def __init__(self) -> None:
        self._columns: dict[str, hashlib._Hash] = {}

    def add_users(self, users: Users, response: Response) -> None:
        """Hash some users: segments, measures, shortlists."""
        for name in users.scalar_names:
            self._add_text(f"users.{name}", users.table[name])
        for name, array in response.measures.items():
            self._add_numbers(f"response.{name}", array)
        if response.coupon is not None:
            self._add_numbers("response.coupon", response.coupon)

    def add_plan(self, plan: pa.Table) -> None:
        """Hash some pairs of an earlier plan."""
        for name in ("user_id", "coupon_id"):
            self._add_text(f"keep.{name}", plan[name])

    def finish(self, menu: pd.DataFrame, rules: Sequence[Rule], campaign: Campaign) -> str:
        """Hash menu and rules, and return the fingerprint."""
        for name in menu.columns:
            column = menu[name]
            if pd.api.types.is_numeric_dtype(column):
                self._add_numbers(f"menu.{name}", column.to_numpy(np.float64))
            else:
                self._add_text(f"menu.{name}", pa.chunked_array([pa.array(column.astype(str), pa.string())]))
        plain = [Keep(plan="", share=rule.share) if isinstance(rule, Keep) else rule for rule in rules]
        self._column("rules").update(rules_to_toml(campaign, plain).encode())
        return _joined({name: column.hexdigest() for name, column in self._columns.items()})

    def _column(self, name: str) -> hashlib._Hash:
        return self._columns.setdefault(name, hashlib.sha256())

    def _add_numbers(self, name: str, array: np.ndarray) -> None:
        little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
        if np.issubdtype(array.dtype, np.floating):
            little = np.where(np.isnan(little), little.dtype.type(np.nan), little)  # one NaN for all
        self._column(f"{name} {array.dtype.name}").update(np.ascontiguousarray(little).data)

    def _add_text(self, name: str, column: pa.ChunkedArray) -> None:
        """Hash letters and lengths, each for itself: where one block ends must not show."""
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        for chunk in column.cast(pa.large_string()).chunks:
            _, ends, letters = chunk.buffers()
            span = np.frombuffer(ends, np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
            if letters is not None:
                self._column(f"{name} letters").update(memoryview(letters)[span[0] : span[-1]])
            self._column(f"{name} lengths").update(np.diff(span).astype("<i8").data)


def fingerprint(instance: Instance) -> str:
    """Return the fingerprint of an instance, drawn or read."""
    found = Fingerprint()
    found.add_users(instance.users, instance.response)
    for rule in instance.rules:
        if isinstance(rule, Keep) and isinstance(rule.plan, pa.Table):
            found.add_plan(rule.plan)
    return found.finish(instance.coupons.table, instance.rules, instance.campaign)


def recipe_fingerprint(recipe: Recipe) -> str:
    """Return the fingerprint of what a recipe draws, without holding more than a block of it."""
    found, plan = Fingerprint(), recipe.attained()
    for block in recipe.drawn():
        found.add_users(block.users, block.response)
        plan.add(block.plan, block.codes)
        if recipe.keep:
            found.add_plan(earlier_plan(block.plan, block.users.ids, list(recipe.menu.table["coupon_id"])))
    rules = recipe.rules(plan)
    if recipe.keep:
        rules = (*rules, Keep(plan="", share=recipe.keep))
    return found.finish(recipe.stocked_menu(plan), rules, recipe.campaign)


def _joined(columns: Mapping[str, str]) -> str:
    text = "\n".join(f"{name} {columns[name]}" for name in sorted(columns))
    return hashlib.sha256(text.encode()).hexdigest()[:LETTERS]
