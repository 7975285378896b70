"""Past redemptions as a matrix: how often each user took each coupon or product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError, did_you_mean, require_extra

__all__ = ["Redemptions"]


@dataclass(frozen=True)
class Redemptions:
    """A table of counts, sparse.

    Attributes
    ----------
    users, items : Index
        Rows and columns of the matrix.
    counts : scipy.sparse.csr_matrix of float64, shape (users, items)
    """

    users: pd.Index
    items: pd.Index
    counts: Any

    @classmethod
    def of(cls, table: pd.DataFrame, items: pd.Index | None = None) -> Redemptions:
        """Read a table with ``user_id``, ``item`` and, unless each row is one, ``count``.

        Parameters
        ----------
        table : DataFrame
        items : Index, optional
            Only these, in this order; by default all, sorted.

        Raises
        ------
        InputError
            If a column is missing, the table is empty, a user or an item is, or a count is negative or no
            number.
        """
        sparse = require_extra("scipy.sparse", "predict")
        for name in ("user_id", "item"):
            if name not in table.columns:
                raise InputError(
                    "the redemptions lack a column", column=name, mend=did_you_mean(name, table.columns)
                )
        if table.empty:
            raise InputError("there are no redemptions", mend="Give at least one row")
        for name, problem in (("user_id", "a redemption has no user"), ("item", "a redemption has no item")):
            _refuse(table[name].isna(), table[name], problem)
        count = np.ones(len(table))
        if "count" in table:
            numbers = pd.to_numeric(table["count"], errors="coerce")
            count = numbers.to_numpy(np.float64, na_value=np.nan)
            usable = np.isfinite(count) & (count >= 0)
            _refuse(~usable, table["count"], "a count is a finite number of at least 0")
        row, users = pd.factorize(table["user_id"].astype(str), sort=True)
        known = pd.Index(sorted(set(table["item"].astype(str)))) if items is None else items
        column = known.get_indexer(pd.Index(table["item"].astype(str)))
        use = column >= 0
        shape = (len(users), len(known))
        counts = sparse.csr_matrix((count[use], (row[use], column[use])), shape=shape)
        return cls(pd.Index(users), known, counts)

    def of_users(self, users: Any) -> Any:
        """Return the rows of users in the order asked, zeros for those without any, csr ``(n, items)``."""
        sparse = require_extra("scipy.sparse", "predict")
        position = self.users.get_indexer(pd.Index(users).astype(str))
        there = np.flatnonzero(position >= 0)
        pick = sparse.csr_matrix(
            (np.ones(len(there)), (there, position[there])), shape=(len(position), len(self.users))
        )
        return pick @ self.counts


def _refuse(wrong: npt.ArrayLike, cells: pd.Series, problem: str) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        row = int(rows[0])
        value = None if pd.isna(cells.iloc[row]) else cells.iloc[row]
        raise InputError(
            problem, row=row, column=str(cells.name), value=value, mend="Correct the row or drop it"
        )
