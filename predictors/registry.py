"""Every model by name: where its class is, what it needs, what it is.

A model is one file with a class that keeps the contract of :class:`~couponry.predictors.learner.Learner`
(``fit``, ``predict``, ``get_params``, ``set_params``, ``state``, ``from_state``), and one line here. The
class is imported when it is first asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from couponry.instances.errors import InputError, did_you_mean, require_extra

if TYPE_CHECKING:
    from couponry.predictors.learner import Learner

__all__ = ["MODELS", "Entry", "model_entry"]

_HERE = "couponry.predictors."


@dataclass(frozen=True)
class Entry:
    """A model that can be trained by name.

    Attributes
    ----------
    name : str
    where : str
        ``module:class`` below :mod:`couponry.predictors`.
    words : str
        What it is, in one line.
    packages : tuple of str
        What must be installed; their versions go onto the model's card.
    extra : str
        Which extra of couponry brings them.
    adjusts : bool
        Whether it weighs by propensities, or balances arms by means of its own, where arms were not drawn by
        lot. Others adjust as far as their regression on the features does.
    """

    name: str
    where: str
    words: str
    packages: tuple[str, ...]
    extra: str = "predict"
    adjusts: bool = False

    def load(self) -> type[Learner]:
        """Return the model's class.

        Raises
        ------
        MissingExtraError
            If a package that it needs is not installed.
        """
        for package in self.packages:
            require_extra(package, self.extra)
        module, _, name = self.where.partition(":")
        found: type[Learner] = getattr(import_module(_HERE + module), name)
        return found

    @property
    def options(self) -> tuple[str, ...]:
        """What can be said of the model by name, beside ``seed``."""
        return tuple(name for name in self.load().parameter_names() if name != "seed")


_TORCH = ("torch", "safetensors")
_LINEAR = ("sklearn", "safetensors")
_FAMILIES = "network_families"
_TEXT = ("torch", "safetensors", "transformers", "tokenizers")
_TREES = ("lightgbm", "sklearn", "safetensors")

_ENTRIES = (
    Entry(
        "default",
        "stack.learner:StackLearner",
        "hierarchical logistic response and boosted trees, weighed by unseen rows",
        _TREES,
    ),
    Entry("network", "network.learner:NetworkLearner", "multi-arm network, members in pairs", _TORCH),
    Entry("s", "meta_learners.s:SLearner", "one regression with the arm among its inputs", _TREES),
    Entry("t", "meta_learners.t:TLearner", "one regression an arm", _TREES),
    Entry(
        "x",
        "meta_learners.x:XLearner",
        "each group's outcome against the other group's model",
        _TREES,
        adjusts=True,
    ),
    Entry(
        "r",
        "meta_learners.r:RLearner",
        "what is left of outcome by what is left of assignment",
        _TREES,
        adjusts=True,
    ),
    Entry(
        "dr",
        "meta_learners.dr:DRLearner",
        "regression of doubly robust scores, cross-fitted",
        _TREES,
        adjusts=True,
    ),
    Entry("logistic", "crosses.logistic:LogisticResponse", "logit of user × coupon crosses, shrunk", _LINEAR),
    Entry("fm", "crosses.factorisation:FactorisationMachine", "factorisation machine", _TORCH),
    Entry("neighbours", "collaborative.learner:UserNeighbours", "what the most alike users did", _LINEAR),
    Entry(
        "content",
        "crosses.content:ContentResponse",
        "user interests × coupon attributes",
        _LINEAR,
        adjusts=True,
    ),
    Entry("tarnet", f"{_FAMILIES}.tarnet:TARNetLearner", "shared representation, a head an arm", _TORCH),
    Entry(
        "dragonnet",
        f"{_FAMILIES}.dragonnet:DragonNetLearner",
        "TARNet, propensity head, targeted",
        _TORCH,
        adjusts=True,
    ),
    Entry(
        "cfr",
        f"{_FAMILIES}.cfr:CFRLearner",
        "TARNet, representation held alike between arms",
        _TORCH,
        adjusts=True,
    ),
    Entry(
        "monotone", f"{_FAMILIES}.monotone:MonotoneLearner", "TARNet, response rises with face value", _TORCH
    ),
    Entry(
        "two_tower", f"{_FAMILIES}.two_tower:TwoTowerLearner", "towers for click, conversion, spend", _TORCH
    ),
    Entry("sequence", f"{_FAMILIES}.sequences:SequenceLearner", "events by CNN, GRU or Transformer", _TORCH),
    Entry("text", f"{_FAMILIES}.texts:TextLearner", "texts by a Transformer encoder", _TEXT, extra="text"),
    Entry("efin", f"{_FAMILIES}.efin:EFINLearner", "explicit interaction of coupon and features", _TORCH),
)

MODELS = {entry.name: entry for entry in _ENTRIES}


def model_entry(name: str) -> Entry:
    """Return the entry of a model.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    if name not in MODELS:
        raise InputError("no such model", parameter="model", value=name, mend=did_you_mean(name, MODELS))
    return MODELS[name]
