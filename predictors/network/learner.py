"""The network as a learner: builds it, trains it, answers with the mean of its members and how sure it is."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from couponry.instances.progress import Report
from couponry.predictors.amounts import Strata
from couponry.predictors.cores import spare_cores
from couponry.predictors.features import Layout
from couponry.predictors.learner import Outcomes, TrainingRows, check_rows
from couponry.predictors.network.calibration import Slopes, bring_to_scale, teach_attributes, told_unseen
from couponry.predictors.network.checkpoint import Checkpoint, fingerprint
from couponry.predictors.network.data import NetworkData
from couponry.predictors.network.module import MONEY, ResponseModule, Shape, money_ratios_of_all
from couponry.predictors.network.training import Fitted, Settings, train_network
from couponry.predictors.network_families.device import choose_device
from couponry.predictors.parameter_kinds import Even
from couponry.predictors.parameters import Parameters
from couponry.predictors.second_opinion import SecondOpinion
from couponry.predictors.state import State

__all__ = ["NetworkLearner"]

_PLACES = ("checkpoint", "logs")  # where training was done is no part of what was learnt


class NetworkLearner(Parameters):
    """The multi-arm network.

    Parameters
    ----------
    seed : int
        Of initial weights, bootstrap and order of rows.
    members, width, depth_width, rank : int
        See :class:`~couponry.predictors.network.module.Shape`.
    device : str, optional
        By default the GPU where there is one.
    settings
        See :class:`~couponry.predictors.network.training.Settings`.
    """

    layout: Layout = "standard"
    from_attributes: bool = True
    keywords: ClassVar[Any] = Settings
    parameter_kinds: ClassVar = {"members": Even()}

    def __init__(
        self,
        *,
        seed: int = 0,
        members: int = 8,
        width: int = 32,
        depth_width: int = 16,
        rank: int = 8,
        device: str | None = None,
        **settings: Any,
    ) -> None:
        self.seed = seed
        self.sizes = {"members": members, "width": width, "depth_width": depth_width, "rank": rank}
        self.device = choose_device(device)
        self.settings = Settings(**settings)

    def fit(self, rows: TrainingRows, progress: Report | None = None) -> Self:
        """Train on all rows."""
        check_rows(rows)
        self.menu = rows.coupons
        rows = replace(rows, coupons=_with_constant(rows.coupons))
        self.cost = Strata.of(rows.cost, rows.arm, rows.conversion, rows.arms)
        self.revenue = Strata.of(rows.revenue, rows.arm, rows.conversion, rows.arms)
        never_negative = [bool((amount >= 0).all()) for amount in (rows.cost, rows.revenue)]
        self.positive = torch.tensor(np.repeat(never_negative, 2), device=self.device)
        shape = Shape(rows.x.shape[1], rows.coupons.shape[1], rows.arms, **self.sizes)
        # Batches this small gain nothing from threads, and threads that wait for one another lose a lot.
        with _threads(1), torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.module = ResponseModule(shape)
            self._start_at_shares(rows)
            self.module.to(self.device)
            data = NetworkData(rows, (self.cost, self.revenue), shape.members, self.seed, self.device)
            self.fitted: Fitted = train_network(
                self.module,
                data,
                self.settings,
                positive=self.positive,
                seed=self.seed,
                checkpoint=self._checkpoint(rows),
                progress=progress,
            )
            self.slopes: Slopes = bring_to_scale(self.module, data, self.positive)
            teach_attributes(self.module, data.coupons)
            unseen = told_unseen(self.module, data)
        known = replace(rows, coupons=self.menu)
        self.opinion = SecondOpinion.of(known, unseen, np.arange(rows.n), self.seed)
        return self

    def unfitted(self) -> Self:
        """Return one of the same parameters, without checkpoint and logs."""
        alike = copy.copy(self)
        alike.settings = replace(self.settings, checkpoint=None, logs=None)
        return alike

    def _checkpoint(self, rows: TrainingRows) -> Checkpoint | None:
        if self.settings.checkpoint is None:
            return None
        name = {key: value for key, value in self._kept_parameters().items() if key != "device"}
        arrays = (rows.x, rows.arm, rows.conversion, rows.cost, rows.revenue, rows.coupons, rows.user)
        return Checkpoint(
            Path(self.settings.checkpoint) / "network.safetensors",
            fingerprint(arrays, {"network": name}),
        )

    def _kept_parameters(self) -> dict[str, Any]:
        return {name: value for name, value in self.get_params().items() if name not in _PLACES}

    @torch.no_grad()
    def _start_at_shares(self, rows: TrainingRows) -> None:
        """Begin at every arm's average, so that training has only the differences between users to find."""
        logits = [_logit(rows.conversion[rows.arm == a]) for a in range(-1, rows.arms)]
        self.module.base_bias.fill_(logits[0])
        self.module.average.copy_(torch.tensor(logits[1:]) - logits[0])

    @torch.no_grad()
    def predict(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], coupons: npt.NDArray[np.float32]
    ) -> Outcomes:
        """Return the members' mean outcomes, the spread of their uplifts and what a second opinion doubts.

        A coupon that is not in the training menu (−1 in ``known``) is answered from its attributes.
        """
        strata = [amount.select_or_guess(known, coupons, self.menu) for amount in (self.cost, self.revenue)]
        varies = np.flatnonzero(~np.hstack([one.constant.all(axis=0) for one in strata]))
        with _threads(spare_cores()):
            menu, at = (
                torch.as_tensor(array, device=self.device) for array in (_with_constant(coupons), known)
            )
            view = self.module(torch.as_tensor(x, device=self.device))
            vector, average = self.module.coupon_vectors(menu, at)
            base = self.module.base_logit(view)[:, :, None]
            effect = self.module.effect_logit(view, vector, average)
            member = torch.sigmoid(torch.cat([base, base + effect], dim=2))
            probability = member.mean(dim=0)
            spread = _spread(member[:, :, 1:] - member[:, :, :1])
            money = money_ratios_of_all(self.module, view, vector, self.positive, varies.tolist())
        p = probability.cpu().numpy()
        ratio = np.ones((*p.shape, len(MONEY)), dtype=np.float32)
        ratio[:, :, varies] = money.cpu().numpy()
        return Outcomes(
            p,
            _money(strata[0], p, ratio[:, :, 0:2]),
            _money(strata[1], p, ratio[:, :, 2:4]),
            spread.cpu().numpy(),
            self.opinion.error(x, known, coupons, p[:, 1:] - p[:, :1]),
        )

    def report(self) -> dict[str, Any]:
        """Return how training went, and on what device."""
        return {
            "device": str(self.device.type),
            "shape": asdict(self.module.shape),
            "settings": asdict(self.settings),
            **asdict(self.fitted),
            "slopes": asdict(self.slopes),
        }

    def state(self) -> State:
        """Return weights and what they were trained with."""
        facts = {
            "parameters": self._kept_parameters(),
            "shape": asdict(self.module.shape),
            "positive": self.positive.tolist(),
            "settings": asdict(self.settings),
            "fitted": asdict(self.fitted),
            "slopes": asdict(self.slopes),
        }
        weights = {name: p.detach().cpu().numpy() for name, p in self.module.named_parameters()}
        state = State(facts, weights | {"menu": self.menu})
        state.put("cost", self.cost.state())
        state.put("revenue", self.revenue.state())
        state.put("opinion", self.opinion.state())
        return state

    @classmethod
    def from_state(cls, state: State, device: str | None = None) -> Self:
        """Take back what :meth:`state` gave; on another device where one is named or its own is not there."""
        parameters = dict(state.facts["parameters"])
        gone = str(parameters["device"]).startswith("cuda") and not torch.cuda.is_available()
        if device is not None or gone:
            parameters["device"] = device
        learner = cls(**parameters)
        shape = Shape(**state.facts["shape"])
        learner.fitted = Fitted(**state.facts["fitted"])
        learner.slopes = Slopes(**state.facts["slopes"])
        learner.positive = torch.tensor(state.facts["positive"], device=learner.device)
        learner.menu = state.arrays["menu"]
        learner.cost = Strata.from_state(state.part("cost"))
        learner.revenue = Strata.from_state(state.part("revenue"))
        learner.opinion = SecondOpinion.from_state(state.part("opinion"))
        learner.module = ResponseModule(shape)
        own = {name for name, _ in learner.module.named_parameters()}
        weights = {
            name: torch.from_numpy(array.copy()) for name, array in state.arrays.items() if name in own
        }
        learner.module.load_state_dict(weights)
        learner.module.to(learner.device)
        return learner


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let torch use so many threads for a while."""
    former = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(former)


def _spread(member: Tensor) -> Tensor:
    """Return the members' standard deviation ``(B, S)``; torch's own is slow over the first axis."""
    off = member - member.mean(dim=0)
    return (off.square_().sum(dim=0) / (len(member) - 1)).sqrt_()


def _with_constant(coupons: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Add a column of ones: what all coupons share is then an attribute, too."""
    return np.column_stack([coupons, np.ones(len(coupons), np.float32)])


def _money(
    strata: Strata, probability: npt.NDArray[np.floating], ratio: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    level = strata.mean
    sides = [
        np.where(strata.constant[:, side], level[:, side], level[:, side] * ratio[:, :, side])
        for side in (0, 1)
    ]
    return strata.combine(probability, sides)


def _logit(conversion: npt.NDArray[np.float64]) -> float:
    share = (conversion.sum() + 0.5) / (len(conversion) + 1)
    return float(np.log(share / (1 - share)))
