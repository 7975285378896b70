"""A learner's parameters in scikit-learn's form: what its constructor was given, to read, set and copy."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from couponry.predictors.parameter_kinds import Kind, check_parameters

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
    parameter_kinds : mapping from name to Kind
        What its parameters can be, where that is told for this learner alone;
        see :mod:`~couponry.predictors.parameter_kinds`.
    """

    parameter_kinds: ClassVar[Mapping[str, Kind]] = {}
    keywords: ClassVar[Callable[..., Any] | None] = None
    _params: dict[str, Any]

    def __new__(cls, *args: Any, **given: Any) -> Self:
        """Note what the constructor is given.

        Raises
        ------
        InputError
            If there is no such parameter, or its value is not of its kind.
        """
        self = super().__new__(cls)
        cls.check_parameters(given)
        try:
            bound = inspect.signature(cls).bind_partial(*args, **given).arguments
        except TypeError:
            return self  # the constructor is about to say what is wrong, in its own words
        for gathered in [p.name for p in _own(cls) if p.kind is p.VAR_KEYWORD]:
            bound |= bound.pop(gathered, {})
        cls.check_parameters(bound)
        self._params = cls.parameter_defaults() | bound
        return self

    @classmethod
    def check_parameters(cls, given: Mapping[str, Any]) -> None:
        """Refuse what the constructor cannot be given.

        Raises
        ------
        InputError
            If there is no such parameter, or its value is not of its kind.
        """
        own: dict[str, Kind] = {}
        for one in reversed(cls.__mro__):
            own |= vars(one).get("parameter_kinds", {})
        check_parameters(given, cls.parameter_defaults(), own)

    @classmethod
    def parameter_names(cls) -> tuple[str, ...]:
        """Return what the constructor takes by name."""
        return tuple(cls.parameter_defaults())

    @classmethod
    def parameter_defaults(cls) -> dict[str, Any]:
        """Return what each parameter is where it is not given."""
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
            If there is no such parameter, or its value is not of its kind.
        """
        self.check_parameters(params)
        changed = self._params | params
        type(self).__init__(self, **changed)
        self._params = changed
        return self


def _own(cls: type) -> list[inspect.Parameter]:
    return list(inspect.signature(cls).parameters.values())
