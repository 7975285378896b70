"""How well a model ranks users for each coupon, beside baselines."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import InputError
from couponry.instances.log import Log
from couponry.predictors.evaluate.aucc import aucc_score
from couponry.predictors.evaluate.baselines import (
    BEST_SINGLE,
    BY_RESPONSE,
    BY_UPLIFT,
    RANDOM,
    best_single_coupon,
    coupons_seen,
    uplift_of,
)
from couponry.predictors.evaluate.uplift import Definition, auuc_score, qini_score, uplift_at_k
from couponry.predictors.learner import Outcomes

__all__ = ["ranking_table", "share_uplift"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_DRAWS = 10


def ranking_table(held: Log, outcomes: Outcomes, share: float, seed: int = 0) -> pd.DataFrame:
    """Return one row a coupon and way of ranking its users, each against those without a coupon.

    Parameters
    ----------
    held : Log
        Rows that the model has not seen, some of them without a coupon.
    outcomes : Outcomes
        What the model expects of them.
    share : float
        Of rows that are first, in (0, 1).
    seed : int
        Of the random orders, ten of which are averaged.

    Returns
    -------
    DataFrame
        ``coupon_id, rank_by``; ``qini`` and ``auuc`` by each definition of
        :func:`~couponry.predictors.evaluate.uplift.qini_score` (``qini, qini_causalml, qini_causalml_raw``);
        ``uplift_at_share``; and ``aucc``, for which users are ranked by uplift, or response, a unit of
        predicted cost. ``rank_by`` is the predicted uplift, or a baseline. The best single coupon, given to
        all alike, is one step of its curves.
    """
    uplift, best = uplift_of(outcomes), best_single_coupon(held, uplift_of(outcomes))
    rows: list[dict[str, Any]] = []
    for j in coupons_seen(held):
        of_coupon = (held.arm == j) | (held.arm == -1)
        trial = _Trial(held, of_coupon, int(j), share)
        price = np.maximum(np.asarray(outcomes.cost[of_coupon, j + 1], np.float64), 1e-9)
        response = np.asarray(outcomes.conversion[of_coupon, j + 1], np.float64)
        rows.append(trial.named(BY_UPLIFT, trial.scores(uplift[of_coupon, j], price)))
        rows.append(trial.named(BY_RESPONSE, trial.scores(response, price)))
        rows.append(trial.named(RANDOM, trial.at_random(seed)))
        if j == best:
            alike = trial.scores(np.zeros(len(price)), np.ones(len(price)))
            rows.append(trial.named(BEST_SINGLE, alike | {"uplift_at_share": trial.mean_uplift}))
    return pd.DataFrame(rows)


def share_uplift(y: Floats, score: Floats, treated: Mask, share: float, how: Any) -> float:
    """Return uplift among the first ``share``; NaN where they lack one of the groups."""
    try:
        return uplift_at_k(y, score, treated, share, how)
    except InputError:  # one group is empty among the first rows of a small log
        return float("nan")


class _Trial:
    """The rows of one coupon and of none."""

    def __init__(self, held: Log, rows: Mask, coupon: int, share: float) -> None:
        self.coupon = held.coupons.ids[coupon]
        self.outcome = np.asarray(held.conversion[rows], np.float64)
        self.cost = np.asarray(held.cost[rows], np.float64)
        self.treated = held.arm[rows] == coupon
        self.share = share

    @property
    def mean_uplift(self) -> float:
        return float(self.outcome[self.treated].mean() - self.outcome[~self.treated].mean())

    def named(self, rank_by: str, scores: dict[str, float]) -> dict[str, Any]:
        return {"coupon_id": self.coupon, "rank_by": rank_by, **scores}

    def scores(self, score: Floats, price: Floats) -> dict[str, float]:
        y, t = self.outcome, self.treated
        found: dict[str, float] = {}
        for definition in get_args(Definition):
            name = "" if definition == "scikit-uplift" else f"_{definition.replace('-', '_')}"
            found[f"qini{name}"] = qini_score(y, score, t, definition=definition)
            found[f"auuc{name}"] = auuc_score(y, score, t, definition=definition)
        found["uplift_at_share"] = share_uplift(y, score, t, self.share, "overall")
        found["aucc"] = aucc_score(y, self.cost, score / price, t)
        return found

    def at_random(self, seed: int) -> dict[str, float]:
        """Return the mean over random orders."""
        generator, ones = np.random.default_rng(seed), np.ones(len(self.outcome))
        drawn = [self.scores(generator.random(len(ones)), ones) for _ in range(_DRAWS)]
        return {name: float(np.mean([scores[name] for scores in drawn])) for name in drawn[0]}
