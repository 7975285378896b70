"""DragonNet: TARNet whose representation also predicts the arm, with targeted regularisation.

References
----------
.. [1] Shi, C., Blei, D. M., & Veitch, V. (2019). Adapting neural networks for the estimation of treatment
   effects. NeurIPS 32. https://doi.org/10.48550/arXiv.1906.02120
.. [2] van der Laan, M. J., & Rose, S. (2011). Targeted Learning. Springer.
   https://doi.org/10.1007/978-1-4419-9782-1
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from couponry.predictors.network_families.contract import Answer, Batch, FamilyModule, Task, log_loss
from couponry.predictors.network_families.ladders import climb, start_of
from couponry.predictors.network_families.layers import ArmHeads, MoneyHead, select_arms, trunk
from couponry.predictors.network_families.learner import FamilyLearner

__all__ = ["DragonNet", "DragonNetLearner"]


class DragonNet(FamilyModule):
    """Trunk, heads by arm and a linear propensity head over all arms [1]_.

    Targeted regularisation moves every arm's logit along the clever covariate [2]_: with Q the heads, g the
    propensity head and one ε an arm,

        logit Q̃_a(x) = logit Q_a(x) + ε_a / g_a(x),

    whose log loss is added. Where it is least, Σ_{A=a} (y − Q̃_a) / g_a = 0, so that averages of Q̃ are
    right when either Q or g is. Q̃ is the answer.

    Parameters
    ----------
    task : Task
    width, depth, head_width : int
        As in :class:`~couponry.predictors.network_families.tarnet.TARNet`.
    propensity_weight, targeted_weight : float
        Weights of the propensity's cross entropy and, against the heads' own loss, of the targeted one.
    least_propensity : float
        Smaller ones count as this.
    """

    def __init__(
        self,
        task: Task,
        width: int,
        depth: int,
        head_width: int,
        propensity_weight: float,
        targeted_weight: float,
        least_propensity: float,
    ) -> None:
        super().__init__(task)
        self.weights = (propensity_weight, targeted_weight)
        self.least_propensity = least_propensity
        self.trunk = trunk(task.features, [width] * depth)
        self.heads = ArmHeads(width, head_width, start_of(task.level, task.ladders))
        self.propensity = nn.Linear(width, task.coupons + 1)
        self.epsilon = nn.Parameter(torch.zeros(task.coupons + 1))
        self.money = MoneyHead(width)

    def forward(self, x: Tensor, coupons: Tensor, known: Tensor) -> Answer:
        """Answer for users under none and the coupons at ``known``."""
        view = self.trunk(x)
        raw, propensity = self.heads(view), self.propensity(view)
        chance = propensity.softmax(dim=1).clamp(min=self.least_propensity)
        moved = climb(raw + self.epsilon / chance, self.task.ladders)
        parts = {"plain": climb(raw, self.task.ladders), "propensity": propensity}
        return Answer(select_arms(moved, known), self.money(view), parts)

    def conversion_loss(self, answer: Answer, batch: Batch) -> Tensor:
        """Return the mean of the heads' and the targeted log loss, and the propensity's cross entropy."""
        propensity_weight, targeted_weight = self.weights
        plain = log_loss(answer.parts["plain"], batch).mean()
        arm = cross_entropy(answer.parts["propensity"], batch["arm"])
        targeted = log_loss(answer.logit, batch).mean()
        return (plain + targeted_weight * targeted) / (1 + targeted_weight) + propensity_weight * arm


class DragonNetLearner(FamilyLearner):
    """DragonNet as a learner.

    Parameters
    ----------
    seed, members, ladder_by, device, settings
        Those of :class:`~couponry.predictors.network_families.learner.FamilyLearner`.
    width, depth, head_width, propensity_weight, targeted_weight, least_propensity
        See :class:`DragonNet`.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        members: int = 4,
        width: int = 48,
        depth: int = 2,
        head_width: int = 16,
        propensity_weight: float = 0.2,
        targeted_weight: float = 1.0,
        least_propensity: float = 0.02,
        ladder_by: Sequence[str] | None = None,
        device: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(seed, members, device, settings, ladder_by)
        self.sizes: dict[str, Any] = {"width": width, "depth": depth, "head_width": head_width}
        self.weights: dict[str, Any] = {
            "propensity_weight": propensity_weight,
            "targeted_weight": targeted_weight,
            "least_propensity": least_propensity,
        }

    def build(self, task: Task) -> FamilyModule:
        """Return one untrained network."""
        return DragonNet(task, **self.sizes, **self.weights)
