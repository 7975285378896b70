"""How good predictions are: ranking of uplift, calibration, and the value of policies on held-out rows."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from couponry.predictors.evaluate.calibration import (
        expected_calibration_error,
        response_calibration,
        uplift_calibration,
    )
    from couponry.predictors.evaluate.evaluate import Evaluation, evaluate_model, policy_table
    from couponry.predictors.evaluate.policies import (
        budgeted,
        everyone,
        plan_arms,
        random_share,
        single_coupon_first,
        top_share,
    )
    from couponry.predictors.evaluate.policy import PolicyValue, policy_value, value_difference
    from couponry.predictors.evaluate.uplift import (
        auuc_score,
        perfect_qini_curve,
        qini_curve,
        qini_score,
        uplift_at_k,
        uplift_by_quantile,
        uplift_curve,
    )

__all__ = [
    "Evaluation",
    "PolicyValue",
    "auuc_score",
    "budgeted",
    "evaluate_model",
    "everyone",
    "expected_calibration_error",
    "perfect_qini_curve",
    "plan_arms",
    "policy_table",
    "policy_value",
    "qini_curve",
    "qini_score",
    "random_share",
    "response_calibration",
    "single_coupon_first",
    "top_share",
    "uplift_at_k",
    "uplift_by_quantile",
    "uplift_calibration",
    "uplift_curve",
    "value_difference",
]

_NAMES = {
    "calibration": ("expected_calibration_error", "response_calibration", "uplift_calibration"),
    "evaluate": ("Evaluation", "evaluate_model", "policy_table"),
    "policies": ("budgeted", "everyone", "plan_arms", "random_share", "single_coupon_first", "top_share"),
    "policy": ("PolicyValue", "policy_value", "value_difference"),
    "uplift": (
        "auuc_score",
        "perfect_qini_curve",
        "qini_curve",
        "qini_score",
        "uplift_at_k",
        "uplift_by_quantile",
        "uplift_curve",
    ),
}

if not TYPE_CHECKING:  # a type checker would otherwise accept any name

    def __getattr__(name: str) -> object:
        """Import a name's module on first use."""
        for module, names in _NAMES.items():
            if name in names:
                value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
