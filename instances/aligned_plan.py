"""An earlier plan laid beside users who are read part by part: who of a part had what.

A plan that is small, or a table in memory, may have its rows in any order: its users are looked for once, and
its pairs are held. A larger one must be a Parquet file in the users' order, as ``couponry solve`` writes it.
It is walked through once along with the users' ids, and what is kept is which of its rows belong to which
part; the rows themselves are read again at every pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.errors import InputError
from couponry.instances.plan import plan_source, read_plan
from couponry.instances.row_reader import RowReader
from couponry.instances.shards import Part, PartSource
from couponry.instances.source import Source
from couponry.instances.tables import require_columns
from couponry.instances.users import decoded

__all__ = ["AlignedPlan", "Earlier", "EarlierReader", "align", "ids_of"]

# A plan of more rows must be in the users' order; a CSV of more bytes is not read.
HELD, CSV_BYTES = 1 << 18, 1 << 26
# How many rows on end, and how many in all, may name users who are gone.
LOOK, GONE = 1 << 17, 1_000_000
NEAR = 4096  # users who are read together where one of them had something
COLUMNS = ("user_id", "coupon_id")


@dataclass(frozen=True)
class Earlier:
    """Distinct pairs of an earlier plan whose users stand in a part.

    Attributes
    ----------
    user : ndarray of int64, shape (p,)
        Rows of the part, ascending.
    coupon : pyarrow.Array of text, length p
    """

    user: np.ndarray
    coupon: pa.Array

    def positions(self, menu: list[str]) -> np.ndarray:
        """Return where each coupon stands in the menu, int64 ``(p,)``, −1 where it is gone."""
        found = pc.index_in(self.coupon, value_set=pa.array(menu, pa.string()))
        return np.asarray(pc.fill_null(found, -1), dtype=np.int64)


class EarlierReader(Protocol):
    """Gives the pairs of parts that ascend."""

    def __call__(self, first: int, users: int, ids: pa.Array | None) -> Earlier:
        """Return the pairs of ``users`` users from position ``first`` on; ``ids`` where they are needed."""
        ...


class AlignedPlan(Protocol):
    """An earlier plan beside users.

    Attributes
    ----------
    needs_ids : bool
        Whether a reader needs the users' ids.
    pairs : int
        Distinct pairs, those whose user or coupon is gone included.
    users : int
        Users who had something.
    gone : pyarrow.Table
        Distinct pairs whose user is gone, ``user_id, coupon_id``.
    """

    needs_ids: bool
    pairs: int
    users: int
    gone: pa.Table

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """Runs of users outside of whom nobody had anything."""
        ...

    def reader(self) -> EarlierReader:
        """Return what reads the plan once, forwards."""
        ...


def align(plan: str | pa.Table, source: PartSource) -> AlignedPlan:
    """Lay an earlier plan beside users.

    Parameters
    ----------
    plan : str or pyarrow.Table
        A plan file, a directory that holds ``plan.parquet``, or a table with ``user_id`` and ``coupon_id``.
    source : PartSource
        The users, whose ids are read once, and once more where some of the plan's users are gone.

    Raises
    ------
    InputError
        If the plan cannot be read, lacks a column, or is too large to have its rows in another order than the
        users.
    """
    if isinstance(plan, pa.Table):
        for name in COLUMNS:
            if name not in plan.column_names:
                raise InputError(
                    "the earlier plan lacks a column", column=name, mend="Give user_id and coupon_id"
                )
        return _Held(plan, source)
    file = plan_source(plan)
    if file.suffix == ".parquet":
        if RowReader(file, ()).total > HELD:
            return _Ordered(file, source)
    elif file.size() > CSV_BYTES:
        raise InputError(
            "a CSV file of this size cannot be read along with the users",
            file=str(file),
            value=f"{file.size():,} bytes",
            mend="Write the plan as Parquet, its rows in the users' order",
        )
    return _Held(read_plan(str(file)), source)


class _Held:
    """A plan whose pairs are held; its rows may have any order."""

    needs_ids = False

    def __init__(self, table: pa.Table, source: PartSource) -> None:
        table = pa.table({name: decoded(table[name]) for name in COLUMNS})
        table = table.group_by(list(COLUMNS)).aggregate([])
        known = pc.drop_null(pc.unique(table["user_id"]))
        place = np.full(len(known), -1, np.int64)
        for first, ids in _ids(source) if len(known) else ():
            at = _places(ids, known)
            found = np.flatnonzero(at >= 0)
            place[at[found]] = first + found
        code = _places(table["user_id"], known)
        user = np.where(code >= 0, place[code] if len(known) else -1, -1)
        order = np.flatnonzero(user >= 0)
        order = order[np.argsort(user[order], kind="stable")]
        self.pairs, self.gone = table.num_rows, table.filter(pa.array(user < 0))
        self._user = user[order]
        self._coupon = _text(table["coupon_id"].take(pa.array(order)))
        self.users = len(np.unique(self._user))

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """Runs of users outside of whom nobody had anything."""
        near = np.unique(self._user // NEAR)
        return [(int(n) * NEAR, (int(n) + 1) * NEAR) for n in near]

    def reader(self) -> EarlierReader:
        """Return what reads the plan."""
        return self._of

    def _of(self, first: int, users: int, ids: pa.Array | None) -> Earlier:
        low, high = np.searchsorted(self._user, [first, first + users])
        return Earlier(self._user[low:high] - first, self._coupon.slice(low, high - low))


class _Ordered:
    """A Parquet file whose rows stand in the users' order."""

    needs_ids = True

    def __init__(self, file: Source, source: PartSource) -> None:
        self._file = file
        require_columns(file, RowReader(file, ()).names, COLUMNS)
        self._rows = RowReader(file, COLUMNS)
        self.pairs = self.users = 0
        self._lost: list[tuple[int, pa.Table]] = []
        users, rows, done = [0], [0], 0
        for first, ids in _ids(source):
            done = self._walk(ids, done)
            users.append(first + len(ids))
            rows.append(done)
        self._lose(done, self._rows.total)
        self._marks = np.array(users, np.int64), np.array(rows, np.int64)
        self.gone = self._gone(source)
        self.pairs += self.gone.num_rows
        del self._rows, self._lost

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """Runs of users outside of whom nobody had anything."""
        users, rows = self._marks
        held = np.flatnonzero(np.diff(rows))
        return [(int(users[i]), int(users[i + 1])) for i in held]

    def reader(self) -> EarlierReader:
        """Return what reads the plan once, forwards."""
        rows, (marked, ends) = RowReader(self._file, COLUMNS), self._marks

        def of(first: int, users: int, ids: pa.Array | None) -> Earlier:
            assert ids is not None
            low = int(ends[int(np.searchsorted(marked, first, side="right")) - 1])
            high = int(ends[min(int(np.searchsorted(marked, first + users)), len(ends) - 1)])
            table = rows.between(low, high)
            at = _places(table["user_id"], ids)
            found = np.flatnonzero(at >= 0)
            return _distinct(at[found], _text(table["coupon_id"].take(pa.array(found))))

        return of

    # --------------------------------------------------------------- survey

    def _walk(self, ids: pa.Array, done: int) -> int:
        """Take the rows of some users, from row ``done`` on; return which row comes next."""
        seen, last = done, -1
        users, coupons = [np.empty(0, np.int64)], []
        while (end := min(done + LOOK, self._rows.total)) > seen:
            fresh = self._rows.between(done, end).slice(seen - done)
            at = _places(fresh["user_id"], ids)
            found = np.flatnonzero(at >= 0)
            seen, before = end, seen
            if not len(found):
                break
            turned = np.flatnonzero(np.diff(at[found], prepend=last) < 0)
            if len(turned):
                raise self._disorder(before + int(found[turned[0]]))
            next_row = before + int(found[-1]) + 1
            self._lose(done, before)
            self._lose_of(before, fresh.slice(0, next_row - before), at[: next_row - before] < 0)
            users.append(at[found])
            coupons.append(_text(fresh["coupon_id"].take(pa.array(found))))
            done, last = next_row, int(at[found[-1]])
        if coupons:
            own = _distinct(np.concatenate(users), pa.concat_arrays(coupons))
            self.pairs += len(own.user)
            self.users += len(np.unique(own.user))
        return done

    def _lose(self, first: int, last: int) -> None:
        """Note rows whose users stand nowhere that they could."""
        if last - first > GONE:
            raise self._too_many(first)
        if last > first:
            table = self._rows.between(first, last)
            self._lose_of(first, table, np.ones(len(table), bool))

    def _lose_of(self, first: int, table: pa.Table, lost: np.ndarray) -> None:
        some = np.flatnonzero(lost)
        if len(some):
            rows = pa.table({"row": first + some})
            for name in COLUMNS:
                rows = rows.append_column(name, table[name].take(pa.array(some)))
            self._lost.append((first, rows))
        if sum(rows.num_rows for _, rows in self._lost) > GONE:
            raise self._too_many(int(self._lost[0][1]["row"][0].as_py()))

    def _gone(self, source: PartSource) -> pa.Table:
        """Return the pairs of users who are gone; refuse those of users who stand elsewhere."""
        if not self._lost:
            return self._rows.between(self._rows.total, self._rows.total)
        lost = pa.concat_tables([rows for _, rows in self._lost])
        known = pc.drop_null(pc.unique(lost["user_id"]))
        stands = np.zeros(len(known), bool)
        for _, ids in _ids(source):
            at = _places(ids, known)
            stands[at[at >= 0]] = True
        code = _places(lost["user_id"], known)
        elsewhere = np.flatnonzero((code >= 0) & stands[code])
        if len(elsewhere):
            first = int(elsewhere[0])
            raise self._disorder(int(lost["row"][first].as_py()), lost["user_id"][first])
        return lost.select(list(COLUMNS)).group_by(list(COLUMNS)).aggregate([])

    def _disorder(self, row: int, user: pa.Scalar | None = None) -> InputError:
        who = self._rows.between(row, row + 1)["user_id"][0] if user is None else user
        return InputError(
            "the rows of the earlier plan do not follow the order of the users",
            file=str(self._file),
            row=row,
            column="user_id",
            value=who.as_py(),
            mend=f"Sort them as the users are; a plan of up to {HELD:,} rows may have any order",
        )

    def _too_many(self, row: int) -> InputError:
        return InputError(
            f"more than {GONE:,} rows of the earlier plan name users who are gone or stand elsewhere",
            file=str(self._file),
            row=row,
            mend="Sort the plan as the users are, or leave out the pairs of users who are gone",
        )


def _ids(source: PartSource) -> Iterator[tuple[int, pa.Array]]:
    """Read the users' ids, each part with the position of its first user."""
    for part in source.read(["user_id"]):
        yield part.first, ids_of(part)


def ids_of(part: Part) -> pa.Array:
    """Return the ids of a part's users."""
    return decoded(part.table["user_id"])


def _places(users: pa.Array | pa.ChunkedArray, ids: pa.Array) -> np.ndarray:
    """Return where each user stands among ids, int64; −1 where nowhere."""
    if users.type != ids.type:  # a plan from a CSV file holds text
        users, ids = users.cast(pa.string()), ids.cast(pa.string())
    found = pc.index_in(users, value_set=ids, skip_nulls=True)
    return np.asarray(pc.fill_null(found, -1), dtype=np.int64)


def _text(column: pa.ChunkedArray) -> pa.Array:
    return decoded(column).cast(pa.string())


def _distinct(user: np.ndarray, coupon: pa.Array) -> Earlier:
    """Return pairs without those that stand twice."""
    names = coupon.dictionary_encode()
    key = user * max(1, len(names.dictionary)) + names.indices.to_numpy(zero_copy_only=False)
    _, first = np.unique(key, return_index=True)
    if len(first) == len(user):
        return Earlier(user, coupon)
    first.sort()
    return Earlier(user[first], coupon.take(pa.array(first)))
