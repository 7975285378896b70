"""Which customer gets which coupon, within budgets, stock and fairness, with a proof of how good it is.

Every public name has a line in ``docs/api.md``. It is imported when it is first used, so that
``import couponry`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from couponry.instances.coupons import Coupons
    from couponry.instances.errors import (
        BackendError,
        CouponryError,
        DataWarning,
        ExistsError,
        InfeasibleError,
        InputError,
        MissingExtraError,
        NoSolutionError,
    )
    from couponry.instances.files import read_instance, write_instance
    from couponry.instances.instance import Instance
    from couponry.instances.loaders.hillstrom import read_hillstrom
    from couponry.instances.loaders.in_vehicle import read_in_vehicle
    from couponry.instances.loaders.karlan_list import read_karlan_list
    from couponry.instances.loaders.open_bandit import read_open_bandit
    from couponry.instances.log import Log
    from couponry.instances.progress import Progress
    from couponry.instances.response import Response
    from couponry.instances.rules import (
        Budget,
        Campaign,
        Coverage,
        Exclusion,
        Freeze,
        Keep,
        Parity,
        ReturnFloor,
        Rule,
        Stock,
        Target,
        UserCap,
    )
    from couponry.instances.streamed import StreamedInstance, open_instance
    from couponry.instances.users import Users
    from couponry.instances.world import World
    from couponry.predictors.collaborative.columns import CollaborativeColumns
    from couponry.predictors.evaluate import (
        Evaluation,
        campaign_measures,
        chosen_pairs,
        evaluate_model,
        follow_up,
        policy_value,
    )
    from couponry.predictors.features.schema_file import read_schema
    from couponry.predictors.model import Model, load_model
    from couponry.predictors.network_families.hazard import PurchaseTime
    from couponry.predictors.overlap import Overlap, overlap
    from couponry.predictors.predict import predict
    from couponry.predictors.predict_streamed import predict_streamed
    from couponry.predictors.profile.association import coupon_rules
    from couponry.predictors.profile.profile import UserProfile
    from couponry.predictors.train import train
    from couponry.solver.backends.pyomo_model import to_pyomo
    from couponry.solver.explain import Explanation, explain
    from couponry.solver.explain_rule import RuleExplanation, explain_rule
    from couponry.solver.fair import fair_plan
    from couponry.solver.fair_answer import FairPlan
    from couponry.solver.frontier import Frontier, frontier
    from couponry.solver.least_budget import LeastBudget, least_budget
    from couponry.solver.price_range import price_ranges
    from couponry.solver.scenario import Comparison, Scenario, compare
    from couponry.solver.solution import Solution, StreamedSolution
    from couponry.solver.solve import solve
    from couponry.solver.streamed import solve_streamed
    from couponry.solver.verify import Verification, verify, verify_streamed

__version__ = "0.1.0"

__all__ = [
    "BackendError",
    "Budget",
    "Campaign",
    "CollaborativeColumns",
    "Comparison",
    "CouponryError",
    "Coupons",
    "Coverage",
    "DataWarning",
    "Evaluation",
    "Exclusion",
    "ExistsError",
    "Explanation",
    "FairPlan",
    "Freeze",
    "Frontier",
    "InfeasibleError",
    "InputError",
    "Instance",
    "Keep",
    "LeastBudget",
    "Log",
    "MissingExtraError",
    "Model",
    "NoSolutionError",
    "Overlap",
    "Parity",
    "Progress",
    "PurchaseTime",
    "Response",
    "ReturnFloor",
    "Rule",
    "RuleExplanation",
    "Scenario",
    "Solution",
    "Stock",
    "StreamedInstance",
    "StreamedSolution",
    "Target",
    "UserCap",
    "UserProfile",
    "Users",
    "Verification",
    "World",
    "campaign_measures",
    "chosen_pairs",
    "compare",
    "coupon_rules",
    "evaluate_model",
    "explain",
    "explain_rule",
    "fair_plan",
    "follow_up",
    "frontier",
    "least_budget",
    "load_model",
    "open_instance",
    "overlap",
    "policy_value",
    "predict",
    "predict_streamed",
    "price_ranges",
    "read_hillstrom",
    "read_in_vehicle",
    "read_instance",
    "read_karlan_list",
    "read_open_bandit",
    "read_schema",
    "solve",
    "solve_streamed",
    "to_pyomo",
    "train",
    "verify",
    "verify_streamed",
    "write_instance",
]

# The module that defines each name: the same table as the imports above, for the running program.
_NAMES = {
    "couponry.instances.coupons": ("Coupons",),
    "couponry.instances.errors": (
        "BackendError",
        "CouponryError",
        "DataWarning",
        "ExistsError",
        "InfeasibleError",
        "InputError",
        "MissingExtraError",
        "NoSolutionError",
    ),
    "couponry.instances.files": ("read_instance", "write_instance"),
    "couponry.instances.instance": ("Instance",),
    "couponry.instances.loaders.hillstrom": ("read_hillstrom",),
    "couponry.instances.loaders.in_vehicle": ("read_in_vehicle",),
    "couponry.instances.loaders.karlan_list": ("read_karlan_list",),
    "couponry.instances.loaders.open_bandit": ("read_open_bandit",),
    "couponry.instances.log": ("Log",),
    "couponry.instances.progress": ("Progress",),
    "couponry.instances.response": ("Response",),
    "couponry.instances.rules": (
        "Budget",
        "Campaign",
        "Coverage",
        "Exclusion",
        "Freeze",
        "Keep",
        "Parity",
        "ReturnFloor",
        "Rule",
        "Stock",
        "Target",
        "UserCap",
    ),
    "couponry.instances.streamed": ("StreamedInstance", "open_instance"),
    "couponry.instances.users": ("Users",),
    "couponry.instances.world": ("World",),
    "couponry.predictors.collaborative.columns": ("CollaborativeColumns",),
    "couponry.predictors.evaluate": (
        "Evaluation",
        "campaign_measures",
        "chosen_pairs",
        "evaluate_model",
        "follow_up",
        "policy_value",
    ),
    "couponry.predictors.features.schema_file": ("read_schema",),
    "couponry.predictors.model": ("Model", "load_model"),
    "couponry.predictors.network_families.hazard": ("PurchaseTime",),
    "couponry.predictors.overlap": ("Overlap", "overlap"),
    "couponry.predictors.predict": ("predict",),
    "couponry.predictors.predict_streamed": ("predict_streamed",),
    "couponry.predictors.profile.association": ("coupon_rules",),
    "couponry.predictors.profile.profile": ("UserProfile",),
    "couponry.predictors.train": ("train",),
    "couponry.solver.backends.pyomo_model": ("to_pyomo",),
    "couponry.solver.explain": ("Explanation", "explain"),
    "couponry.solver.explain_rule": ("RuleExplanation", "explain_rule"),
    "couponry.solver.fair": ("fair_plan",),
    "couponry.solver.fair_answer": ("FairPlan",),
    "couponry.solver.frontier": ("Frontier", "frontier"),
    "couponry.solver.least_budget": ("LeastBudget", "least_budget"),
    "couponry.solver.price_range": ("price_ranges",),
    "couponry.solver.scenario": ("Comparison", "Scenario", "compare"),
    "couponry.solver.solution": ("Solution", "StreamedSolution"),
    "couponry.solver.solve": ("solve",),
    "couponry.solver.streamed": ("solve_streamed",),
    "couponry.solver.verify": ("Verification", "verify", "verify_streamed"),
}

_NEEDS = {"PurchaseTime": ("torch", "predict")}  # a package without which a name is not there, and its extra

if not TYPE_CHECKING:  # a type checker would otherwise accept any name

    def __getattr__(name: str) -> object:
        """Import a public name from the module that defines it, and keep it."""
        for module, names in _NAMES.items():
            if name in names:
                if name in _NEEDS:
                    import_module("couponry.instances.errors").require_extra(*_NEEDS[name])
                value = globals()[name] = getattr(import_module(module), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
