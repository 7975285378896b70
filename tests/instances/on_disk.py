"""Instances in shards, opened to be read block by block."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from couponry.instances import Instance
from couponry.instances.files import write_instance
from couponry.instances.generators import draw_instance
from couponry.instances.streamed import StreamedInstance, open_instance
from couponry.instances.users import Users

ROWS = 700


def drawn(users: int = 5000, **options: object) -> Instance:
    """Return a drawn instance whose users have limits of their own, some none."""
    found = draw_instance(users, 6, seed=3, **options)  # type: ignore[arg-type]
    own = np.random.default_rng(1).integers(0, 3, users)
    column = pa.array(own, mask=own == 2)
    table = found.users.table.append_column("max_coupons", column)
    return Instance(found.coupons, Users(table), found.response, found.rules, found.campaign)


def opened(instance: Instance, folder: Path, shard_rows: int = ROWS) -> StreamedInstance:
    """Write an instance in shards, and open it."""
    write_instance(instance, folder, shard_rows=shard_rows)
    return open_instance(folder)
