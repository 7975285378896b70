"""Fits the network: mini-batches on the device, each member kept where it did best on rows it never saw.

References
----------
.. [1] Loshchilov, I., & Hutter, F. (2019). Decoupled weight decay regularization. ICLR.
.. [2] Yuan, M., & Lin, Y. (2006). Model selection and estimation in regression with grouped variables.
   Journal of the Royal Statistical Society B, 68(1), 49-67.
   https://doi.org/10.1111/j.1467-9868.2005.00532.x
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from couponry.instances.progress import Report
from couponry.predictors.network.checkpoint import Checkpoint, Position
from couponry.predictors.network.data import Batch, NetworkData
from couponry.predictors.network.logs import Logs, told
from couponry.predictors.network.module import ResponseModule, money_link

__all__ = ["Fitted", "Settings", "train_network"]


_MONEY_RATE = 10.0  # few rows carry money, and training ends when conversions are learnt
_STEPS, _LEAST_BATCH, _MOST_BATCH = 40, 64, 4096
_MOST_FASTER = 2.0
_MOST_JUDGED = 200_000  # rows by which a pass is judged


@dataclass(frozen=True)
class Settings:
    """How a network is trained.

    Attributes
    ----------
    epochs : int
        Most passes over the rows.
    rows_a_pass : int
        Most rows a pass and member, drawn anew in each: with hundreds of thousands, members are done before
        they have seen all of them twelve times.
    patience : int
        Training ends after so many passes in which no member got better on its unseen rows.
    batch : int, optional
        Rows a step and member; by default a fortieth of a member's rows, between 64 and 4,096.
    learning_rate : float
        At first; it falls to 0 along a half cosine. Up to twice that where a pass is of part of the rows.
    weight_decay : float
        AdamW's [1]_.
    effect_lasso, base_lasso : float
        How fast columns of the view that hardly matter for effects, or without a coupon, are dropped: what
        is taken off the length of their weights [2]_ in each step, in units of the learning rate.
    own_penalty : float
        Weight of the variance between users, in squared logits, of what each coupon does beyond what
        coupons do on average; against the mean loss of a row.
    money_weight : float
        Weight of the losses of money beside that of the conversion.
    mixed_precision : bool
        Compute in bfloat16 where the device is a GPU; weights stay in single precision.
    checkpoint : str, optional
        Directory of the checkpoint: a killed training goes on from its last pass.
    logs : str, optional
        Directory of TensorBoard logs.
    """

    epochs: int = 12
    rows_a_pass: int = 100_000
    patience: int = 4
    batch: int | None = None
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    effect_lasso: float = 0.3
    base_lasso: float = 0.1
    own_penalty: float = 0.1
    money_weight: float = 0.05
    mixed_precision: bool = False
    checkpoint: str | None = None
    logs: str | None = None

    def rows_a_step(self, rows: int) -> int:
        """Return the batch for a member of so many rows."""
        return self.batch or min(max(rows // _STEPS, _LEAST_BATCH), _MOST_BATCH)


@dataclass(frozen=True)
class Fitted:
    """How training went.

    Attributes
    ----------
    epochs : int
        Passes made.
    best_epochs : list of int
        The pass whose parameters each member kept.
    losses : list of float
        Each member's log loss of the conversion on rows that it never saw.
    """

    epochs: int
    best_epochs: list[int]
    losses: list[float]


def train_network(
    module: ResponseModule,
    data: NetworkData,
    settings: Settings,
    *,
    positive: Tensor,
    seed: int,
    checkpoint: Checkpoint | None = None,
    progress: Report | None = None,
) -> Fitted:
    """Train in place and leave every member at its best.

    Parameters
    ----------
    module : ResponseModule
    data : NetworkData
    settings : Settings
    positive : Tensor of bool, shape (4,)
        Which amounts of money are never negative.
    seed : int
        Of the order of rows.
    checkpoint : Checkpoint, optional
        Where to go on from, and to write to after every pass.
    progress : callable, optional
        Called once a pass.
    """
    rows = min(data.rows_a_member, settings.rows_a_pass)
    optimiser = _optimiser(module, settings, min(_MOST_FASTER, data.rows_a_member / rows))
    size = settings.rows_a_step(rows)
    device = data.known.device
    half = settings.mixed_precision and device.type == "cuda"
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.epochs * -(-rows // size))
    generator = torch.Generator().manual_seed(seed)
    best = _Best(module)
    position = checkpoint.read(module, optimiser, _Position) if checkpoint else None
    epoch = 0 if position is None else position.go_on(optimiser, schedule, generator, best)
    with Logs(settings.logs, "network", told(progress, settings.epochs)) as logs:
        while epoch < settings.epochs and epoch - int(best.epoch.max()) < settings.patience:
            epoch += 1
            for batch in data.training_batches(rows, size, generator):
                optimiser.zero_grad(set_to_none=True)
                with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
                    loss = _training_loss(module, data, batch, settings, positive)
                torch.autograd.backward(loss)
                optimiser.step()
                _drop_weak_columns(module, settings, float(schedule.get_last_lr()[0]))
                schedule.step()
            best.offer(module, _unseen_loss(module, data), epoch)
            if checkpoint:
                checkpoint.write(module, optimiser, _Position.of(epoch, best, schedule, generator))
            logs.write(epoch, {"loss on unseen rows": float(best.loss.mean())})
    best.restore(module)
    return Fitted(epoch, best.epoch.tolist(), best.loss.tolist())


def _optimiser(module: ResponseModule, settings: Settings, faster: float) -> torch.optim.Optimizer:
    groups: dict[bool, list[Tensor]] = {False: [], True: []}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            groups[name.startswith("money")].append(parameter)
    rate = faster * settings.learning_rate
    rates = {False: rate, True: _MONEY_RATE * rate}
    options: list[dict[str, Any]] = [{"params": groups[money], "lr": rates[money]} for money in groups]
    return torch.optim.AdamW(options, weight_decay=settings.weight_decay)


def _training_loss(
    module: ResponseModule, data: NetworkData, batch: Batch, settings: Settings, positive: Tensor
) -> Tensor:
    """Return the members' losses together; each member's gradient is its own."""
    view = module(batch.x)
    vector, average = module.coupon_vectors(data.coupons, data.known)
    effect = module.effect_logit(view, vector, average)
    loss = _log_loss(module.base_logit(view), effect, batch)
    given = batch.arm.clamp(min=0)[:, :, None].expand(-1, -1, vector.shape[-1])
    of_given = vector.gather(1, given) * (batch.arm >= 0)[:, :, None]
    money = module.money_by_user(view) + module.money_by_pair(view @ module.money_query, of_given)
    loss = loss + settings.money_weight * _money_loss(money, batch, positive)
    own = effect - effect.mean(dim=2, keepdim=True)
    penalty = settings.own_penalty * own.var(dim=1, correction=0).mean(dim=1)
    return (loss.mean(dim=1) + penalty).sum()


@torch.no_grad()
def _drop_weak_columns(module: ResponseModule, settings: Settings, rate: float) -> None:
    """Shorten the weights of every column of the view, the group lasso's proximal step [2]_."""
    for weights, lasso in ((module.query, settings.effect_lasso), (module.base, settings.base_lasso)):
        length = weights.norm(dim=2, keepdim=True).clamp(min=1e-12)
        weights.mul_((1 - rate * lasso / length).clamp(min=0.0))


def _log_loss(base: Tensor, effect: Tensor, batch: Batch) -> Tensor:
    """Return the log loss of the given arm, shape (K, B)."""
    given = batch.arm.clamp(min=0).expand_as(base)[:, :, None]
    logit = base + effect.gather(2, given)[:, :, 0] * (batch.arm >= 0)
    return binary_cross_entropy_with_logits(logit, batch.conversion.expand_as(logit), reduction="none")


def _money_loss(money: Tensor, batch: Batch, positive: Tensor) -> Tensor:
    """Return the loss of all amounts on the given arm, shape (K, B).

    Amounts that are never negative take the Poisson quasi-likelihood, which asks for nothing but the mean and
    bears long tails better than squared error does.
    """
    mean = money_link(money, positive)
    poisson = mean - batch.ratio * torch.log(mean.clamp(min=1e-6))
    squared = 0.5 * (mean - batch.ratio) ** 2
    return (torch.where(positive, poisson, squared) * batch.share).sum(dim=2)


@torch.no_grad()
def _unseen_loss(module: ResponseModule, data: NetworkData) -> Tensor:
    """Return each member's mean log loss on rows that it never saw, of at most 200,000, shape (K,)."""
    loss = torch.zeros(module.shape.members, device=data.known.device, dtype=torch.float64)
    count = torch.zeros_like(loss)
    vector, average = module.coupon_vectors(data.coupons, data.known)
    for batch, unseen in data.all_batches(8192, _MOST_JUDGED):
        view = module(batch.x)
        effect = module.effect_logit(view, vector, average)
        count += unseen.sum(dim=1)
        loss += (_log_loss(module.base_logit(view), effect, batch) * unseen).sum(dim=1, dtype=torch.float64)
    return loss / count


class _Best:
    """The best parameters of every member so far."""

    def __init__(self, module: ResponseModule) -> None:
        members = module.shape.members
        self.kept = {name: p.detach().clone() for name, p in _trained(module).items()}
        self.loss = torch.full((members,), float("inf"), dtype=torch.float64)
        self.epoch = torch.zeros(members, dtype=torch.int64)

    def offer(self, module: ResponseModule, loss: Tensor, epoch: int) -> None:
        better = loss.cpu() < self.loss
        self.loss = torch.where(better, loss.cpu(), self.loss)
        self.epoch[better] = epoch
        for name, parameter in _trained(module).items():
            self.kept[name][better] = parameter.detach()[better]

    @torch.no_grad()
    def restore(self, module: ResponseModule) -> None:
        for name, parameter in _trained(module).items():
            parameter.copy_(self.kept[name])


def _trained(module: ResponseModule) -> dict[str, Tensor]:
    return {name: p for name, p in module.named_parameters() if p.requires_grad}


@dataclass
class _Position(Position):
    """Where training stands: every member's best pass and loss, the learning rates, the order of rows.

    Attributes
    ----------
    best_epochs, losses : list of int and of float, length K
    rates : dict
        State of the schedule of learning rates.
    order : str
        State of the generator that orders rows, in hexadecimal.
    """

    best_epochs: list[int]
    losses: list[float]
    rates: dict[str, Any]
    order: str

    @classmethod
    def of(
        cls,
        epoch: int,
        best: _Best,
        schedule: torch.optim.lr_scheduler.CosineAnnealingLR,
        generator: torch.Generator,
    ) -> Self:
        """Note all of it."""
        order = generator.get_state().numpy().tobytes().hex()
        losses = best.loss.tolist()
        return cls(epoch, best.kept, best.epoch.tolist(), losses, schedule.state_dict(), order)

    def go_on(
        self,
        optimiser: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.CosineAnnealingLR,
        generator: torch.Generator,
        best: _Best,
    ) -> int:
        """Put all of it back, and return how many passes were made."""
        schedule.load_state_dict(self.rates)
        for group, rate in zip(optimiser.param_groups, schedule.get_last_lr(), strict=True):
            group["lr"] = rate
        order = np.frombuffer(bytes.fromhex(self.order), np.uint8).copy()
        generator.set_state(torch.from_numpy(order))
        best.kept = self.best
        best.loss = torch.tensor(self.losses, dtype=torch.float64)
        best.epoch = torch.tensor(self.best_epochs, dtype=torch.int64)
        return self.epoch
