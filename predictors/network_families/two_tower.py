"""A tower for users, one for coupons: click, conversion and spend learnt together.

References
----------
.. [1] Ma, X., Zhao, L., Huang, G., Wang, Z., Hu, Z., Zhu, X., & Gai, K. (2018). Entire space multi-task
   model: an effective approach for estimating post-click conversion rate. SIGIR, 1137-1140.
   https://doi.org/10.1145/3209978.3210104
.. [2] Yi, X., et al. (2019). Sampling-bias-corrected neural modeling for large corpus item recommendations.
   RecSys, 269-277. https://doi.org/10.1145/3298689.3346996
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from couponry.predictors.network.module import MONEY
from couponry.predictors.network_families.contract import Answer, Batch, FamilyModule, Task, log_loss
from couponry.predictors.network_families.layers import MoneyHead, trunk
from couponry.predictors.network_families.learner import FamilyLearner

__all__ = ["TwoTower", "TwoTowerLearner", "compose"]


class TwoTower(FamilyModule):
    """Inner products of a user's and a coupon's vectors [2]_ for click and effect, over a base logit.

    With b(x) the logit of a conversion without a coupon, and vectors u(x) and z_j of the towers,

        P(click | j) = σ(α_j + u_click·z_j),   P(conversion | j, click) = σ(b + β_j + u_effect·z_j),
        P(conversion | j, no click) = σ(b + γ_j),

    and P(conversion | j) is the sum over both. The conversion is learnt from that sum on all rows, never on
    the clicked ones alone, who chose themselves [1]_; clicks are learnt where the log tells of them, else
    they stay a latent variable. Spend, given a conversion or none, has an inner product of its own.

    Parameters
    ----------
    task : Task
    width, rank : int
        Units of the towers' hidden layers, length of their vectors.
    click_weight : float
        Weight of the clicks' log loss.
    """

    def __init__(self, task: Task, width: int, rank: int, click_weight: float) -> None:
        super().__init__(task)
        self.click_weight = click_weight
        self.user = trunk(task.features, [width, width])
        self.to_click, self.to_buy, self.to_spend = (nn.Linear(width, rank) for _ in range(3))
        self.base = nn.Linear(width, 1)
        self.attributes = nn.Sequential(*trunk(task.attributes, [width]), nn.Linear(width, rank))
        self.embedding = nn.Parameter(torch.randn(task.coupons, rank) * 0.3)
        self.levels = nn.Parameter(torch.zeros(task.coupons, 3))
        self.money = MoneyHead(width)
        self.spend = nn.Linear(rank, len(MONEY), bias=False)
        nn.init.zeros_(self.base.weight)
        nn.init.constant_(self.base.bias, task.level[0])
        with torch.no_grad():
            self.levels[:, 1] = torch.tensor(task.level[1:]) - task.level[0]
            self.levels[:, 2] = self.levels[:, 1]
            for vector in (self.to_click, self.to_buy, self.to_spend):
                vector.weight.mul_(0.1)
            self.spend.weight.mul_(0.1)

    def forward(self, x: Tensor, coupons: Tensor, known: Tensor) -> Answer:
        """Answer for users under none and S coupons; a new coupon speaks by its attributes alone."""
        view = self.user(x)
        z, level = self._coupons(coupons, known)
        base = self.base(view)
        click = level[:, 0] + self.to_click(view) @ z.T
        clicked = base + level[:, 1] + self.to_buy(view) @ z.T
        logit = torch.cat([base, compose(click, clicked, base + level[:, 2])], dim=1)
        pair = self.spend(self.to_spend(view)[:, None] * z)
        alone = self.money(view)
        return Answer(logit, torch.cat([alone, alone + pair], dim=1), {"click": click})

    def conversion_loss(self, answer: Answer, batch: Batch) -> Tensor:
        """Return the log loss of conversions on all rows, and of clicks where they are known."""
        loss = log_loss(answer.logit, batch).mean()
        if "click" not in batch:
            return loss
        told = (batch["arm"] > 0) & ~torch.isnan(batch["click"])
        at = (batch["arm"] - 1).clamp(min=0)[:, None]
        logit = answer.parts["click"].gather(1, at)[:, 0]
        click = torch.where(told, batch["click"], torch.zeros_like(logit))
        each = binary_cross_entropy_with_logits(logit, click, reduction="none")
        return loss + self.click_weight * (each * told).mean()

    def _coupons(self, coupons: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return the coupons' vectors ``(S, rank)`` and levels ``(S, 3)``."""
        old = (known >= 0)[:, None]
        at = known.clamp(min=0)
        vector = self.attributes(coupons) + self.embedding[at] * old
        return vector, torch.where(old, self.levels[at], self.levels.mean(dim=0))


def compose(click: Tensor, clicked: Tensor, passed: Tensor) -> Tensor:
    """Return the logit of P(click)·σ(clicked) + (1 − P(click))·σ(passed), without loss of digits.

    Parameters
    ----------
    click, clicked, passed : Tensor
        Logits: of the click, and of the conversion with and without it.
    """
    yes = torch.logaddexp(logsigmoid(click) + logsigmoid(clicked), logsigmoid(-click) + logsigmoid(passed))
    no = torch.logaddexp(logsigmoid(click) + logsigmoid(-clicked), logsigmoid(-click) + logsigmoid(-passed))
    return yes - no


class TwoTowerLearner(FamilyLearner):
    """The two towers as a learner.

    Parameters
    ----------
    seed, members, device, settings
        Those of :class:`~couponry.predictors.network_families.learner.FamilyLearner`.
    width, rank, click_weight
        See :class:`TwoTower`.
    """

    from_attributes = True

    def __init__(
        self,
        *,
        seed: int = 0,
        members: int = 4,
        width: int = 48,
        rank: int = 8,
        click_weight: float = 0.5,
        device: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(seed, members, device, settings)
        self.sizes = {"width": width, "rank": rank}
        self.click_weight = click_weight

    def build(self, task: Task) -> FamilyModule:
        """Return one untrained network."""
        return TwoTower(task, **self.sizes, click_weight=self.click_weight)

    @torch.no_grad()
    def predict_click(self, x: Any, known: Any, coupons: Any) -> Any:
        """Return the members' mean probability of a click on every coupon, float32 ``(n, S)``.

        Parameters
        ----------
        x, known, coupons
            As :meth:`predict` takes them.
        """
        at = [torch.as_tensor(array, device=self.device) for array in (x, coupons, known)]
        clicks = [torch.sigmoid(module.eval()(*at).parts["click"]) for module in self.modules]
        return torch.stack(clicks).mean(dim=0).cpu().numpy()
