"""The vocabulary that everyone shares: coupons, users, responses, rules, rows, instances and their files."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    from couponry.instances.instance import Instance
    from couponry.instances.log import Log
    from couponry.instances.plan import read_plan, write_plan
    from couponry.instances.program import Choices, Program
    from couponry.instances.progress import Cancel, Progress, Report
    from couponry.instances.response import Response
    from couponry.instances.rows import Classes, Row, Term
    from couponry.instances.rules import (
        Budget,
        Campaign,
        Coverage,
        Exclusion,
        Keep,
        Parity,
        ReturnFloor,
        Rule,
        Stock,
        Target,
        UserCap,
    )
    from couponry.instances.users import Segment, Users

_HOME = {
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
    "instance": ("Instance",),
    "log": ("Log",),
    "plan": ("read_plan", "write_plan"),
    "program": ("Choices", "Program"),
    "progress": ("Cancel", "Progress", "Report"),
    "response": ("Response",),
    "rows": ("Classes", "Row", "Term"),
    "rules": (
        "Budget",
        "Campaign",
        "Coverage",
        "Exclusion",
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
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted(_MODULE_OF)  # noqa: PLE0605


def __getattr__(name: str) -> object:
    """Import a name's module on first use: the command line answers before pandas is loaded."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
