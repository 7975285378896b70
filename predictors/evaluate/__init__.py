"""How good predictions are: ranking of uplift, calibration, and what policies are worth to held-out rows."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from couponry.predictors.evaluate.aucc import (
        aucc_score,
        cost_curve,
        multi_arm_aucc,
        multi_arm_cost_curve,
    )
    from couponry.predictors.evaluate.baselines import (
        uplift_of,
    )
    from couponry.predictors.evaluate.budget_path import (
        BudgetPath,
        hull_path,
        random_path,
        single_coupon_path,
    )
    from couponry.predictors.evaluate.budgets import (
        area_table,
        budget_curves,
        budget_table,
    )
    from couponry.predictors.evaluate.calibration import (
        expected_calibration_error,
        response_calibration,
        uplift_calibration,
    )
    from couponry.predictors.evaluate.campaign import (
        campaign_measures,
    )
    from couponry.predictors.evaluate.chosen import (
        chosen_pairs,
    )
    from couponry.predictors.evaluate.classification import (
        classification_scores,
    )
    from couponry.predictors.evaluate.estimators import (
        PolicyValue,
        value_difference,
    )
    from couponry.predictors.evaluate.evaluate import (
        Evaluation,
        evaluate_model,
    )
    from couponry.predictors.evaluate.followed import (
        FollowUp,
        follow_up,
    )
    from couponry.predictors.evaluate.multi_arm import (
        MultiArmQini,
        arm_scores,
        integrated_difference,
        multi_arm_qini,
    )
    from couponry.predictors.evaluate.off_policy import (
        OffPolicyEvaluation,
    )
    from couponry.predictors.evaluate.off_policy_table import (
        value_table,
    )
    from couponry.predictors.evaluate.policies import (
        budgeted,
        everyone,
        plan_arms,
        random_share,
        single_coupon_first,
        top_share,
    )
    from couponry.predictors.evaluate.policy import (
        policy_value,
    )
    from couponry.predictors.evaluate.policy_file import (
        read_policy,
    )
    from couponry.predictors.evaluate.policy_values import (
        compared_policies,
        policy_table,
    )
    from couponry.predictors.evaluate.rankings import (
        ranking_table,
    )
    from couponry.predictors.evaluate.responses import (
        response_table,
    )
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
    "BudgetPath",
    "Evaluation",
    "FollowUp",
    "MultiArmQini",
    "OffPolicyEvaluation",
    "PolicyValue",
    "area_table",
    "arm_scores",
    "aucc_score",
    "auuc_score",
    "budget_curves",
    "budget_table",
    "budgeted",
    "campaign_measures",
    "chosen_pairs",
    "classification_scores",
    "compared_policies",
    "cost_curve",
    "evaluate_model",
    "everyone",
    "expected_calibration_error",
    "follow_up",
    "hull_path",
    "integrated_difference",
    "multi_arm_aucc",
    "multi_arm_cost_curve",
    "multi_arm_qini",
    "perfect_qini_curve",
    "plan_arms",
    "policy_table",
    "policy_value",
    "qini_curve",
    "qini_score",
    "random_path",
    "random_share",
    "ranking_table",
    "read_policy",
    "response_calibration",
    "response_table",
    "single_coupon_first",
    "single_coupon_path",
    "top_share",
    "uplift_at_k",
    "uplift_by_quantile",
    "uplift_calibration",
    "uplift_curve",
    "uplift_of",
    "value_difference",
    "value_table",
]

_NAMES = {
    "aucc": (
        "aucc_score",
        "cost_curve",
        "multi_arm_aucc",
        "multi_arm_cost_curve",
    ),
    "baselines": ("uplift_of",),
    "budget_path": (
        "BudgetPath",
        "hull_path",
        "random_path",
        "single_coupon_path",
    ),
    "budgets": (
        "area_table",
        "budget_curves",
        "budget_table",
    ),
    "calibration": (
        "expected_calibration_error",
        "response_calibration",
        "uplift_calibration",
    ),
    "campaign": ("campaign_measures",),
    "chosen": ("chosen_pairs",),
    "classification": ("classification_scores",),
    "estimators": (
        "PolicyValue",
        "value_difference",
    ),
    "evaluate": (
        "Evaluation",
        "evaluate_model",
    ),
    "followed": (
        "FollowUp",
        "follow_up",
    ),
    "multi_arm": (
        "MultiArmQini",
        "arm_scores",
        "integrated_difference",
        "multi_arm_qini",
    ),
    "off_policy": ("OffPolicyEvaluation",),
    "off_policy_table": ("value_table",),
    "policies": (
        "budgeted",
        "everyone",
        "plan_arms",
        "random_share",
        "single_coupon_first",
        "top_share",
    ),
    "policy": ("policy_value",),
    "policy_file": ("read_policy",),
    "policy_values": (
        "compared_policies",
        "policy_table",
    ),
    "rankings": ("ranking_table",),
    "responses": ("response_table",),
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
