"""A user's profile: all columns that raw tables give, learnt from training users alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from couponry.instances.atomic import write_directory
from couponry.instances.errors import InputError
from couponry.predictors.profile.documents import documents_of
from couponry.predictors.profile.purchases import PurchaseHabits
from couponry.predictors.profile.segments import Segments
from couponry.predictors.profile.tables import RawTables
from couponry.predictors.profile.topics import Topics
from couponry.predictors.profile.words import WordWeights
from couponry.predictors.state import State
from couponry.predictors.state_files import Form, read_state, write_state

__all__ = ["UserProfile", "load_profile"]

_FORM = Form("profile", 1, "couponry profile learn")


class UserProfile:
    """TF-IDF words, topics, recency-frequency-money and k-means segments.

    Parameters
    ----------
    words : int
        Columns of TF-IDF weights; 0 for none.
    topics : int
        Of latent Dirichlet allocation; 0 for none.
    segments : int
        Groups of k-means; 0 for none.
    seed : int
        Same tables, same seed: same profile.

    Attributes
    ----------
    columns_ : list of str
        Names of the columns that it makes.
    """

    def __init__(self, *, words: int = 32, topics: int = 8, segments: int = 5, seed: int = 0) -> None:
        self.words = WordWeights(words) if words else None
        self.topics = Topics(topics, seed=seed) if topics else None
        self.segments = Segments(segments, seed) if segments else None
        self.habits: PurchaseHabits | None = None
        self.columns_: list[str] = []

    def fit(
        self,
        tables: RawTables,
        users: Iterable[str] | None = None,
        as_of: np.datetime64 | None = None,
    ) -> Self:
        """Learn words, topics, limits and groups.

        Parameters
        ----------
        tables : RawTables
        users : iterable of str, optional
            Training users; by default all of the tables. Give those of the training log, so that nothing is
            learnt of users who are held out.
        as_of : datetime64, optional
            Rows of this time and later are not looked at: give the start of the campaign.

        Raises
        ------
        InputError
            If nothing is known of these users before that time.
        """
        wanted = tables.users if users is None else sorted(set(users))
        known = tables.of(wanted).before(as_of)
        if not known.users:
            raise InputError(
                "nothing is known of these users" + ("" if as_of is None else f" before {as_of}"),
                mend="Check that user_id is written alike in all tables, and the time",
            )
        documents = documents_of(known.texts, wanted)
        for part in (self.words, self.topics):
            if part is not None and known.texts is not None:
                part.fit(documents)
        if known.purchases is not None:
            self.habits = PurchaseHabits().fit(known.purchases, _now(known, as_of))
        columns = self._plain(known, wanted, as_of)
        if columns.columns.empty:
            raise InputError(
                "the tables give no columns", mend="Give purchases, or more texts, or ask for words or topics"
            )
        if self.segments is not None:
            columns["segment"] = self.segments.fit(columns).column(columns)
        self.columns_ = list(columns.columns)
        return self

    def transform(
        self, tables: RawTables, users: Sequence[str], as_of: np.datetime64 | None = None
    ) -> pd.DataFrame:
        """Return the profile of users: ``user_id`` and :attr:`columns_`, one row a user in their order.

        Parameters
        ----------
        tables : RawTables
            With the tables that the profile was learnt from.
        users : sequence of str
        as_of : datetime64, optional
            What is later is not looked at, and recency is counted from it; by default from the latest time
            in the tables.

        Raises
        ------
        InputError
            If a table that the profile was learnt from is not there.
        """
        for name, needed in (("purchases", self.habits), ("texts", self._writes or None)):
            if needed is not None and getattr(tables, name) is None:
                raise InputError(f"the profile was learnt from {name} too", column=name, mend="Give them")
        ids = [str(user) for user in users]
        columns = self._plain(tables.of(ids).before(as_of), ids, _now(tables, as_of))
        if self.segments is not None:
            columns["segment"] = self.segments.column(columns)
        columns.insert(0, "user_id", ids)
        return columns

    @property
    def _writes(self) -> bool:
        return any(part is not None and bool(part.vocabulary) for part in (self.words, self.topics))

    def _plain(self, tables: RawTables, users: Sequence[str], as_of: np.datetime64 | None) -> pd.DataFrame:
        documents = documents_of(tables.texts, users)
        texts = [part.columns(documents) for part in (self.words, self.topics) if part is not None]
        bought = []
        if self.habits is not None and tables.purchases is not None:
            bought = [self.habits.columns(tables.purchases, users, _now(tables, as_of))]
        return pd.concat([pd.DataFrame(index=range(len(users))), *bought, *texts], axis=1)

    def state(self) -> State:
        """Return what was learnt."""
        parts = {"words": self.words, "topics": self.topics, "segments": self.segments, "habits": self.habits}
        held = {name: part for name, part in parts.items() if part is not None}
        state = State({"columns": self.columns_, "held": sorted(held)})
        for name, part in held.items():
            state.put(name, part.state())
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        own = cls(words=0, topics=0, segments=0)
        kinds: dict[str, Any] = {
            "words": WordWeights,
            "topics": Topics,
            "segments": Segments,
            "habits": PurchaseHabits,
        }
        for name in state.facts["held"]:
            setattr(own, name, kinds[name].from_state(state.part(name)))
        own.columns_ = list(state.facts["columns"])
        return own

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write the profile as a directory, without pickle.

        Raises
        ------
        ExistsError
            If ``path`` holds something and ``force`` is not given.
        """
        with write_directory(path, kind="profile", force=force) as folder:
            write_state(folder, _FORM, self.state(), {})


def load_profile(path: str | Path) -> UserProfile:
    """Read what :meth:`UserProfile.save` wrote.

    Raises
    ------
    InputError
        If it is no such directory, or a file is missing, damaged or of another version.
    """
    folder = Path(path)
    _, state = read_state(folder, _FORM)
    try:
        return UserProfile.from_state(state)
    except (LookupError, AttributeError, TypeError, ValueError) as error:
        raise InputError(
            f"the profile cannot be put together: {error}", file=folder / _FORM.head, mend="Learn it again"
        ) from error


def _now(tables: RawTables, as_of: np.datetime64 | None) -> np.datetime64:
    """Return the time that recency is counted from."""
    end = tables.end if as_of is None else as_of
    return np.datetime64("1970-01-01", "us") if end is None else end
