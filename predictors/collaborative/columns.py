"""Feature columns from past redemptions, to stand beside what else is known of users."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self, overload

import numpy as np
import pandas as pd

from couponry.instances.atomic import write_directory
from couponry.instances.errors import InputError
from couponry.instances.log import Log
from couponry.predictors.collaborative.factors import MatrixFactors
from couponry.predictors.collaborative.neighbours import ItemNeighbours
from couponry.predictors.collaborative.redemptions import Redemptions
from couponry.predictors.profile.attach import attach_to_log, attach_to_users
from couponry.predictors.state import State
from couponry.predictors.state_files import Form, read_state, write_state

__all__ = ["CollaborativeColumns"]

_FORM = Form("collaborative", 1, "CollaborativeColumns.save")


class CollaborativeColumns:
    """Neighbours and factors over a table of redemptions.

    The table must be of the time before the log: a redemption of the log's own coupons among it would tell
    the outcome.

    Parameters
    ----------
    rank : int
        Factors a user; see :class:`~couponry.predictors.collaborative.factors.MatrixFactors`.
    neighbours : int
        See :class:`~couponry.predictors.collaborative.neighbours.ItemNeighbours`.
    items : sequence of str, optional
        Items to give affinities of, such as the menu; by default the 20 that were taken most.
    seed : int

    Examples
    --------
    >>> columns = CollaborativeColumns().fit(redemptions)
    >>> model = train(columns.attach(log, redemptions))
    >>> columns.save("columns")
    >>> CollaborativeColumns.load("columns").attach(users, redemptions)
    """

    def __init__(
        self, rank: int = 8, neighbours: int = 20, items: Sequence[str] | None = None, seed: int = 0
    ) -> None:
        self.factors = MatrixFactors(rank, seed=seed)
        self.near = ItemNeighbours(neighbours)
        self.asked = None if items is None else [str(item) for item in items]

    def fit(self, table: pd.DataFrame) -> Self:
        """Learn from a table ``user_id, item[, count]``.

        Raises
        ------
        InputError
            If the table cannot be used; see :meth:`.redemptions.Redemptions.of`.
        """
        redemptions = Redemptions.of(table)
        self.items = redemptions.items
        self.factors.fit(redemptions.counts)
        self.near.fit(redemptions.counts)
        taken = np.asarray(redemptions.counts.sum(axis=0)).ravel()
        most = [str(self.items[i]) for i in np.argsort(-taken, kind="stable")[:20]]
        self.shown = most if self.asked is None else [item for item in self.asked if item in self.items]
        return self

    def transform(self, table: pd.DataFrame, users: Sequence[object] | pd.Series) -> pd.DataFrame:
        """Return one row a user, in the order asked.

        Columns ``taken`` (how many redemptions), ``bias``, ``factor 0`` … , and for every item shown ``level
        ITEM`` (expected by the factors) and ``near ITEM`` (by its neighbours). A user without history has the
        answers of one who took nothing.

        Parameters
        ----------
        table : DataFrame
            Redemptions of these users; items that training did not have are left out.
        users : sequence
            Where it is a Series, the rows have its index.

        Raises
        ------
        InputError
            If nothing was learnt yet, or the table cannot be used.
        """
        self._check_fitted()
        counts = Redemptions.of(table, self.items).of_users(users)
        vectors, bias = self.factors.users(counts)
        at = self.items.get_indexer(pd.Index(self.shown))
        columns = {"taken": np.asarray(counts.sum(axis=1)).ravel(), "bias": bias}
        columns |= {f"factor {k}": vectors[:, k] for k in range(vectors.shape[1])}
        level, near = self.factors.scores(counts)[:, at], self.near.scores(counts)[:, at]
        for position, item in enumerate(self.shown):
            columns |= {f"level {item}": level[:, position], f"near {item}": near[:, position]}
        index = users.index if isinstance(users, pd.Series) else None
        return pd.DataFrame(columns, index=index).add_prefix("redeemed: ")

    @overload
    def attach(self, to: Log, table: pd.DataFrame) -> Log: ...

    @overload
    def attach(self, to: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame: ...

    def attach(self, to: Log | pd.DataFrame, table: pd.DataFrame) -> Log | pd.DataFrame:
        """Return a log, or a table of users, with the columns beside its features, row by row.

        Parameters
        ----------
        to : Log or DataFrame
            A table of users has a column ``user_id``.
        table : DataFrame
            Redemptions, as for :meth:`transform`.

        Raises
        ------
        InputError
            If the users have no ids, or the columns already; or as :meth:`transform` says.
        """
        given = to.user_id if isinstance(to, Log) else to.get("user_id", np.empty(0))
        users = list(dict.fromkeys(str(user) for user in given))
        columns = self.transform(table, users)
        columns.insert(0, "user_id", users)
        return attach_to_log(to, columns) if isinstance(to, Log) else attach_to_users(to, columns)

    def _check_fitted(self) -> None:
        if not hasattr(self, "items"):
            raise InputError("these columns have learnt nothing yet", mend="Call fit first, or load some")

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write what was learnt as a directory, without pickle.

        Raises
        ------
        ExistsError
            If ``path`` holds something and ``force`` is not given.
        InputError
            If nothing was learnt yet.
        """
        self._check_fitted()
        with write_directory(path, kind="collaborative", force=force) as folder:
            write_state(folder, _FORM, self.state(), {})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            If it is no such directory, or a file is missing, damaged or of another version.
        """
        return cls.from_state(read_state(Path(path), _FORM)[1])

    def state(self) -> State:
        """Return what was learnt."""
        state = State({"items": [str(item) for item in self.items], "shown": self.shown})
        state.put("factors", self.factors.state())
        state.put("near", self.near.state())
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        found = cls()
        found.items, found.shown = pd.Index(state.facts["items"]), state.facts["shown"]
        found.factors = MatrixFactors.from_state(state.part("factors"))
        found.near = ItemNeighbours.from_state(state.part("near"))
        return found
