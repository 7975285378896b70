"""A learner's parameters in scikit-learn's form: what its constructor was given, to read, set and copy."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar, Self

from couponry.instances.errors import InputError, did_you_mean

__all__ = ["Parameters"]


class Parameters:
    """Base of learners: ``get_params`` and ``set_params`` by the constructor's signature.

    They are those of ``sklearn.base.BaseEstimator``, so that ``sklearn.base.clone`` and searches work; the
    constructor need not keep what it is given, for that is done here.

    Attributes
    ----------
    keywords : callable, optional
        What the constructor hands its ``**keywords`` to, such as a dataclass of settings: its parameters
        count as the learner's own.
    """

    keywords: ClassVar[Callable[..., Any] | None] = None
    _params: dict[str, Any]

    def __new__(cls, *args: Any, **given: Any) -> Self:
        """Note what the constructor is given."""
        self = super().__new__(cls)
        try:
            bound = inspect.signature(cls).bind_partial(*args, **given).arguments
        except TypeError:
            return self  # the constructor is about to say what is wrong, in its own words
        for gathered in [p.name for p in _own(cls) if p.kind is p.VAR_KEYWORD]:
            bound |= bound.pop(gathered, {})
        self._params = cls._defaults() | bound
        return self

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """Return what the constructor takes by name."""
        return tuple(cls._defaults())

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        named = [p for p in _own(cls) if p.kind is not p.VAR_KEYWORD]
        if cls.keywords is not None:
            named += inspect.signature(cls.keywords).parameters.values()
        return {p.name: None if p.default is p.empty else p.default for p in named}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; ``deep`` is scikit-learn's and makes no difference."""
        return dict(self._params)

    def set_params(self, **params: Any) -> Self:
        """Change parameters; what was learnt before is of no use afterwards.

        Raises
        ------
        InputError
            If there is no such parameter.
        """
        for name in params:
            if name not in self._params:
                raise InputError(
                    "no such option of this model", column=name, mend=did_you_mean(name, self._params)
                )
        changed = self._params | params
        type(self).__init__(self, **changed)
        self._params = changed
        return self


def _own(cls: type) -> list[inspect.Parameter]:
    return list(inspect.signature(cls).parameters.values())
