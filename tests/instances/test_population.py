"""From a row among all users back to the row of a file."""

import pytest

from couponry.instances import InputError
from couponry.instances.population import Origin
from couponry.instances.source import Source

SHARDS = Origin((Source("users/a.parquet"), Source("users/b.parquet"), Source("users/c.parquet")), (0, 3, 3))


@pytest.mark.parametrize(
    ("row", "place"),
    [(0, "a.parquet, row 0"), (2, "a.parquet, row 2"), (3, "c.parquet, row 0"), (9, "c.parquet, row 6")],
)
def test_rows_are_placed_in_their_shards(row: int, place: str) -> None:
    """Three users in the first shard, none in the second, the others in the third."""
    error = SHARDS.placed(InputError("twice", row=row, column="user_id"))
    assert str(error) == f"users/{place}, column 'user_id': twice"


def test_what_has_no_row_belongs_to_the_whole() -> None:
    """An error about no row names the directory, or the file where there is one."""
    assert str(SHARDS.placed(InputError("there are no users"))) == "users: there are no users"
    alone = Origin((Source("users.csv"),))
    assert str(alone.placed(InputError("there are no users"))) == "users.csv: there are no users"
    assert str(alone.placed(InputError("twice", row=1))) == "users.csv, row 1 (line 3): twice"
