"""Other solvers behind ``method=``, one file each.

Two kinds stand beside our own ``priced`` method. An *integer* back end is handed the whole program and
answers with a plan: its module has ``whole_program``, which makes a
:class:`couponry.solver.integer.PairProgram`. A *linear* one is handed the relaxation and answers with
multipliers and fractions: its module has ``solve_linear``. What they say is checked: plans against every row,
bounds from multipliers, and infeasibility by proofs of our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from couponry.instances.errors import InputError, require_extra

__all__ = ["BACKENDS", "METHODS", "Backend", "check_options", "heeds"]


@dataclass(frozen=True)
class Backend:
    """What a back end is and needs.

    Attributes
    ----------
    name : str
        The ``method`` and the module in this package.
    kind : {"integer", "linear"}
    library : str
        The module that it needs.
    unable : tuple of str
        Arguments of ``solve`` that it cannot honour, and therefore refuses.
    """

    name: str
    kind: str
    library: str
    unable: tuple[str, ...] = ()

    def load(self) -> ModuleType:
        """Import the back end's module.

        Raises
        ------
        MissingExtraError
            If its library is not installed.
        """
        if self.library != "highspy":
            require_extra(self.library, "models")
        return import_module(f"couponry.solver.backends.{self.name}")


BACKENDS = {
    backend.name: backend
    for backend in (
        Backend("highs", "integer", "highspy", ("model",)),
        Backend("cpsat", "integer", "ortools", ("model",)),
        Backend("pyomo", "integer", "pyomo"),
        Backend("pdlp", "linear", "ortools", ("model", "start")),
        Backend("cvxpy", "linear", "cvxpy", ("model", "start", "cancel")),
    )
}
METHODS = ("auto", "priced", *BACKENDS)
WHY = {
    "model": "takes no model",
    "start": "cannot start from a former solution",
    "cancel": "cannot be cancelled",
}


def heeds(method: str, name: str) -> bool:
    """Return whether a method honours an argument of ``solve``."""
    return name not in _unable(method)


def check_options(method: str, options: dict[str, Any]) -> None:
    """Refuse the arguments that a method would have to ignore.

    Parameters
    ----------
    method : str
    options : dict
        ``model``, ``start`` and ``cancel`` as given to ``solve``; None where they were not.

    Raises
    ------
    InputError
    """
    for name in _unable(method):
        if options.get(name) is not None:
            others = [other for other in METHODS if heeds(other, name)]
            raise InputError(
                f"method {method!r} {WHY[name]}",
                parameter=name,
                mend=f"Leave {name} out, or use method {' or '.join(map(repr, others))}",
            )


def _unable(method: str) -> tuple[str, ...]:
    return BACKENDS[method].unable if method in BACKENDS else ("model",)
