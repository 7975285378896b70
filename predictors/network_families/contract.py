"""What a family of networks is given and what it answers; everything else, training above all, they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from couponry.predictors.network.module import money_link

__all__ = ["Answer", "Batch", "FamilyModule", "Task", "chosen_arm", "log_loss", "money_loss"]

Batch = dict[str, Tensor]
"""Rows by name: ``x (B, d)``, ``arm (B,)`` (0 for none, j + 1 for coupon j), ``conversion (B,)``, ``cost
(B,)``, ``propensity (B,)``, ``ratio`` and ``share (B, 4)`` of money, and ``click (B,)`` where the log tells
of clicks (NaN where there was nothing to click)."""


@dataclass(frozen=True)
class Task:
    """What there is to learn from.

    Attributes
    ----------
    features, attributes : int
        Columns of encoded users and coupons.
    coupons : int
        J.
    level : tuple of float, length J + 1
        Logit of every arm's average conversion, none first: where networks start.
    positive : tuple of bool, length 4
        Which amounts of :data:`~couponry.predictors.network.module.MONEY` are never negative.
    ladders : tuple of tuples of tuples of int
        Coupons that differ in face value: ladders of rungs of menu positions, least face value first.
    """

    features: int
    attributes: int
    coupons: int
    level: tuple[float, ...]
    positive: tuple[bool, ...]
    ladders: tuple[tuple[tuple[int, ...], ...], ...] = ()


class Answer(NamedTuple):
    """What a network says of B users under none and S coupons.

    Attributes
    ----------
    logit : Tensor, shape (B, S + 1)
        Of the conversion, none first.
    money : Tensor, shape (B, S + 1, 4) or (B, 1, 4)
        Amounts relative to their stratum's mean, before the link, by arm or the same for all.
    parts : dict from str to Tensor
        What the family's own loss needs.
    """

    logit: Tensor
    money: Tensor
    parts: dict[str, Tensor]


class FamilyModule(nn.Module):
    """Base of all families.

    A family overrides :meth:`forward` and, where it adds to the log loss, :meth:`conversion_loss`.

    Parameters
    ----------
    task : Task
    """

    positive: Tensor

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task
        self.register_buffer("positive", torch.tensor(task.positive), persistent=False)

    def forward(self, x: Tensor, coupons: Tensor, known: Tensor) -> Answer:
        """Answer for users under none and S coupons.

        Parameters
        ----------
        x : Tensor, shape (B, d)
        coupons : Tensor, shape (S, c)
            Encoded attributes.
        known : Tensor of int64, shape (S,)
            Position of each coupon in the training menu, −1 for a new one.
        """
        raise NotImplementedError

    def conversion_loss(self, answer: Answer, batch: Batch) -> Tensor:
        """Return the mean loss of conversions, with whatever the family adds to it."""
        return log_loss(answer.logit, batch).mean()

    def loss(self, answer: Answer, batch: Batch, money_weight: float, effect_penalty: float = 0.0) -> Tensor:
        """Return the mean loss of a batch: conversions, money on the given arm, how effects vary."""
        given = batch["arm"] if answer.money.shape[1] > 1 else torch.zeros_like(batch["arm"])
        of_given = answer.money.gather(1, given[:, None, None].expand(-1, -1, answer.money.shape[2]))[:, 0]
        money = money_loss(of_given, batch, self.positive).mean()
        effect = answer.logit[:, 1:] - answer.logit[:, :1]
        varying = effect.var(dim=0, correction=0).mean()
        return self.conversion_loss(answer, batch) + money_weight * money + effect_penalty * varying


def chosen_arm(table: Tensor, arm: Tensor) -> Tensor:
    """Return the given arm's entry of every row, ``(B,)`` of ``(B, A)``."""
    return table.gather(1, arm[:, None])[:, 0]


def log_loss(logit: Tensor, batch: Batch) -> Tensor:
    """Return the log loss of the conversion under the given arm, ``(B,)``."""
    return binary_cross_entropy_with_logits(
        chosen_arm(logit, batch["arm"]), batch["conversion"], reduction="none"
    )


def money_loss(money: Tensor, batch: Batch, positive: Tensor) -> Tensor:
    """Return the loss of all amounts on the given arm, ``(B,)`` of ``(B, 4)``.

    It is Poisson's where amounts are never negative, else squares. Poisson's quasi-likelihood asks for
    nothing but the mean and bears long tails better than squares do.
    """
    mean, ratio = money_link(money, positive), batch["ratio"]
    poisson = mean - ratio * torch.log(mean.clamp(min=1e-6))
    return (torch.where(positive, poisson, 0.5 * (mean - ratio) ** 2) * batch["share"]).sum(dim=1)
