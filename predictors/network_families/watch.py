"""Held-out scores that early stopping looks at; larger is better."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from couponry.predictors.evaluate.uplift import qini_score
from couponry.predictors.network_families.contract import Batch, FamilyModule, log_loss
from couponry.predictors.network_families.decision import choice_value, scores_by_arm
from couponry.predictors.network_families.money import CostTable
from couponry.predictors.network_families.table import Table

__all__ = ["Watch"]


class Watch:
    """Scores a network on rows that it does not learn from.

    Parameters
    ----------
    kind : {"log_loss", "qini", "policy_value"}
    table : Table
    rows : Tensor of int64
        The held-out rows.
    coupons, known : Tensor
        The menu.
    costs : CostTable
    prices : Tensor, shape (K,)
        Of the budget, for the policy's value.
    estimator : {"dr", "ips"}
    """

    def __init__(
        self,
        kind: str,
        table: Table,
        rows: Tensor,
        coupons: Tensor,
        known: Tensor,
        costs: CostTable,
        prices: Tensor,
        estimator: str,
    ) -> None:
        self.kind = kind
        self.table, self.rows = table, rows
        self.menu = (coupons, known)
        self.costs, self.prices, self.estimator = costs, prices, estimator

    @torch.no_grad()
    def score(self, module: FamilyModule, judge: FamilyModule | None = None) -> float:
        """Return the score; ``judge``, by default the network itself, gives μ of the doubly robust one."""
        if self.kind == "qini":
            return self._qini(module)
        parts = []
        for batch in self.table.in_order(self.rows):
            if self.kind == "log_loss":
                parts.append(-log_loss(module(batch["x"], *self.menu).logit, batch))
            else:
                parts.append(self._earned(module, judge or module, batch))
        return float(torch.cat(parts).mean(dtype=torch.float64))

    def outlook(self, module: FamilyModule, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return expected conversion and cost of every arm, both ``(B, A)``."""
        answer = module(batch["x"], *self.menu)
        probability = torch.sigmoid(answer.logit)
        return probability, self.costs.expected(probability, answer.money)

    def _earned(self, module: FamilyModule, judge: FamilyModule, batch: Batch) -> Tensor:
        scores = scores_by_arm(batch, *self.outlook(judge, batch), self.prices, self.estimator)
        return choice_value(*self.outlook(module, batch), scores, self.prices).mean(dim=0)

    def _qini(self, module: FamilyModule) -> float:
        logits, arms, outcomes = [], [], []
        for batch in self.table.in_order(self.rows):
            logits.append(torch.sigmoid(module(batch["x"], *self.menu).logit))
            arms.append(batch["arm"])
            outcomes.append(batch["conversion"])
        probability, arm, outcome = (_numpy(torch.cat(part)) for part in (logits, arms, outcomes))
        found = []
        for j in range(1, probability.shape[1]):
            own = (arm == j) | (arm == 0)
            if (arm == j).any() and (arm == 0).any():
                uplift = probability[own, j] - probability[own, 0]
                found.append(qini_score(outcome[own], uplift, arm[own] == j))
        return float(np.nanmean(found)) if np.isfinite(found).any() else 0.0


def _numpy(tensor: Tensor) -> npt.NDArray[np.float64]:
    return tensor.cpu().numpy().astype(np.float64)
