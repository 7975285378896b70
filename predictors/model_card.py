"""The card of a model: what it is, what it was made of, and by which releases."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from couponry.instances.log import Log
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.learner import Learner
from couponry.predictors.model import Card
from couponry.predictors.propensity import arm_shares
from couponry.predictors.registry import Entry

__all__ = ["card_of"]

_PACKAGES = ("couponry", "numpy", "pandas")
_DISTRIBUTIONS = {"sklearn": "scikit-learn"}


def card_of(
    log: Log, entry: Entry, learner: Learner, options: Mapping[str, Any], features: FeatureEncoder
) -> Card:
    """Return what is known of a model as soon as its learner has learnt; other entries are added to it.

    Parameters
    ----------
    log : Log
        That it learnt from.
    entry : Entry
    learner : Learner
    options : mapping from parameter to value
        That were given.
    features : FeatureEncoder
    """
    parameters = learner.get_params()
    arms = dict(zip(("none", *log.coupons.ids), arm_shares(log).tolist(), strict=True))
    return {
        "model": entry.name,
        "base": parameters.get("base"),
        "seed": parameters["seed"],
        "options": dict(options),
        "log": {
            "rows": log.n,
            "users": len(np.unique(log.user_id.astype(str))),
            "arm_shares": arms,
            "conversion": float(log.conversion.mean()),
            "revenue": float(log.revenue.mean()),
            "propensities": "given" if log.propensity is not None else "arm shares",
        },
        "schema": features.schema_.to_json(),
        "segments": list(log.segments),
        "training": learner.report(),
        "metrics": {},
        "versions": {package: _version(package) for package in (*_PACKAGES, *entry.packages)},
    }


def _version(package: str) -> str:
    try:
        return version(_DISTRIBUTIONS.get(package, package))
    except PackageNotFoundError:
        return "not installed as a package"
