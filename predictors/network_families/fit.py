"""One log, made ready once, on which the members of an ensemble are trained one after another."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from couponry.predictors.amounts import Strata
from couponry.predictors.learner import TrainingRows, folds_by_user
from couponry.predictors.network.checkpoint import Checkpoint, fingerprint
from couponry.predictors.network.data import money_ratios
from couponry.predictors.network.logs import Logs
from couponry.predictors.network_families.contract import Batch, FamilyModule, Task
from couponry.predictors.network_families.decision import decision_loss, price_range, scores_by_arm
from couponry.predictors.network_families.loop import Schedule, train
from couponry.predictors.network_families.money import CostTable
from couponry.predictors.network_families.settings import TrainSettings
from couponry.predictors.network_families.table import Table
from couponry.predictors.network_families.watch import Watch

__all__ = ["Study"]

_FOLDS = 5

Tell = Callable[[int, str], None]


class Study:
    """A log on the device, who is held out from which member, and how members are trained on it.

    Parameters
    ----------
    rows : TrainingRows
    strata : (Strata, Strata)
        Of cost and revenue.
    task : Task
    settings : TrainSettings
    name : dict
        What tells this training from others, beside the data.
    device : torch.device
    """

    def __init__(
        self,
        rows: TrainingRows,
        strata: tuple[Strata, Strata],
        task: Task,
        settings: TrainSettings,
        name: dict[str, Any],
        device: torch.device,
    ) -> None:
        ratio, share = money_ratios(rows, strata)
        columns: dict[str, npt.NDArray[np.generic]] = {
            "x": rows.x,
            "arm": rows.arm + 1,
            "conversion": rows.conversion,
            "cost": rows.cost,
            "propensity": rows.propensity,
            "ratio": ratio,
            "share": share,
        }
        if rows.click is not None:
            columns["click"] = rows.click
        self.rows, self.task, self.settings, self.device = rows, task, settings, device
        self.table = Table(columns, device)
        self.coupons = torch.as_tensor(rows.coupons, device=device)
        self.known = torch.arange(rows.arms, device=device)
        self.costs = CostTable(strata[0], torch.tensor(task.positive, device=device))
        self.prices = torch.tensor(price_range(rows), device=device)
        arrays = (*columns.values(), rows.coupons, rows.user)
        self.fingerprint = fingerprint(arrays, name) if settings.checkpoint else ""

    def train(self, module: FamilyModule, member: int, seed: int, tell: Tell | None) -> dict[str, Any]:
        """Train a member in place, and say how that went."""
        own, held = self.split(member, seed)
        watch = self._watch(self.settings.watch, held)
        schedule = self._schedule(len(own), self.settings.epochs, seed * 131 + member)
        with Logs(self.settings.logs, f"member-{member}", tell) as logs:
            fitted = train(
                module,
                self.table,
                own,
                schedule,
                loss=partial(self._loss, module),
                score=partial(watch.score, module),
                checkpoint=self._checkpoint(f"member-{member}"),
                log=logs.write,
            )
            found = asdict(fitted)
            if self.settings.decision_epochs:
                found["decision"] = self._fine_tune(module, own, held, schedule, member, logs)
        return found

    def _fine_tune(
        self, module: FamilyModule, own: Tensor, held: Tensor, former: Schedule, member: int, logs: Logs
    ) -> dict[str, Any]:
        """Train on the decision loss; the network as it was gives μ."""
        judge = copy.deepcopy(module).eval()
        watch = self._watch("policy_value", held)

        def loss(batch: Batch) -> Tensor:
            with torch.no_grad():
                outlook = watch.outlook(judge, batch)
                scores = scores_by_arm(batch, *outlook, self.prices, self.settings.decision_estimator)
            decided = decision_loss(*watch.outlook(module, batch), scores, self.prices)
            return decided + self.settings.decision_anchor * self._loss(module, batch)

        schedule = self._schedule(len(own), self.settings.decision_epochs, former.seed + 1, slower=4.0)
        fitted = train(
            module,
            self.table,
            own,
            schedule,
            loss=loss,
            score=partial(watch.score, module, judge),
            checkpoint=self._checkpoint(f"member-{member}-decision"),
            log=logs.after(self.settings.epochs).write,
        )
        return asdict(fitted)

    def _loss(self, module: FamilyModule, batch: Batch) -> Tensor:
        answer = module(batch["x"], self.coupons, self.known)
        # As a prior worth so many rows, it fades as the log grows.
        penalty = self.settings.effect_penalty / self.rows.n
        return module.loss(answer, batch, self.settings.money_weight, penalty)

    def split(self, member: int, seed: int) -> tuple[Tensor, Tensor]:
        """Return the rows that a member learns from and those that are held out from it."""
        held = folds_by_user(self.rows.user, _FOLDS, seed) == member % _FOLDS
        return self.table.positions(~held), self.table.positions(held)

    @torch.no_grad()
    def unseen(
        self, modules: list[FamilyModule], seed: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Return logits of the rows held out from each member, ``(m, J + 1)``, and which rows these are."""
        logits, rows = [], []
        for member, module in enumerate(modules):
            held = self.split(member, seed)[1]
            rows.append(held.cpu().numpy())
            for batch in self.table.in_order(held):
                answer = module.eval()(batch["x"], self.coupons, self.known)
                logits.append(answer.logit.double().cpu().numpy())
        return np.concatenate(logits), np.concatenate(rows)

    def _watch(self, kind: str, held: Tensor) -> Watch:
        return Watch(
            kind,
            self.table,
            held,
            self.coupons,
            self.known,
            self.costs,
            self.prices,
            self.settings.decision_estimator,
        )

    def _schedule(self, rows: int, epochs: int, seed: int, slower: float = 1.0) -> Schedule:
        s = self.settings
        return Schedule(
            epochs,
            s.patience,
            s.rows_a_step(rows),
            s.learning_rate / slower,
            s.weight_decay,
            seed,
            s.mixed_precision,
        )

    def _checkpoint(self, name: str) -> Checkpoint | None:
        if self.settings.checkpoint is None:
            return None
        return Checkpoint(Path(self.settings.checkpoint) / f"{name}.safetensors", self.fingerprint)
