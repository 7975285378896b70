"""Layers that families share: the trunk, one head an arm, the head of money."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from couponry.predictors.network.module import MONEY

__all__ = ["ArmHeads", "MoneyHead", "select_arms", "trunk"]


def trunk(inputs: int, widths: Sequence[int], dropout: float = 0.0) -> nn.Sequential:
    """Return dense layers with ELU between them, as TARNet's authors have it."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.ELU()]
        layers += [nn.Dropout(dropout)] if dropout else []
        inputs = width
    return nn.Sequential(*layers)


class ArmHeads(nn.Module):
    """One two-layer head an arm, all computed together.

    Weights are a part that all arms share and each arm's own, which begins at zero and is what weight decay
    holds small: arms differ where the log says so [1]_. The bias begins at the arm's average, so that
    training has only the differences between users to find.

    Parameters
    ----------
    inputs, width : int
    level : sequence of float, length A
        Where each arm starts.

    References
    ----------
    .. [1] Curth, A., & van der Schaar, M. (2021). On inductive biases for heterogeneous treatment effect
       estimation. NeurIPS 34. https://doi.org/10.48550/arXiv.2106.03765
    """

    def __init__(self, inputs: int, width: int, level: Sequence[float]) -> None:
        super().__init__()
        arms = len(level)
        self.shared_first = nn.Parameter(torch.randn(inputs, width) * (1.0 / max(1, inputs)) ** 0.5)
        self.shared_last = nn.Parameter(torch.zeros(width))
        self.first = nn.Parameter(torch.zeros(arms, inputs, width))
        self.first_bias = nn.Parameter(torch.zeros(arms, width))
        self.last = nn.Parameter(torch.zeros(arms, width))
        self.bias = nn.Parameter(torch.tensor(level, dtype=torch.float32))

    def forward(self, view: Tensor) -> Tensor:
        """Return ``(B, A)`` of a representation ``(B, inputs)``."""
        first = self.shared_first + self.first
        hidden = nn.functional.elu(torch.einsum("bi,aih->bah", view, first) + self.first_bias)
        return torch.einsum("bah,ah->ba", hidden, self.shared_last + self.last) + self.bias


class MoneyHead(nn.Module):
    """Amounts relative to their stratum's mean, before the link; all 1 at first."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, len(MONEY))
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, view: Tensor) -> Tensor:
        """Return ``(B, 1, 4)``: the same for all arms."""
        answer: Tensor = self.linear(view)
        return answer[:, None]


def select_arms(arms: Tensor, known: Tensor) -> Tensor:
    """Return none's and the known coupons' columns, ``(B, S + 1)`` of ``(B, J + 1)``."""
    none = torch.zeros(1, dtype=known.dtype, device=known.device)
    return arms[:, torch.cat([none, known + 1])]
