"""Expected costs as tensors, so that a loss may speak of them; the same arithmetic as for answers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from couponry.predictors.amounts import Strata
from couponry.predictors.network.module import money_link

__all__ = ["CostTable", "expected_amount"]


class CostTable:
    """Strata of the cost on the device.

    Parameters
    ----------
    strata : Strata
    positive : Tensor of bool, shape (4,)
    """

    def __init__(self, strata: Strata, positive: Tensor) -> None:
        at = positive.device
        self.positive = positive[:2]
        self.mean = torch.as_tensor(strata.mean, dtype=torch.float32, device=at)
        self.constant = torch.as_tensor(strata.constant, device=at)
        self.fixed = torch.as_tensor(strata.fixed, dtype=torch.float32, device=at)

    def expected(self, probability: Tensor, money: Tensor) -> Tensor:
        """Return the expected cost of every arm, ``(B, A)``.

        Parameters
        ----------
        probability : Tensor, shape (B, A)
        money : Tensor, shape (B, A, 4) or (B, 1, 4)
            Before the link.
        """
        ratio = money_link(money[:, :, :2], self.positive)
        side = torch.where(self.constant, self.mean, self.mean * ratio)
        expected = probability * side[:, :, 1] + (1 - probability) * side[:, :, 0]
        return torch.where(torch.isnan(self.fixed), expected, self.fixed.nan_to_num())


def expected_amount(
    strata: Strata, probability: npt.NDArray[np.floating], ratio: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    """Return E[amount] under every arm, float64 ``(n, A)``.

    Parameters
    ----------
    strata : Strata
        Of none and the coupons asked for.
    probability : ndarray, shape (n, A)
    ratio : ndarray, shape (n, A, 2) or (n, 1, 2)
        Amount relative to its stratum's mean without and with a conversion.
    """
    sides = [
        np.where(strata.constant[:, side], strata.mean[:, side], strata.mean[:, side] * ratio[:, :, side])
        for side in (0, 1)
    ]
    return strata.combine(probability, sides)
