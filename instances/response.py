"""What a predictor says of every (user, coupon) pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from couponry.instances.errors import InputError, did_you_mean

__all__ = ["Response", "check_numbers"]

_RESERVED = ("count", "kept", "changed", "coupon", "liability")


@dataclass(frozen=True)
class Response:
    """The response matrix, dense or as per-user shortlists.

    Attributes
    ----------
    measures : mapping from str to ndarray, each of shape (n, S)
        ``value`` (incremental conversions) and ``cost`` (expected money) are needed; ``revenue`` and
        further columns may be there. float32 or float64. A NaN ``value`` says that the pair is not eligible.
    coupon : ndarray of int32, shape (n, S), or None
        Menu position of every place of a user's shortlist, −1 for an empty place. None where the matrix is
        dense: place ``j`` is coupon ``j``, and S is the number of coupons.
    """

    measures: Mapping[str, np.ndarray]
    coupon: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("value", "cost"):
            if name not in self.measures:
                raise InputError("the response has no such measure", column=name, mend="Give value and cost")
        for name, array in self.measures.items():
            if name in _RESERVED:
                raise InputError(
                    "no measure can have this name",
                    column=name,
                    mend="Rename it: the name means something else",
                )
            if array.ndim != 2 or array.shape != self.measures["value"].shape:
                raise InputError(
                    "the response's measures differ in shape",
                    column=name,
                    value=array.shape,
                    mend=f"All are users × places, as value is: {self.measures['value'].shape}",
                )
            if array.dtype not in (np.float32, np.float64):
                raise InputError(
                    "measures are float32 or float64",
                    column=name,
                    value=str(array.dtype),
                    mend="Convert the array",
                )
        if self.coupon is not None and self.coupon.dtype != np.int32:
            raise InputError(
                "shortlists are int32",
                column="coupon",
                value=str(self.coupon.dtype),
                mend="Convert the array",
            )
        if self.coupon is not None and self.coupon.shape != self.shape:
            raise InputError(
                "the shortlist's shape differs from the measures'", column="coupon", value=self.coupon.shape
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Users and places a user."""
        rows, places = self.measures["value"].shape
        return int(rows), int(places)

    @property
    def dense(self) -> bool:
        """Whether place ``j`` is coupon ``j`` for every user."""
        return self.coupon is None

    def measure(self, name: str) -> np.ndarray:
        """Return one measure, ``(n, S)``.

        Raises
        ------
        InputError
            If the response has no such measure.
        """
        try:
            return self.measures[name]
        except KeyError:
            raise InputError(
                "the response has no such measure", column=name, mend=did_you_mean(name, self.measures)
            ) from None

    def eligible(self, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Return which places may be given, bool, for the users in ``rows``."""
        usable: np.ndarray = ~np.isnan(self.measures["value"][rows])
        return usable if self.coupon is None else usable & (self.coupon[rows] >= 0)

    def take(self, rows: np.ndarray) -> Response:
        """Return the users at ``rows`` (positions or a bool mask)."""
        return Response(
            {name: array[rows] for name, array in self.measures.items()},
            None if self.coupon is None else self.coupon[rows],
        )

    def check(self, coupons: int) -> None:
        """Refuse what no solve could use.

        Parameters
        ----------
        coupons : int
            Length of the menu.

        Raises
        ------
        InputError
            On an eligible pair with a NaN or infinite measure, an infinite value, or a coupon that is not in
            the menu or stands twice in one shortlist.
        """
        check_numbers(self.measures, self.coupon, coupons)


def check_numbers(measures: Mapping[str, np.ndarray], coupon: np.ndarray | None, coupons: int) -> None:
    """Refuse measures, each ``(n, S)``, and shortlists that no solve could use.

    Raises
    ------
    InputError
        As :meth:`Response.check` does.
    """
    users, places = measures["value"].shape
    _check_places(coupon, places, coupons)
    step = max(1, 4_000_000 // max(1, places))
    for first in range(0, users, step):
        rows = slice(first, first + step)
        # Most often everything is a finite number, which is seen at once.
        if coupon is not None or not all(np.isfinite(array[rows]).all() for array in measures.values()):
            _check_rows(
                {name: array[rows] for name, array in measures.items()},
                None if coupon is None else coupon[rows],
                first,
            )


def _check_places(coupon: np.ndarray | None, places: int, coupons: int) -> None:
    if coupon is None:
        if places != coupons:
            raise InputError(
                f"the response has {places} places a user but the menu {coupons} coupons",
                mend="Give one place a coupon, or a 'coupon' list that says which coupon each place is",
            )
        return
    outside = (coupon < -1) | (coupon >= coupons)
    if outside.any():
        row, place = (int(i) for i in np.argwhere(outside)[0])
        raise InputError(
            f"a shortlist names a coupon outside the menu of {coupons}",
            row=row,
            column="coupon",
            value=int(coupon[row, place]),
            mend="Use positions from 0, and -1 for an empty place",
        )
    ordered = np.sort(coupon, axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if twice.any():
        row, place = (int(i) for i in np.argwhere(twice)[0])
        raise InputError(
            "a shortlist names a coupon twice",
            row=row,
            column="coupon",
            value=int(ordered[row, place]),
            mend="Name each coupon once a user",
        )


def _check_rows(measures: Mapping[str, np.ndarray], coupon: np.ndarray | None, first: int) -> None:
    eligible = ~np.isnan(measures["value"])
    if coupon is not None:
        eligible &= coupon >= 0
    for name, block in measures.items():
        wrong = eligible & ~np.isfinite(block)
        if wrong.any():
            row, place = (int(i) for i in np.argwhere(wrong)[0])
            raise InputError(
                f"{name} of an eligible pair must be a finite number (place {place} of the user's list)",
                row=first + row,
                column=name,
                value=float(block[row, place]),
                mend="Correct it, or set the pair's value to NaN to make it not eligible",
            )
