"""EFIN: an explicit-effect network, in which coupon and user features interact one by one.

References
----------
.. [1] Liu, D., Tang, X., Gao, H., Lyu, F., & He, X. (2023). Explicit feature interaction-aware uplift
   network for online marketing. KDD, 4507-4515. https://doi.org/10.1145/3580305.3599820
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from couponry.predictors.network_families.contract import Answer, Batch, FamilyModule, Task, log_loss
from couponry.predictors.network_families.layers import MoneyHead, trunk
from couponry.predictors.network_families.learner import FamilyLearner

__all__ = ["EFIN", "EFINLearner"]


class EFIN(FamilyModule):
    """Self-interaction for the outcome without a coupon, coupon-aware interaction for what it adds [1]_.

    Every user feature is a vector: its value times an embedding. Self-attention over them gives the base
    logit; attention of a coupon, itself made of its attributes and an embedding, over them gives the
    effect, which is added to the base logit while that is held fixed. A head on the same interaction
    guesses the arm and is taught the wrong ones, so that the effect's representation does not tell who was
    chosen for a coupon; with several coupons the wrong arms share the label alike.

    Parameters
    ----------
    task : Task
    width, head_width : int
        Length of a feature's vector, units of the two nets.
    constraint_weight : float
        Of the guess of the arm.
    """

    def __init__(self, task: Task, width: int, head_width: int, constraint_weight: float) -> None:
        super().__init__(task)
        self.constraint_weight = constraint_weight
        self.feature = nn.Parameter(torch.randn(task.features, width) * width**-0.5)
        self.offset = nn.Parameter(torch.randn(task.features, width) * width**-0.5)
        self.embedding = nn.Parameter(torch.randn(task.coupons, width) * 0.3)
        self.attributes = nn.Linear(task.attributes, width) if task.attributes else None
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.by_coupon, self.by_feature = nn.Linear(width, width, bias=False), nn.Linear(width, width)
        self.weigh = nn.Linear(width, 1, bias=False)
        self.control = trunk(width + task.features, [head_width, head_width])
        self.base = nn.Linear(head_width, 1)
        self.uplift = trunk(2 * width, [head_width, head_width])
        self.effect = nn.Linear(head_width, 1)
        self.guess = nn.Linear(head_width, 1)
        self.average = nn.Parameter(torch.tensor(task.level[1:]) - task.level[0])
        self.money = MoneyHead(head_width)
        for last in (self.base, self.effect, self.guess):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
        nn.init.constant_(self.base.bias, task.level[0])

    def forward(self, x: Tensor, coupons: Tensor, known: Tensor) -> Answer:
        """Answer for users under none and S coupons; a new coupon speaks by its attributes alone."""
        fields = x[:, :, None] * self.feature + self.offset
        own = torch.cat([self._self_interaction(fields), x], dim=1)
        hidden = self.control(own)
        base = self.base(hidden)
        coupon, average = self._coupons(coupons, known)
        met = self._meeting(fields, coupon)
        pair = torch.cat([met, coupon.expand(len(x), -1, -1)], dim=2)
        view = self.uplift(pair)
        effect = self.effect(view)[:, :, 0] + average
        parts = {"base": base[:, 0], "effect": effect, "guess": self.guess(view)[:, :, 0]}
        return Answer(torch.cat([base, base + effect], dim=1), self.money(hidden), parts)

    def conversion_loss(self, answer: Answer, batch: Batch) -> Tensor:
        """Return the log loss, in which effects do not move the base, and the loss of the wrong arm."""
        base, effect = answer.parts["base"][:, None], answer.parts["effect"]
        logit = torch.cat([base, base.detach() + effect], dim=1)
        given = batch["arm"]
        none = torch.zeros_like(base)
        guess = torch.cat([none, answer.parts["guess"]], dim=1).log_softmax(dim=1)
        arms = guess.shape[1]
        wrong = (1 - nn.functional.one_hot(given, arms).to(guess.dtype)) / (arms - 1)
        return log_loss(logit, batch).mean() - self.constraint_weight * (wrong * guess).sum(dim=1).mean()

    def _self_interaction(self, fields: Tensor) -> Tensor:
        """Return the mean of attention of features over features, ``(B, width)``."""
        normal = fields / fields.norm(dim=1, keepdim=True).clamp(min=1e-6)
        query, key, value = self.query(normal), self.key(normal), self.value(normal)
        share = (query @ key.transpose(1, 2) / query.shape[-1] ** 0.5).softmax(dim=-1)
        interacted: Tensor = (share @ value).mean(dim=1)
        return interacted

    def _coupons(self, coupons: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return every coupon's vector ``(S, width)`` and average effect ``(S,)``."""
        old = (known >= 0).to(coupons.dtype)
        at = known.clamp(min=0)
        vector = self.embedding[at] * old[:, None]
        if self.attributes is not None:
            vector = vector + self.attributes(coupons)
        average = torch.where(known >= 0, self.average[at], self.average.mean())
        return vector, average

    def _meeting(self, fields: Tensor, coupon: Tensor) -> Tensor:
        """Return every coupon's view of the user, ``(B, S, width)``, by additive attention over features."""
        scores = [
            self.weigh(torch.relu(self.by_coupon(one) + self.by_feature(fields)))[:, :, 0].softmax(dim=1)
            for one in coupon.unbind(dim=0)
        ]
        return torch.stack(scores, dim=1) @ fields


class EFINLearner(FamilyLearner):
    """EFIN as a learner.

    Parameters
    ----------
    seed, members, device, settings
        Those of :class:`~couponry.predictors.network_families.learner.FamilyLearner`.
    width, head_width, constraint_weight
        See :class:`EFIN`.
    """

    from_attributes = True

    def __init__(
        self,
        *,
        seed: int = 0,
        members: int = 4,
        width: int = 8,
        head_width: int = 32,
        constraint_weight: float = 0.1,
        device: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(seed, members, device, settings)
        self.sizes = {"width": width, "head_width": head_width}
        self.constraint_weight = constraint_weight

    def build(self, task: Task) -> FamilyModule:
        """Return one untrained network."""
        return EFIN(task, **self.sizes, constraint_weight=self.constraint_weight)
