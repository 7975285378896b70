"""A log's rows as tensors on the device, and which member of the ensemble may see which.

Members come in pairs: a random half of users is one's, the other half its partner's. Every row is thus
unseen by exactly half of the members, which judge it; and the spread of members trained on halves
estimates the standard error of one trained on all [1]_.

References
----------
.. [1] Buja, A., & Stuetzle, W. (2006). Observations on bagging. Statistica Sinica, 16(2), 323-351.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from couponry.predictors.amounts import Strata
from couponry.predictors.learner import TrainingRows

__all__ = ["Batch", "NetworkData", "money_ratios"]


class Batch(NamedTuple):
    """Some rows; the leading axis is K where each member has its own, else absent.

    Attributes
    ----------
    x : Tensor, shape ([K,] B, d)
    arm : Tensor of int64, shape ([K,] B)
        −1 for none.
    conversion : Tensor, shape ([K,] B)
    ratio : Tensor, shape ([K,] B, 4)
        Amounts of money relative to the mean of their stratum.
    share : Tensor, shape ([K,] B, 4)
        How much the row counts for each; 0 where the stratum is constant.
    """

    x: Tensor
    arm: Tensor
    conversion: Tensor
    ratio: Tensor
    share: Tensor


class NetworkData:
    """All rows, ready to be cut into batches.

    Parameters
    ----------
    rows : TrainingRows
    strata : (Strata, Strata)
        Of cost and revenue.
    members : int
        Even.
    seed : int
    device : torch.device

    Attributes
    ----------
    coupons : Tensor, shape (J, c)
    known : Tensor of int64, shape (J,)
    seen : Tensor of bool, shape (K, n)
        Which rows are in each member's half.
    """

    def __init__(
        self, rows: TrainingRows, strata: tuple[Strata, Strata], members: int, seed: int, device: torch.device
    ) -> None:
        def tensor(array: npt.NDArray[np.generic], kind: torch.dtype = torch.float32) -> Tensor:
            return torch.as_tensor(np.require(array, requirements=["C", "W"])).to(device, kind)

        ratio, share = money_ratios(rows, strata)
        self.coupons = tensor(rows.coupons)
        self.known = torch.arange(rows.arms, device=device)
        self.seen = tensor(_halves(rows.user, members, seed), torch.bool)
        self._rows = Batch(
            tensor(rows.x),
            tensor(rows.arm, torch.int64),
            tensor(rows.conversion),
            tensor(ratio),
            tensor(share),
        )
        self._own = [torch.nonzero(mask)[:, 0] for mask in self.seen]

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self._rows.arm)

    @property
    def rows_a_member(self) -> int:
        """Rows that every member sees in one pass; halves of users may differ by a few rows."""
        return min(len(own) for own in self._own)

    def training_batches(self, rows: int, size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yield one pass of batches ``(K, B, …)`` of at most ``size``, each member's rows from its own half.

        ``rows`` of them, at most :attr:`rows_a_member`, are drawn in random order.
        """
        order = torch.stack(
            [own[torch.randperm(len(own), generator=generator)[:rows].to(own.device)] for own in self._own]
        )
        for part in order.tensor_split(-(-rows // size), dim=1):
            yield Batch(*(array[part] for array in self._rows))

    def all_batches(self, size: int, most: int | None = None) -> Iterator[tuple[Batch, Tensor]]:
        """Yield all rows in order, as batches ``(B, …)``, and which members ``(K, B)`` have not seen them.

        With ``most``, so many rows at most, evenly spread.
        """
        step = 1 if most is None else max(1, -(-self.n // most))
        for first in range(0, self.n, size * step):
            at = slice(first, first + size * step, step)
            yield Batch(*(array[at] for array in self._rows)), ~self.seen[:, at]


def money_ratios(
    rows: TrainingRows, strata: tuple[Strata, Strata]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return amounts relative to their stratum's mean and how much each counts, both ``(n, 4)``.

    Columns are those of :data:`~couponry.predictors.network.module.MONEY`.
    """
    ratios, shares = [], []
    for amount, own in zip((rows.cost, rows.revenue), strata, strict=True):
        for side, part in enumerate((1 - rows.conversion, rows.conversion)):
            mean = own.mean[rows.arm + 1, side]
            use = ~own.constant[rows.arm + 1, side] & (mean != 0)
            ratios.append(np.divide(amount, mean, out=np.zeros_like(amount), where=use))
            shares.append(part * use)
    return np.column_stack(ratios), np.column_stack(shares)


def _halves(user: npt.NDArray[np.int64], members: int, seed: int) -> npt.NDArray[np.bool_]:
    """Return which rows each member sees, ``(K, n)``; 2i and 2i + 1 see complementary halves of users."""
    users, inverse = np.unique(user, return_inverse=True)
    generator = np.random.default_rng(seed)
    seen = np.zeros((members, len(users)), dtype=np.bool_)
    for first in range(0, members, 2):
        half = generator.permutation(len(users))[: len(users) // 2]
        seen[first, half] = True
        seen[first + 1] = ~seen[first]
    return seen[:, inverse]
