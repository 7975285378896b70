"""Settings that a search draws: what their names reach, and when two of them are one.

A name is an option of the model or, such as ``base_options.trees``, an option of the regressions that a model
is built of. Those that the drawn base does not have are not drawn.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any

from couponry.instances.errors import InputError, did_you_mean
from couponry.predictors.base_learners.base import BASES, base_options
from couponry.predictors.parameter_kinds import check_parameters
from couponry.predictors.registry import model_entry
from couponry.predictors.search_spaces import OF_BASE, Choice, Range, space_of

__all__ = ["Settings", "Space"]

Space = Mapping[str, Range | Choice]

_BASE_OF_OTHERS = "sklearn"  # of models with options of a base and no choice of it
_MOST_LISTED = 10_000


class Settings:
    """The settings of a model that a search may draw.

    Parameters
    ----------
    model : str
    space : mapping from name to Range or Choice, optional
        By default that of :func:`~couponry.predictors.search_spaces.space_of`.
    fixed : mapping from option to value
        What all settings share: it is not drawn.

    Attributes
    ----------
    space : dict of str to Range or Choice
        What is drawn, the base before its options.

    Raises
    ------
    InputError
        If the space has a name that the model does not have, or fixed options of a base are no mapping.
    """

    def __init__(self, model: str, space: Space | None, fixed: Mapping[str, Any]) -> None:
        self.model = model
        self.fixed = dict(fixed)
        self.defaults = model_entry(model).load().parameter_defaults()
        check_parameters({"base_options": fixed.get("base_options")})
        self.base_options = dict(fixed.get("base_options") or {})
        held = {*fixed, *(OF_BASE + name for name in self.base_options)}
        if space is None and self.base_options:
            held.add("base")  # the options given are those of one
        asked = space_of(model) if space is None else space
        self.space = {n: asked[n] for n in sorted(asked, key=lambda n: n != "base") if n not in held}
        known = self._known()
        if space is None:  # which knows of every base
            self.space = {name: part for name, part in self.space.items() if name in known}
        self._check(known)

    def _known(self) -> list[str]:
        """Return what can be drawn of the model, and of the bases that may be."""
        own = [name for name in self.defaults if name != "seed"]
        if "base_options" not in own:
            return own
        drawn = self.space.get("base")
        bases = drawn.values if isinstance(drawn, Choice) else [self._base({})]
        names = [OF_BASE + name for base in bases if base in BASES for name in base_options(base)]
        return own + list(dict.fromkeys(names))

    def _check(self, known: Iterable[str]) -> None:
        for name in self.space:
            if name not in known:
                raise InputError(
                    "this model has no such parameter", parameter=name, mend=did_you_mean(name, known)
                )
            if "base_options" in self.space and name.startswith(OF_BASE):
                raise InputError(
                    "this is one of the options that are drawn as a whole",
                    parameter=name,
                    mend="Leave it or base_options out",
                )

    def check_some(self) -> None:
        """Refuse a search that has nothing to draw.

        Raises
        ------
        InputError
            Saying what there is to search.
        """
        if not self.space:
            raise InputError(
                "there is nothing to search: no parameter is left to be drawn",
                parameter="model",
                value=self.model,
                mend=f"Leave some of these to the search: {', '.join(space_of(self.model))}",
            )

    def draw(self, trial: Any) -> dict[str, Any]:
        """Ask an Optuna trial for a setting."""
        drawn: dict[str, Any] = {}
        for name, part in self.space.items():
            if self._applies(name, drawn):
                drawn[name] = part.suggest(trial, name)
        return drawn

    def listed(self, *, grid: bool) -> dict[str, dict[str, Any]] | None:
        """Return all settings by what tells them apart, those of a grid or all of the space.

        None where there is no end of them, or more than are worth counting.
        """
        parts = [part.grid() if grid else part.every() for part in self.space.values()]
        each = [part for part in parts if part is not None]
        if len(each) < len(parts) or math.prod(len(part) for part in each) > _MOST_LISTED:
            return None
        found: dict[str, dict[str, Any]] = {}
        for values in itertools.product(*each):
            setting = dict(zip(self.space, values, strict=True))
            setting = {name: value for name, value in setting.items() if self._applies(name, setting)}
            found.setdefault(self.key(setting), setting)
        return found

    def key(self, setting: Mapping[str, Any]) -> str:
        """Return what tells a setting from others: all that it comes to, said or by default."""
        names = [name for name in self.space if self._applies(name, setting)]
        return repr([(name, setting.get(name, self._otherwise(name, setting))) for name in names])

    def options(self, setting: Mapping[str, Any]) -> dict[str, Any]:
        """Return a setting as :func:`~couponry.predictors.train.train` takes it."""
        of = {n.removeprefix(OF_BASE): v for n, v in setting.items() if n.startswith(OF_BASE)}
        whole = {name: value for name, value in setting.items() if not name.startswith(OF_BASE)}
        return whole | ({"base_options": self.base_options | of} if of else {})

    def _otherwise(self, name: str, setting: Mapping[str, Any]) -> Any:
        if name in self.defaults:
            return self.defaults[name]
        return base_options(self._base(setting))[name.removeprefix(OF_BASE)]

    def _base(self, setting: Mapping[str, Any]) -> Any:
        usual = self.defaults.get("base", _BASE_OF_OTHERS)
        return setting.get("base", self.fixed.get("base", usual))

    def _applies(self, name: str, setting: Mapping[str, Any]) -> bool:
        if not name.startswith(OF_BASE):
            return True
        base = self._base(setting)
        return base in BASES and name.removeprefix(OF_BASE) in base_options(base)
