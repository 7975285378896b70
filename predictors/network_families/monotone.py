"""TARNet in which a larger face value never lowers the response, by construction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from couponry.predictors.network_families.tarnet import TARNetLearner

__all__ = ["MonotoneLearner"]


class MonotoneLearner(TARNetLearner):
    """TARNet over ladders of face values: within a kind of coupon, unless told otherwise.

    DragonNet and CFR take ``ladder_by``, too.

    Parameters
    ----------
    seed, members, width, depth, head_width, device, settings
        Those of :class:`~couponry.predictors.network_families.tarnet.TARNetLearner`.
    ladder_by : sequence of str
        Columns of the menu in which the coupons of a ladder agree.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        members: int = 4,
        width: int = 48,
        depth: int = 2,
        head_width: int = 16,
        ladder_by: Sequence[str] = ("kind",),
        device: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(
            seed=seed,
            members=members,
            width=width,
            depth=depth,
            head_width=head_width,
            ladder_by=ladder_by,
            device=device,
            **settings,
        )
