"""The long table ``user_id, coupon_id, value, cost[, revenue]``: one row a pair, as people make by hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.coupons import Coupons
from couponry.instances.csv_lines import row_name
from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.population import Origin, Population
from couponry.instances.response import Response
from couponry.instances.source import Source
from couponry.instances.tables import numbers, read_table, require_columns
from couponry.instances.users import Users

__all__ = ["read_long_table"]

IDS = ("user_id", "coupon_id")
MENU = "the menu"


def read_long_table(
    source: Source, coupons: Coupons | None = None, users: Source | None = None
) -> tuple[Coupons, Population]:
    """Read responses from a long table. Pairs that are absent, or have no value, are not eligible.

    Parameters
    ----------
    source : Source
        CSV or Parquet; further columns of numbers are measures.
    coupons : Coupons, optional
        The menu; by default the coupons of the table, in the order of their first rows.
    users : Source, optional
        Table with ``user_id``, segments and ``max_coupons``; by default the users of the table, in the order
        of their first rows.

    Raises
    ------
    InputError
        If a file cannot be read, lacks a column or an id, holds a pair twice, names a coupon or user that is
        not there, or an eligible pair has a number that is not finite.
    """
    table = read_table(source, text=IDS)
    require_columns(source, table.column_names, (*IDS, "value", "cost"))
    if table.num_rows == 0:
        raise InputError("there are no rows", file=str(source), mend="Give one row a pair")
    names = [name for name in table.column_names if name not in IDS]
    measures = {name: np.asarray(numbers(source, table, name)) for name in names}
    _check_numbers(source, measures)
    for name in IDS:
        missing = pc.index(pc.is_null(table[name]), True).as_py()
        if missing >= 0:
            raise InputError(
                "a pair has no id",
                file=str(source),
                row=row_name(source, missing),
                column=name,
                mend="Fill it",
            )
    if coupons is None:
        coupons = Coupons(pd.DataFrame({"coupon_id": pc.unique(table["coupon_id"]).to_pylist()}))
    everyone, origin = _users(source, table["user_id"], users)
    pairs = _Pairs(
        _positions(source, table["user_id"], everyone.ids, "the users' file"),
        _positions(source, table["coupon_id"], pa.array(coupons.ids), MENU),
        len(everyone),
        len(coupons),
    )
    pairs.check_once(source)
    try:
        return coupons, Population(everyone, pairs.response(measures), origin)
    except InputError as error:
        raise error.located(file=str(source)) from None


def _check_numbers(source: Source, measures: dict[str, np.ndarray]) -> None:
    eligible = ~np.isnan(measures["value"])
    for name, array in measures.items():
        wrong = np.flatnonzero(eligible & ~np.isfinite(array))
        if len(wrong):
            row = int(wrong[0])
            raise InputError(
                f"{name} of an eligible pair must be a finite number",
                file=str(source),
                row=row_name(source, row),
                column=name,
                value=float(array[row]),
                mend="Correct it, or leave the pair's value empty to make it not eligible",
            )


def _users(source: Source, ids: pa.ChunkedArray, file: Source | None) -> tuple[Users, Origin]:
    """Return the users of their own file, or else those of the long table, in the order of first rows."""
    if file is None:
        return Users(pa.table({"user_id": pc.unique(ids)})), Origin((source,))
    origin = Origin((file,))
    table = read_table(file, text=("user_id",))
    require_columns(file, table.column_names, ("user_id",))
    try:
        return Users(table), origin
    except InputError as error:
        raise origin.placed(error) from None


def _positions(source: Source, ids: pa.ChunkedArray, known: pa.Array, place: str) -> np.ndarray:
    """Return where each id stands among the known ones; ids of different types are compared as text."""
    if pa.types.is_dictionary(ids.type):
        ids = ids.cast(ids.type.value_type)
    if ids.type != known.type:
        ids, known = ids.cast(pa.string()), known.cast(pa.string())
    positions = pc.index_in(ids, value_set=known)
    if positions.null_count:
        row = pc.index(pc.is_null(positions), True).as_py()
        raise InputError(
            f"this id is not in {place}",
            file=str(source),
            row=row_name(source, row),
            column="coupon_id" if place == MENU else "user_id",
            value=ids[row].as_py(),
            mend=f"Add it there or drop the row. {did_you_mean(ids[row], known.slice(0, 1000).to_pylist())}",
        )
    return np.asarray(positions)


@dataclass(frozen=True)
class _Pairs:
    """Which user and coupon each row is about."""

    user: np.ndarray
    coupon: np.ndarray
    n_users: int
    n_coupons: int

    @cached_property
    def key(self) -> np.ndarray:
        """One number a pair, ordered by user, then coupon."""
        key: np.ndarray = self.user.astype(np.int64) * self.n_coupons + self.coupon
        return key

    def check_once(self, source: Source) -> None:
        """Refuse a pair that stands in two rows."""
        ordered = np.sort(self.key)
        if (ordered[1:] != ordered[:-1]).all():
            return
        _, first = np.unique(self.key, return_index=True)
        row = int(np.setdiff1d(np.arange(len(self.key)), first, assume_unique=True)[0])
        above = row - int(np.flatnonzero(self.key == self.key[row])[0])
        raise InputError(
            "this user and coupon stand there together twice, the first time "
            f"{above:,} row{'s' if above > 1 else ''} above",
            file=str(source),
            row=row_name(source, row),
            column="coupon_id",
            mend="Give each pair one row",
        )

    def response(self, measures: dict[str, np.ndarray]) -> Response:
        """Return the pairs as a matrix, or as shortlists where those take less than half the room."""
        longest = int(np.bincount(self.user, minlength=1).max())
        cells = len(measures) * np.dtype(np.float64).itemsize
        if 2 * longest * (cells + np.dtype(np.int32).itemsize) >= self.n_coupons * cells:
            return Response({name: self._dense(array) for name, array in measures.items()})
        order = np.argsort(self.key, kind="stable")
        user = self.user[order]
        sizes = np.bincount(user, minlength=self.n_users)
        place = np.arange(len(user)) - (np.cumsum(sizes) - sizes)[user]
        coupon = np.full((self.n_users, longest), -1, dtype=np.int32)
        coupon[user, place] = self.coupon[order]
        lists = {}
        for name, array in measures.items():
            lists[name] = np.full(coupon.shape, np.nan)
            lists[name][user, place] = array[order]
        return Response(lists, coupon)

    def _dense(self, array: np.ndarray) -> np.ndarray:
        matrix = np.full((self.n_users, self.n_coupons), np.nan)
        matrix.reshape(-1)[self.key] = array
        return matrix
