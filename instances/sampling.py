"""Which users a sample holds: the same seed always gives the same, and smaller samples lie in larger ones."""

from __future__ import annotations

from typing import Protocol

import numpy as np

__all__ = ["Sampler", "Shuffled", "Stratified", "Windows"]


LEAST_WINDOWS, MOST_WINDOWS, USERS_A_WINDOW = 16, 64, 1_000_000


class Sampler(Protocol):
    """Draws users."""

    def users(self, size: int) -> np.ndarray:
        """Return the positions of ``size`` users or of as many as it can draw, int64, ascending."""
        ...


class Shuffled:
    """Users at random among all.

    Parameters
    ----------
    n : int
        Users in all.
    most : int
        Users that may be drawn.
    seed : int
    """

    def __init__(self, n: int, most: int, seed: int) -> None:
        self._order = np.random.default_rng(seed).choice(n, most, replace=False)

    def users(self, size: int) -> np.ndarray:
        """Return the positions of ``size`` users, ascending."""
        return np.sort(self._order[:size])


class Windows:
    """Runs of users at evenly spread places: what can be drawn from without reading everything.

    Where they lie depends on the number of users and the seed alone, so not on how users are sharded.

    Parameters
    ----------
    n : int
        Users in all.
    most : int
        Users in all windows together, at most.
    seed : int
    windows : int, optional
        How many; so many that a tenth or so of a large instance is read for them.
    """

    def __init__(self, n: int, most: int, seed: int, windows: int | None = None) -> None:
        self.n, self.seed = n, seed
        if windows is None:
            windows = min(max(LEAST_WINDOWS, n // USERS_A_WINDOW), MOST_WINDOWS)
        windows = min(windows, most, n)
        self.length = min(most, n) // windows
        edges = np.arange(windows + 1, dtype=np.int64) * n // windows
        room = np.diff(edges) - self.length
        self.firsts = edges[:-1] + np.random.default_rng([seed, n]).integers(0, room + 1)

    @property
    def ranges(self) -> list[tuple[int, int]]:
        """First user of every window, and the one after its last."""
        return [(int(first), int(first) + self.length) for first in self.firsts]

    @property
    def users(self) -> np.ndarray:
        """Positions of the users in all windows, int64, ascending."""
        return (self.firsts[:, None] + np.arange(self.length)).ravel()


class Stratified:
    """Users of some windows, each class with the share that it has among all.

    Shards are often sorted, by region or date: windows then hold too many of one class, too few of another.

    Parameters
    ----------
    users : ndarray of int64, ascending
        Those to draw from.
    classes : ndarray of int32, same shape
    sizes : ndarray of int64, shape (C,)
        Users of every class among all.
    seed : int
    """

    def __init__(self, users: np.ndarray, classes: np.ndarray, sizes: np.ndarray, seed: int) -> None:
        rng = np.random.default_rng([seed, len(users)])
        shuffled = rng.permutation(len(users))
        # Numbers of 16 bits are sorted by their digits, several times as fast.
        short = classes.astype(np.int16) if len(sizes) < 2**15 else classes
        order = shuffled[np.argsort(short[shuffled], kind="stable")]
        held = np.bincount(classes, minlength=len(sizes))
        rank = np.arange(len(users)) - np.repeat(np.cumsum(held) - held, held)
        # The r-th of a class of n is due once (r + u)/n of all are drawn.
        due = (rank + rng.random(len(users))) / sizes[classes[order]]
        self._order = users[order[np.argsort(due, kind="stable")]]

    def users(self, size: int) -> np.ndarray:
        """Return the positions of ``size`` users, ascending."""
        return np.sort(self._order[:size])
