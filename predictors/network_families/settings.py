"""How networks of all families are trained."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["WATCHED", "LoopSettings", "TrainSettings"]

WATCHED = ("log_loss", "qini", "policy_value")

_STEPS, _LEAST_BATCH, _MOST_BATCH = 40, 64, 8192


@dataclass(frozen=True)
class LoopSettings:
    """Settings of the shared loop.

    Attributes
    ----------
    epochs : int
        Most passes over the rows that are learnt from.
    patience : int
        Training ends after so many passes without a better held-out score.
    batch : int, optional
        Rows a step; by default a fortieth of the rows, between 64 and 8,192.
    learning_rate : float
        At first; it falls to 0 along a half cosine.
    weight_decay : float
        AdamW's.
    mixed_precision : bool
        Compute in bfloat16 where the device is a GPU; weights stay in single precision.
    checkpoint : str, optional
        Directory of checkpoints: a killed training goes on from the last one.
    logs : str, optional
        Directory of TensorBoard logs.
    """

    epochs: int = 30
    patience: int = 6
    batch: int | None = None
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    mixed_precision: bool = True
    checkpoint: str | None = None
    logs: str | None = None

    def rows_a_step(self, rows: int) -> int:
        """Return the batch for so many rows to learn from."""
        return self.batch or min(max(rows // _STEPS, _LEAST_BATCH), _MOST_BATCH)


@dataclass(frozen=True)
class TrainSettings(LoopSettings):
    """Settings of a family's training.

    Attributes
    ----------
    epochs, patience, batch, learning_rate, weight_decay, mixed_precision, checkpoint, logs
        See :class:`LoopSettings`.
    watch : {"log_loss", "qini", "policy_value"}
        What early stopping looks at, on a fifth of the users that the member does not learn from: the log
        loss of conversions, the mean Qini score of the coupons, or what the budgeted choice wins over a
        range of prices of the budget (:mod:`~couponry.predictors.network_families.decision`).
    money_weight : float
        Weight of the losses of money beside that of the conversion.
    effect_penalty : float
        Weight of the variance between users, in squared logits, of what each coupon does, against the loss of
        all rows together. Effects are small beside what else tells users apart, and drown in noise without.
    decision_epochs : int
        Passes of decision-focused fine-tuning afterwards; 0 for none.
    decision_estimator : {"dr", "ips"}
        How the value of a choice is read off the log.
    decision_anchor : float
        Weight of the ordinary loss beside the decision loss.
    """

    watch: str = "log_loss"
    money_weight: float = 0.05
    effect_penalty: float = 100.0
    decision_epochs: int = 0
    decision_estimator: str = "dr"
    decision_anchor: float = 1.0
