"""The vocabulary that everyone shares: coupons, users, responses, rules, rows, instances and their files."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from couponry.instances.choices import Choices
    from couponry.instances.coupons import Coupons
    from couponry.instances.errors import (
        BackendError,
        CouponryError,
        ExistsError,
        InfeasibleError,
        InputError,
        MissingExtraError,
        NoSolutionError,
    )
    from couponry.instances.files import read_instance, write_instance
    from couponry.instances.instance import Instance
    from couponry.instances.instance_toml import read_rules, rules_to_toml
    from couponry.instances.log import Log
    from couponry.instances.plan import read_plan, write_plan
    from couponry.instances.program import Program
    from couponry.instances.progress import Cancel, Progress, Report
    from couponry.instances.response import Response
    from couponry.instances.rows import Classes, Row, Term
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
    from couponry.instances.users import Segment, Users

__all__ = [
    "BackendError",
    "Budget",
    "Campaign",
    "Cancel",
    "Choices",
    "Classes",
    "CouponryError",
    "Coupons",
    "Coverage",
    "Exclusion",
    "ExistsError",
    "Freeze",
    "InfeasibleError",
    "InputError",
    "Instance",
    "Keep",
    "Log",
    "MissingExtraError",
    "NoSolutionError",
    "Parity",
    "Program",
    "Progress",
    "Report",
    "Response",
    "ReturnFloor",
    "Row",
    "Rule",
    "Segment",
    "Stock",
    "Target",
    "Term",
    "UserCap",
    "Users",
    "read_instance",
    "read_plan",
    "read_rules",
    "rules_to_toml",
    "write_instance",
    "write_plan",
]

# The module that defines each name: the same table as the imports above, for the running program.
_NAMES = {
    "choices": ("Choices",),
    "coupons": ("Coupons",),
    "errors": (
        "BackendError",
        "CouponryError",
        "ExistsError",
        "InfeasibleError",
        "InputError",
        "MissingExtraError",
        "NoSolutionError",
    ),
    "files": ("read_instance", "write_instance"),
    "instance": ("Instance",),
    "instance_toml": ("read_rules", "rules_to_toml"),
    "log": ("Log",),
    "plan": ("read_plan", "write_plan"),
    "program": ("Program",),
    "progress": ("Cancel", "Progress", "Report"),
    "response": ("Response",),
    "rows": ("Classes", "Row", "Term"),
    "rules": (
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
    "users": ("Segment", "Users"),
}

if not TYPE_CHECKING:  # a type checker would otherwise accept any name

    def __getattr__(name: str) -> object:
        """Import a name's module on first use: the command line answers before pandas is loaded."""
        for module, names in _NAMES.items():
            if name in names:
                value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
                return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
