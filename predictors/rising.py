"""Answers that a coupon of a larger face value never lowers, whatever was done to them since the learner."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Ladders", "never_falling"]

Floats = npt.NDArray[np.float64]
Ladders = tuple[tuple[tuple[int, ...], ...], ...]


def never_falling(
    conversion: npt.NDArray[np.floating], ladders: Ladders, known: npt.NDArray[np.int64]
) -> Floats:
    """Return probabilities that do not fall from a rung of a ladder to the next.

    Each is the mean of the largest answer up to its rung and the least from its rung on, so that what rises
    already stays as it is, and what falls meets in the middle.

    Parameters
    ----------
    conversion : ndarray, shape (n, S + 1)
        None first.
    ladders : tuple of ladders
        A ladder is rungs of positions in the training menu, least face value first.
    known : ndarray of int64, shape (S,)
        Position of each coupon in the training menu.
    """
    found = np.array(conversion, dtype=np.float64)
    column = {int(position): s + 1 for s, position in enumerate(known)}
    for ladder in ladders:
        rungs = [[column[j] for j in rung if j in column] for rung in ladder]
        asked = [rung for rung in rungs if rung]
        up = _running(found, asked, np.maximum)
        down = _running(found, asked[::-1], np.minimum)[::-1]
        for rung, above, below in zip(asked, up, down, strict=True):
            found[:, rung] = (above + below) / 2
    return found


def _running(found: Floats, rungs: list[list[int]], extreme: np.ufunc) -> list[Floats]:
    """Return every rung's answers, none beyond the extreme of the rungs before it, each ``(n, coupons)``."""
    parts: list[Floats] = []
    for rung in rungs:
        own = found[:, rung]
        parts.append(extreme(own, extreme.reduce(parts[-1], axis=1)[:, None]) if parts else own)
    return parts
