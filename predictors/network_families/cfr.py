"""CFR: TARNet whose representation is held alike between arms.

References
----------
.. [1] Shalit, U., Johansson, F. D., & Sontag, D. (2017). Estimating individual treatment effect:
   generalization bounds and algorithms. ICML, PMLR 70, 3076-3085. https://proceedings.mlr.press/v70/shalit17a.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor

from couponry.predictors.network_families.balance import DISTANCES, distance_between_arms
from couponry.predictors.network_families.contract import Answer, Batch, FamilyModule, Task, log_loss
from couponry.predictors.network_families.learner import FamilyLearner
from couponry.predictors.network_families.tarnet import TARNet
from couponry.predictors.parameter_kinds import Word

__all__ = ["CFR", "CFRLearner"]


class CFR(TARNet):
    """TARNet with a balancing penalty [1]_.

    The error of effects is bounded by that of outcomes and by a distance between the arms' distributions of
    the representation: that distance, each arm against all others, is added to the loss. In a randomised log
    it is near 0 by itself.

    Parameters
    ----------
    task : Task
    width, depth, head_width : int
        As in :class:`~couponry.predictors.network_families.tarnet.TARNet`.
    balance : {"mmd", "wasserstein"}
        See :mod:`~couponry.predictors.network_families.balance`.
    balance_weight : float
    """

    def __init__(
        self, task: Task, width: int, depth: int, head_width: int, balance: str, balance_weight: float
    ) -> None:
        super().__init__(task, width, depth, head_width)
        self.balance = balance
        self.balance_weight = balance_weight

    def conversion_loss(self, answer: Answer, batch: Batch) -> Tensor:
        """Return the log loss and the weighed distance between arms."""
        apart = distance_between_arms(answer.parts["view"], batch["arm"], self.task.coupons + 1, self.balance)
        return log_loss(answer.logit, batch).mean() + self.balance_weight * apart


class CFRLearner(FamilyLearner):
    """CFR as a learner.

    Parameters
    ----------
    seed, members, ladder_by, device, settings
        Those of :class:`~couponry.predictors.network_families.learner.FamilyLearner`.
    width, depth, head_width, balance, balance_weight
        See :class:`CFR`.

    Raises
    ------
    InputError
        If there is no such distance.
    """

    parameter_kinds: ClassVar = {"balance": Word(tuple(DISTANCES))}

    def __init__(
        self,
        *,
        seed: int = 0,
        members: int = 4,
        width: int = 48,
        depth: int = 2,
        head_width: int = 16,
        balance: str = "mmd",
        balance_weight: float = 0.1,
        ladder_by: Sequence[str] | None = None,
        device: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(seed, members, device, settings, ladder_by)
        self.sizes = {"width": width, "depth": depth, "head_width": head_width}
        self.penalty = (balance, balance_weight)

    def build(self, task: Task) -> FamilyModule:
        """Return one untrained network."""
        return CFR(task, **self.sizes, balance=self.penalty[0], balance_weight=self.penalty[1])
