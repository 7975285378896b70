"""Drawn users that stand nowhere."""

from pathlib import Path

import numpy as np

from couponry.instances.drawn.asked import DEFAULT_SEGMENTS, Asked
from couponry.instances.drawn.recipe import BLOCK
from couponry.instances.drawn.virtual import VirtualShards
from couponry.instances.drawn.write import write_recipe
from couponry.instances.shards import Shards
from couponry.instances.source import Source

USERS = BLOCK + 1000


def test_virtual_users_are_those_on_disk(tmp_path: Path) -> None:
    """Two blocks drawn again hold the ids and numbers that were written; so does the second alone."""
    recipe = Asked(USERS, 3, 5, dict(DEFAULT_SEGMENTS), ("budget",), 0.25, None, 1.0).recipe()
    write_recipe(recipe, tmp_path / "a", shard_rows=50_000)
    virtual, written = VirtualShards(recipe), Shards(Source(tmp_path / "a" / "users"))
    assert (virtual.n_users, virtual.places) == (written.n_users, written.places) == (USERS, 3)
    assert dict(virtual.lists) == dict(written.lists)
    assert virtual.schema.names == written.schema.names
    columns = ["user_id", "region", "value"]
    held = list(written.read(columns))
    value = np.concatenate([part.lists["value"] for part in held])
    ids = [user for part in held for user in part.table["user_id"].to_pylist()]
    drawn = list(virtual.read(columns))
    np.testing.assert_array_equal(np.concatenate([part.lists["value"] for part in drawn]), value)
    assert [user for part in drawn for user in part.table["user_id"].to_pylist()] == ids
    (second,) = virtual.read(columns, [(BLOCK + 5, BLOCK + 6)])
    assert second.first == BLOCK
    np.testing.assert_array_equal(second.lists["value"], value[BLOCK:])


def test_some_of_the_first_users_alone() -> None:
    """Of two blocks the first 1,500 users: one part, cut off."""
    recipe = Asked(USERS, 3, 5, dict(DEFAULT_SEGMENTS), ("budget",), 0.25, None, 1.0).recipe()
    parts = list(VirtualShards(recipe, 1500).read(["value"]))
    assert [len(part) for part in parts] == [1500]
