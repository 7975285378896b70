"""Users who are exactly alike, found by hashing.

Two users are alike if they are of one class, may have as many coupons, have the same shortlist, and every
measure of every pair that they may be given is the same to the last bit. An integer program need not tell
them apart: it decides how many of a group get what.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from couponry.instances.program import Program

__all__ = ["Alike", "find_alike"]

SAMPLE = 5000
# Users in a sample that must have a double in it for the whole to be looked at.
FEWEST_DOUBLES = 0.5
_SEED = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Alike:
    """Groups of users who are exactly alike.

    Attributes
    ----------
    group : ndarray of int64, shape (n,)
        Each user's group.
    first : ndarray of int64, shape (G,)
        The first user of each group, who stands for all.
    size : ndarray of int64, shape (G,)
    """

    group: np.ndarray
    first: np.ndarray
    size: np.ndarray

    def members(self) -> tuple[np.ndarray, np.ndarray]:
        """Return all users ordered by group, and where each group begins, ``(G + 1,)``."""
        order = np.argsort(self.group, kind="stable")
        return order, np.concatenate([[0], np.cumsum(self.size)])


def find_alike(program: Program, *, seed: int = 0) -> Alike | None:
    """Group the users of a program; None where hardly any are alike, which a sample tells at once.

    Parameters
    ----------
    program : Program
    seed : int
        Of the sample.
    """
    n = program.n_users
    if n > SAMPLE:
        rows = np.sort(np.random.default_rng(seed).choice(n, SAMPLE, replace=False))
        distinct = len(np.unique(_hashes(program, rows)))
        if distinct > (1 - FEWEST_DOUBLES) * SAMPLE:
            return None
    hashes = _hashes(program, np.arange(n))
    _, first, group, size = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    if len(first) > (1 - FEWEST_DOUBLES) * n or not _really_alike(program, first[group]):
        return None
    return Alike(group, first, size)


def _hashes(program: Program, rows: np.ndarray) -> np.ndarray:
    """Return a 64-bit hash of all that matters of each user, uint64."""
    hashes: np.ndarray = program.classes.codes[rows].astype(np.uint64) * _SEED
    hashes += program.choices.max_coupons[rows].astype(np.uint64)
    usable = _Usable(program)
    for array in _arrays(program):
        _mix(hashes, rows, array, *usable.arguments)
    return hashes


def _really_alike(program: Program, leader: np.ndarray) -> bool:
    """Return whether every user equals its leader: different users may have one hash, if hardly ever."""
    codes, most = program.classes.codes, program.choices.max_coupons
    if (codes != codes[leader]).any() or (most != most[leader]).any():
        return False
    usable = _Usable(program)
    return all(_equal(array, leader, *usable.arguments) for array in _arrays(program))


class _Usable:
    """What the compiled loops need to know which pairs may be given."""

    def __init__(self, program: Program) -> None:
        lists = np.zeros((1, 1), np.int32) if program.coupon is None else program.coupon
        self.arguments = (program.columns["value"], lists, program.coupon is not None)


def _arrays(program: Program) -> list[np.ndarray]:
    """Return what tells users apart, as whole numbers: the bits of every measure, and the shortlist."""
    bits = [_bits(array) for array in program.columns.values()]
    return bits if program.coupon is None else [*bits, program.coupon]


def _bits(array: np.ndarray) -> np.ndarray:
    # Any width: an earlier plan is kept in bytes.
    contiguous = array if array.strides[-1] == array.itemsize else np.ascontiguousarray(array)
    return contiguous.view(f"i{array.itemsize}")


@njit(nogil=True, cache=True)
def _mix(hashes, rows, bits, value, lists, listed):  # type: ignore[no-untyped-def]
    """Mix the bits of each user's usable pairs into its hash (the finaliser of splitmix64)."""
    for r in range(rows.shape[0]):
        i = rows[r]
        h = hashes[r]
        for s in range(bits.shape[1]):
            usable = value[i, s] == value[i, s] and (not listed or lists[i, s] >= 0)
            h ^= np.uint64(bits[i, s]) + np.uint64(1) if usable else np.uint64(0)
            h *= np.uint64(0xBF58476D1CE4E5B9)
            h ^= h >> np.uint64(29)
        hashes[r] = h


@njit(nogil=True, cache=True)
def _equal(bits, leader, value, lists, listed):  # type: ignore[no-untyped-def]
    """Return whether each user's usable pairs are those of its leader, bit by bit."""
    for i in range(bits.shape[0]):
        k = leader[i]
        for s in range(bits.shape[1]):
            mine = value[i, s] == value[i, s] and (not listed or lists[i, s] >= 0)
            theirs = value[k, s] == value[k, s] and (not listed or lists[k, s] >= 0)
            if mine != theirs or (mine and bits[i, s] != bits[k, s]):
                return False
    return True
