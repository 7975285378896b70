"""TARNet: a representation that all arms share, and a head of its own for every arm.

References
----------
.. [1] Shalit, U., Johansson, F. D., & Sontag, D. (2017). Estimating individual treatment effect:
   generalization bounds and algorithms. ICML, PMLR 70, 3076-3085. https://proceedings.mlr.press/v70/shalit17a.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from couponry.predictors.network_families.contract import Answer, FamilyModule, Task
from couponry.predictors.network_families.ladders import climb, start_of
from couponry.predictors.network_families.layers import ArmHeads, MoneyHead, select_arms, trunk
from couponry.predictors.network_families.learner import FamilyLearner

__all__ = ["TARNet", "TARNetLearner"]


class TARNet(FamilyModule):
    """Shared trunk, heads by arm [1]_, for any number of arms.

    Where the task has ladders, logits never fall as the face value rises
    (:mod:`~couponry.predictors.network_families.ladders`).

    Parameters
    ----------
    task : Task
    width, depth, head_width : int
        Units of the trunk's layers, their number, units of a head's.
    """

    def __init__(self, task: Task, width: int, depth: int, head_width: int) -> None:
        super().__init__(task)
        self.trunk = trunk(task.features, [width] * depth)
        self.heads = ArmHeads(width, head_width, start_of(task.level, task.ladders))
        self.money = MoneyHead(width)

    def forward(self, x: Tensor, coupons: Tensor, known: Tensor) -> Answer:
        """Answer for users under none and the coupons at ``known``."""
        view = self.trunk(x)
        logit = climb(self.heads(view), self.task.ladders)
        return Answer(select_arms(logit, known), self.money(view), {"view": view})


class TARNetLearner(FamilyLearner):
    """TARNet as a learner.

    Parameters
    ----------
    seed, members, ladder_by, device, settings
        Those of :class:`~couponry.predictors.network_families.learner.FamilyLearner`.
    width, depth, head_width : int
        See :class:`TARNet`.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        members: int = 4,
        width: int = 48,
        depth: int = 2,
        head_width: int = 16,
        ladder_by: Sequence[str] | None = None,
        device: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(seed, members, device, settings, ladder_by)
        self.sizes = {"width": width, "depth": depth, "head_width": head_width}

    def build(self, task: Task) -> FamilyModule:
        """Return one untrained network."""
        return TARNet(task, **self.sizes)
