"""The training loop of every family: AdamW, early stopping on held-out rows, checkpoints, logs.

Random numbers of an epoch come from the seed and the epoch's number alone, so that training that was killed
goes on from its last checkpoint to the very same network.

References
----------
.. [1] Loshchilov, I., & Hutter, F. (2019). Decoupled weight decay regularization. ICLR.
   https://doi.org/10.48550/arXiv.1711.05101
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from couponry.predictors.network.checkpoint import Checkpoint, Position
from couponry.predictors.network_families.contract import Batch
from couponry.predictors.network_families.device import seeded
from couponry.predictors.network_families.table import Table

__all__ = ["Fitted", "Schedule", "train"]

Log = Callable[[int, dict[str, float]], None]

_LONGEST_STEP = 5.0


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Attributes
    ----------
    epochs, patience, batch : int
    learning_rate, weight_decay : float
    seed : int
    mixed_precision : bool
    """

    epochs: int
    patience: int
    batch: int
    learning_rate: float
    weight_decay: float
    seed: int
    mixed_precision: bool = True


@dataclass(frozen=True)
class Fitted:
    """How training went.

    Attributes
    ----------
    epochs : int
        Passes made.
    best_epoch : int
        The pass whose weights were kept; 0 for those before the first.
    best_score : float
        Held-out score of those weights; larger is better.
    history : list of float
        Held-out score after every pass, from before the first on.
    """

    epochs: int
    best_epoch: int
    best_score: float
    history: list[float] = field(default_factory=list)


def train(
    module: nn.Module,
    table: Table,
    rows: Tensor,
    schedule: Schedule,
    *,
    loss: Callable[[Batch], Tensor],
    score: Callable[[], float],
    checkpoint: Checkpoint | None = None,
    log: Log | None = None,
) -> Fitted:
    """Train in place and keep the weights of the best held-out score.

    Parameters
    ----------
    module : Module
        Parameters without ``requires_grad`` stay as they are.
    table : Table
    rows : Tensor of int64
        What to learn from.
    schedule : Schedule
    loss : callable
        Mean loss of a batch.
    score : callable
        Held-out score, larger is better; called without gradients.
    checkpoint : Checkpoint, optional
        Where to go on from, and to write to after every pass.
    log : callable, optional
        Called after every pass with its number and its figures.
    """
    optimiser = torch.optim.AdamW(
        [p for p in module.parameters() if p.requires_grad],
        lr=schedule.learning_rate,
        weight_decay=schedule.weight_decay,
    )
    position = checkpoint.read(module, optimiser, _Position) if checkpoint else None
    if position is None:
        first = _scored(module, score)
        position = _Position(0, _weights(module), 0, first, [first])
    while not _ended(position, schedule):
        position.epoch += 1
        mean = _one_pass(module, table, rows, schedule, position.epoch, optimiser, loss)
        found = _scored(module, score)
        position.history.append(found)
        if found > position.best_score:
            position.best_epoch, position.best_score = position.epoch, found
            position.best = _weights(module)
        if checkpoint:
            checkpoint.write(module, optimiser, position)
        if log:
            log(position.epoch, {"training loss": mean, "held-out score": found})
    with torch.no_grad():
        for name, parameter in _trained(module).items():
            parameter.copy_(position.best[name])
    return Fitted(position.epoch, position.best_epoch, position.best_score, position.history)


@dataclass
class _Position(Position):
    """Where training stands, with the best pass, its held-out score, and all scores."""

    best_epoch: int
    best_score: float
    history: list[float]


def _ended(position: _Position, schedule: Schedule) -> bool:
    waited = position.epoch - position.best_epoch
    return position.epoch >= schedule.epochs or waited >= schedule.patience


def _one_pass(
    module: nn.Module,
    table: Table,
    rows: Tensor,
    schedule: Schedule,
    epoch: int,
    optimiser: torch.optim.Optimizer,
    loss: Callable[[Batch], Tensor],
) -> float:
    """Go through the rows once and return the mean loss."""
    seed = schedule.seed * 100_003 + epoch
    steps = -(-len(rows) // schedule.batch)
    total = torch.zeros((), device=table.device)
    half = schedule.mixed_precision and table.device.type == "cuda"
    module.train()
    with seeded(seed, table.device):
        generator = torch.Generator().manual_seed(seed)
        for step, batch in enumerate(table.shuffled(rows, schedule.batch, generator)):
            done = (epoch - 1 + step / steps) / schedule.epochs
            for group in optimiser.param_groups:
                group["lr"] = schedule.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
            optimiser.zero_grad(set_to_none=True)
            with torch.autocast(table.device.type, dtype=torch.bfloat16, enabled=half):
                value = loss(batch)
            torch.autograd.backward(value)
            nn.utils.clip_grad_norm_(module.parameters(), _LONGEST_STEP)
            optimiser.step()
            total += value.detach()
    return float(total) / steps


@torch.no_grad()
def _scored(module: nn.Module, score: Callable[[], float]) -> float:
    module.eval()
    return score()


def _trained(module: nn.Module) -> dict[str, nn.Parameter]:
    return {name: p for name, p in module.named_parameters() if p.requires_grad}


def _weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in _trained(module).items()}
