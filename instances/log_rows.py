"""Where the rows of a log stood in the table that the user gave, however often the log was parted since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Origin"]


@dataclass(frozen=True)
class Origin:
    """Of a part of a log.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        Position of every row in the whole table.
    given : mapping from coupon id, or ``"none"``, to int
        Rows of each arm in the whole table.
    """

    rows: npt.NDArray[np.int64]
    given: Mapping[str, int]

    def take(self, index: npt.NDArray[np.int64]) -> Origin:
        """Return where a part of the rows stood."""
        return Origin(self.rows[index], self.given)
