"""A plan's rows along with the users whom they speak of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from couponry.instances.errors import InputError
from couponry.instances.instance import Instance
from couponry.instances.parquet_files import damaged, open_parquet
from couponry.instances.source import Source
from couponry.instances.tables import require_columns
from couponry.solver.verify.findings import Violation, number
from couponry.solver.verify.measures import positions

__all__ = ["PlanRows"]

_BATCH = 65_536
_BUFFER = 1 << 20


class PlanRows:
    """Reads a plan's rows in their order, those of some users at a time; as a context, it closes the file.

    Parameters
    ----------
    path : str or Path
        A Parquet file, or a directory with ``plan.parquet``.

    Raises
    ------
    InputError
        If there is no such file, it is damaged, or lacks ``user_id`` or ``coupon_id``.
    """

    def __init__(self, path: str | Path) -> None:
        source = Source(path)
        self._source = source.child("plan.parquet") if source.is_dir() else source
        if self._source.suffix != ".parquet" or not self._source.is_file():
            raise InputError(
                "there is no such plan to read row by row",
                file=str(self._source),
                mend="Give plan.parquet as 'couponry solve' writes it; check a CSV without --stream",
            )
        self._file: pq.ParquetFile = open_parquet(self._source, buffer_size=_BUFFER)
        require_columns(self._source, self._file.schema_arrow.names, ("user_id", "coupon_id"))
        self.total: int = self._file.metadata.num_rows
        self._batches = self._read()
        self._waiting = self._file.schema_arrow.empty_table()
        self._row = 0

    def __enter__(self) -> PlanRows:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _read(self) -> Iterator[pa.Table]:
        try:
            for batch in self._file.iter_batches(_BATCH, use_threads=False):
                yield pa.Table.from_batches([batch])
        except (pa.ArrowException, OSError) as error:
            raise damaged(self._source, error) from error

    def of(self, instance: Instance) -> tuple[pa.Table, int]:
        """Return the rows that come next and speak of an instance's users, and which row is the first."""
        taken, first = [self._waiting.slice(0, 0)], self._row
        while True:
            if not self._waiting.num_rows:
                more = next(self._batches, None)
                if more is None:
                    break
                self._waiting = more
            known = positions(self._waiting["user_id"], instance.users.ids) >= 0
            count = len(known) if known.all() else int(known.argmin())
            taken.append(self._waiting.slice(0, count))
            self._waiting = self._waiting.slice(count)
            self._row += count
            if self._waiting.num_rows:
                break
        return pa.concat_tables(taken), first

    def left_over(self) -> list[Violation]:
        """Return what is wrong where rows are left when all users have been read."""
        rest = self.total - self._row
        if not rest:
            return []
        user = self._waiting["user_id"][0].as_py()
        words = (
            f"plan: row {self._row} names user {user!r}, whom the instance lacks or has earlier: "
            f"{number(rest)} rows from there on were not judged. Sort the plan as the users are, "
            "or check it without --stream."
        )
        return [Violation("plan", f"row {self._row}", float(rest), 0.0, float(rest), words)]
