"""The log: who was given which coupon, with what probability, and what followed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from couponry.instances.arms import NO_COUPON
from couponry.instances.atomic import write_directory
from couponry.instances.coupons import Coupons
from couponry.instances.csv_lines import row_name
from couponry.instances.errors import InputError
from couponry.instances.log_rows import Origin
from couponry.instances.log_table import OPTIONAL, OUTCOMES, columns_of_log
from couponry.instances.log_times import check_times
from couponry.instances.menu_file import read_coupons, write_coupons
from couponry.instances.parquet_files import write_parquet
from couponry.instances.source import Source
from couponry.instances.tables import arrow_table, choose_file, read_table

__all__ = ["Log"]

_MOST_MONEY = 1e30  # sums over all users must stay within float32, in which responses are held


@dataclass(frozen=True)
class Log:
    """A campaign's history, one row an exposure.

    Attributes
    ----------
    features : pandas.DataFrame, n rows
        What was known of the user *before* the coupon was given: numbers, categories, flags, text, and
        lists (sequences of events).
    user_id : ndarray of object, shape (n,)
    coupons : Coupons
        The menu of the J coupons that could be given.
    arm : ndarray of int32, shape (n,)
        Menu position of the coupon given; −1 for none.
    conversion : ndarray of float64, shape (n,)
        1 where the user bought, else 0 (any number in [0, 1] is taken).
    cost : ndarray of float64, shape (n,)
        Money that the coupon cost on this row, whether or not the user would have bought anyway.
    revenue : ndarray of float64, shape (n,)
    propensity : ndarray of float64, shape (n,), or None
        Probability with which the arm that *was* given had been drawn; None where it is not known: a
        randomised log is then taken to have drawn arms by their shares.
    segments : tuple of str
        Feature columns that rules may speak of.
    given_at, converted_at : ndarray of datetime64[us], shape (n,), or None
        When the coupon was given (or the user found without one) and when the user converted, as known.
    click : ndarray of float64, shape (n,), or None
        1 where the user opened the coupon, else 0; NaN where nothing could be opened or nobody knows. None
        where the log does not tell of clicks.
    source : str, optional
        The file it was read from, for errors.
    origin : Origin, optional
        Where the rows stood in that file, if this is a part of the log.

    Raises
    ------
    InputError
        If lengths differ, an arm is not in the menu, a number lies outside its range, or an outcome came
        before its treatment.
    """

    features: pd.DataFrame
    user_id: np.ndarray
    coupons: Coupons
    arm: np.ndarray
    conversion: np.ndarray
    cost: np.ndarray
    revenue: np.ndarray
    propensity: np.ndarray | None = None
    segments: tuple[str, ...] = ()
    source: str | None = field(default=None, compare=False)
    given_at: np.ndarray | None = None
    converted_at: np.ndarray | None = None
    click: np.ndarray | None = None
    origin: Origin | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        self._check_lengths()
        self._check_range("conversion", self.conversion, 0.0, 1.0)
        self._check_range("cost", self.cost, -_MOST_MONEY, _MOST_MONEY)
        self._check_range("revenue", self.revenue, -_MOST_MONEY, _MOST_MONEY)
        if self.propensity is not None:
            self._check_propensity(self.propensity)
        if self.click is not None:
            self._check_range("click", np.where(np.isnan(self.click), 0.0, self.click), 0.0, 1.0)
        outside = np.flatnonzero((self.arm < NO_COUPON) | (self.arm >= len(self.coupons)))
        if len(outside):
            raise InputError(
                f"an arm is outside the menu of {len(self.coupons)} coupons",
                file=self.source,
                row=int(outside[0]),
                column="arm",
                value=int(self.arm[outside[0]]),
                mend="Add the coupon to the menu or drop the row",
            )
        check_times(self.given_at, self.converted_at, self.conversion, self.source)
        for name in self.segments:
            if name not in self.features.columns:
                raise InputError(
                    "a segment is not among the features",
                    file=self.source,
                    column=name,
                    mend="Name a feature column",
                )

    def _check_lengths(self) -> None:
        if self.n == 0:
            raise InputError("the log has no rows", file=self.source, mend="Give at least one exposure")
        for name in ("user_id", "arm", *OUTCOMES, *OPTIONAL):
            array = getattr(self, name)
            if array is not None and len(array) != self.n:
                raise InputError(
                    f"{name} has {len(array)} rows but the features {self.n}", file=self.source, column=name
                )

    def _check_range(self, name: str, array: np.ndarray, low: float, high: float) -> None:
        wrong = np.flatnonzero(~(np.isfinite(array) & (array >= low) & (array <= high)))
        if len(wrong):
            endless = "a finite number" if np.isinf(array[wrong[0]]) else f"at most {high:g} in size"
            what = endless if low < 0 else f"in [{low:g}, {high:g}]"
            raise InputError(
                f"{name} must be {what}",
                file=self.source,
                row=int(wrong[0]),
                column=name,
                value=float(array[wrong[0]]),
                mend="Correct the row or drop it",
            )

    def _check_propensity(self, array: np.ndarray) -> None:
        wrong = np.flatnonzero(~((array > 0) & (array <= 1)))
        if len(wrong):
            raise InputError(
                "a propensity must lie in (0, 1]: an arm that was given cannot have had probability 0",
                file=self.source,
                row=int(wrong[0]),
                column="propensity",
                value=float(array[wrong[0]]),
                mend="Give the probability with which the given arm was drawn",
            )

    @property
    def n(self) -> int:
        """Number of exposures."""
        return len(self.features)

    def __len__(self) -> int:
        return self.n

    def take(self, rows: np.ndarray) -> Log:
        """Return the exposures at ``rows`` (positions or a bool mask)."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        return replace(
            self,
            origin=self._origin().take(index),
            features=self.features.iloc[index].reset_index(drop=True),
            user_id=self.user_id[index],
            arm=self.arm[index],
            conversion=self.conversion[index],
            cost=self.cost[index],
            revenue=self.revenue[index],
            **{name: array[index] for name in OPTIONAL if (array := getattr(self, name)) is not None},
        )

    def _origin(self) -> Origin:
        return self.origin or Origin(np.arange(self.n), self.rows_of_arms())

    def rows_of_arms(self) -> dict[str, int]:
        """Return how many rows got each coupon, by its id, and ``"none"``, which comes first."""
        rows = np.bincount(self.arm + 1, minlength=len(self.coupons) + 1)
        return dict(zip(("none", *self.coupons.ids), rows.tolist(), strict=True))

    def place(self, row: int) -> dict[str, Any]:
        """Return where a row stood in what the user gave: ``file`` and ``row`` of an :class:`InputError`."""
        whole = int(self._origin().rows[row])
        return {"file": self.source, "row": whole if self.source is None else row_name(self.source, whole)}

    def row_words(self, row: int) -> str:
        """Return a row's place in words, such as ``row 3 (line 5)``."""
        place = self.place(row)["row"]
        return place if isinstance(place, str) else f"row {place}"

    def count_words(self, rows: int) -> str:
        """Return a number of rows in words, of how many, such as ``3 of 10 rows``."""
        part = self.origin is not None and self.n < sum(self.origin.given.values())
        return f"{rows:,} of {'the ' * part}{self.n:,} rows{' to learn from' * part}"

    def placed(self, error: InputError) -> InputError:
        """Return an error about a row of this log at the row's place in what the user gave."""
        if error.file is not None or not isinstance(error.row, int):
            return error.located(file=self.source)
        return error.moved(**self.place(error.row))

    def split(self, holdout: float, seed: int = 0) -> tuple[Log, Log]:
        """Return two logs: the part to train on and the part held out, drawn at random.

        All exposures of one user land on the same side.

        Parameters
        ----------
        holdout : float
            Share of users held out, in (0, 1).
        seed : int

        Raises
        ------
        InputError
            If ``holdout`` is outside (0, 1) or leaves one side empty.
        """
        if not 0 < holdout < 1:
            raise InputError("this must lie strictly between 0 and 1", parameter="holdout", value=holdout)
        users, inverse = np.unique(self.user_id, return_inverse=True)
        order = np.random.default_rng(seed).permutation(len(users))
        kept = round((1 - holdout) * len(users))
        if kept in (0, len(users)):
            raise InputError(
                f"{len(users)} user{'s' * (len(users) != 1)} cannot be split with holdout {holdout:g}: all "
                "rows of a user are held out together",
                file=self.source,
                column="user_id",
                mend="Give rows of more users",
            )
        chosen = np.zeros(len(users), dtype=bool)
        chosen[order[:kept]] = True
        in_train = chosen[inverse]
        return self.take(in_train), self.take(~in_train)

    def write(self, path: str | Path, *, force: bool = False) -> None:
        """Write the log as a directory: ``log.parquet``, ``coupons.csv``, ``log.json``.

        Raises
        ------
        ExistsError
            If ``path`` holds something and ``force`` is not given.
        """
        with write_directory(path, force=force, kind="log") as folder:
            columns: dict[str, object] = {"user_id": self.user_id.astype(str), "arm": self._arm_names()}
            columns |= {name: getattr(self, name) for name in OUTCOMES}
            columns |= {name: array for name in OPTIONAL if (array := getattr(self, name)) is not None}
            frame = pd.concat([pd.DataFrame(columns), self.features.add_prefix("feature.")], axis=1)
            write_parquet(arrow_table(frame), folder / "log.parquet")
            write_coupons(self.coupons, folder)
            segments = json.dumps({"segments": list(self.segments)}, indent=2, ensure_ascii=False)
            (folder / "log.json").write_text(segments, encoding="utf-8")

    def _arm_names(self) -> np.ndarray:
        names: np.ndarray = np.array([*self.coupons.ids, None], dtype=object)[self.arm]
        return names

    @classmethod
    def read(cls, path: str | Path) -> Log:
        """Read what :meth:`write` wrote.

        Raises
        ------
        InputError
            If a file is missing or damaged, or names an arm that is not in the menu.
        """
        folder = Source(path)
        menu = choose_file(folder, "coupons")
        for name in ("log.parquet", "log.json", menu.name if menu else "coupons.csv"):
            if not folder.child(name).is_file():
                raise InputError(
                    "a log directory lacks this file",
                    file=str(folder.child(name)),
                    mend="Name the table itself, a CSV or Parquet file, or a directory that "
                    "'couponry generate' or Log.write wrote",
                )
        assert menu is not None
        try:
            segments = tuple(json.loads(folder.child("log.json").read_text())["segments"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                "the log's segments cannot be read",
                file=str(folder.child("log.json")),
                mend='Write {"segments": [COLUMNS]}',
            ) from error
        source = folder.child("log.parquet")
        frame = read_table(source).to_pandas()
        return cls.from_frame(frame, read_coupons(menu), segments=segments, source=str(source))

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        coupons: Coupons,
        *,
        segments: tuple[str, ...] = (),
        source: str | Path | None = None,
    ) -> Log:
        """Make a log of a flat table.

        Parameters
        ----------
        frame : pandas.DataFrame
            Columns ``user_id``, ``arm`` (coupon id; empty for none), ``conversion``, and as known ``cost``,
            ``revenue``, ``propensity``, ``given_at``, ``converted_at``, ``click`` (empty if unknown); all
            further ones are features (a prefix ``feature.`` is dropped).
        coupons : Coupons
        segments : tuple of str
        source : str or Path, optional
            File to name in errors.

        Raises
        ------
        InputError
            If a column is missing or an arm is not in the menu.
        """
        return cls(**columns_of_log(frame, coupons, source), coupons=coupons, segments=segments)
