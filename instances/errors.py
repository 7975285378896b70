"""Every exception of couponry, in one tree.

::

    CouponryError
    ├── InputError          what was given cannot be used (exit code 2)
    │   └── ExistsError     an output directory holds something that would be lost
    ├── InfeasibleError     no plan can meet all rules (exit code 3)
    ├── NoSolutionError     stopped before any plan was found (exit code 4)
    ├── MissingExtraError   an optional dependency is not installed (exit code 2)
    └── BackendError        a solver library failed in a way of its own

What is doubtful but can be used is told by a warning, :class:`DataWarning`.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from couponry.instances.wording import called

__all__ = [
    "BackendError",
    "CouponryError",
    "DataWarning",
    "ExistsError",
    "InfeasibleError",
    "InputError",
    "MissingExtraError",
    "NoSolutionError",
    "did_you_mean",
    "plain",
    "require_extra",
]


class CouponryError(Exception):
    """Base of all errors that couponry raises on purpose."""


class DataWarning(UserWarning):
    """What was given can be used, but something about it is doubtful."""


class InputError(CouponryError):
    """Something that was given cannot be used.

    Parameters
    ----------
    problem : str
        What is wrong, as a short clause without a full stop.
    file : str or Path, optional
        The file it stands in.
    row : int or str, optional
        Row of a table (0-based position) or entry of a rules file.
    column : str, optional
        Column or key.
    parameter : str, optional
        Argument in Python, which is told by the option that sets it where the command line is used; or an
        option.
    value : object, optional
        The value found there.
    mend : str, optional
        What to do about it.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | Path | None = None,
        row: int | str | None = None,
        column: str | None = None,
        parameter: str | None = None,
        value: object | None = None,
        mend: str | None = None,
    ) -> None:
        self.problem = problem
        self.file = None if file is None else str(file)
        self.row = row
        self.column = column
        self.parameter = None if parameter is None else called(parameter)
        self.value = value
        self.mend = mend
        super().__init__(self._message())

    def _message(self) -> str:
        places = []
        if self.file is not None:
            places.append(self.file)
        if self.row is not None:
            places.append(f"row {self.row}" if isinstance(self.row, int) else self.row)
        if self.column is not None:
            places.append(f"column {self.column!r}")
        if self.parameter is not None:
            kind = "option" if self.parameter.startswith("--") else "parameter"
            places.append(f"{kind} {self.parameter!r}")
        text = (", ".join(places) + ": " if places else "") + self.problem
        if self.value is not None:
            text += f" (got {plain(self.value)!r})"
        return text + (f". {self.mend}" if self.mend else "")

    def located(self, *, file: str | Path | None = None, row: int | str | None = None) -> InputError:
        """Return the same error with its place filled in where it had none."""
        return self.moved(
            file=self.file if self.file is not None else file, row=self.row if self.row is not None else row
        )

    def moved(self, *, file: str | Path | None, row: int | str | None) -> InputError:
        """Return the same error at another place."""
        return type(self)(
            self.problem,
            file=file,
            row=row,
            column=self.column,
            parameter=self.parameter,
            value=self.value,
            mend=self.mend,
        )


def plain(value: Any) -> object:
    """Return numpy's scalars as Python's: 3.0, not np.float64(3.0)."""
    return value.item() if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0 else value


class ExistsError(InputError):
    """An output place already holds something that would be lost."""


class InfeasibleError(CouponryError):
    """No plan can meet all rules together."""


class NoSolutionError(CouponryError):
    """The solve stopped before any plan was found."""


class MissingExtraError(CouponryError):
    """An optional dependency is not installed."""


class BackendError(CouponryError):
    """A solver library failed, or answered something that cannot be true."""


def require_extra(module: str, extra: str) -> ModuleType:
    """Import ``module`` or say which extra brings it.

    Raises
    ------
    MissingExtraError
        If ``module`` is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{module} is not installed. Install it with: pip install 'couponry[{extra}]'"
        ) from error


def did_you_mean(word: object, known: Iterable[object]) -> str:
    """Return a sentence that lists the known words, nearest first; case and outer spaces part none."""
    names = [str(k) for k in known]
    plain = {name.strip().casefold(): name for name in reversed(names)}
    near = [plain[key] for key in difflib.get_close_matches(str(word).strip().casefold(), plain, n=1)]
    listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return (f"Did you mean {near[0]!r}? " if near else "") + f"Known: {listed or 'none'}"
