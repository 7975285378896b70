"""The knee of a curve: where it turns from steep to flat."""

from __future__ import annotations

import numpy as np

__all__ = ["knee"]

# A curve nearer to its chord than this, both axes scaled to 1, is a straight line.
STRAIGHT = 1e-3


def knee(x: np.ndarray, y: np.ndarray) -> int | None:
    """Return which point of a concave rising or falling curve is its knee.

    Parameters
    ----------
    x : ndarray of float64, shape (m,)
        Rising.
    y : ndarray of float64, shape (m,)
        Concave in ``x``.

    Returns
    -------
    int or None
        The first point that is furthest above the chord between the ends; None where there are fewer than
        three points, or the curve is straight or flat.

    Notes
    -----
    With both axes scaled to [0, 1] the distance from the chord is the curve's difference to it, whose maximum
    is the knee of "kneedle" [1]_. Its smoothing and its threshold are for noisy measurements, of which a
    concave curve has none.

    References
    ----------
    .. [1] V. Satopaa, J. Albrecht, D. Irwin and B. Raghavan, Finding a "kneedle" in a haystack: detecting
       knee points in system behavior, *ICDCS Workshops*, 2011. 10.1109/ICDCSW.2011.20
    """
    if len(x) < 3 or not y[-1] > y[0]:
        return None
    above = (y - y[0]) / (y[-1] - y[0]) - (x - x[0]) / (x[-1] - x[0])
    at = int(np.argmax(above))
    return at if above[at] > STRAIGHT else None
