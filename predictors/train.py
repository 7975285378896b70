"""From a log to a model."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from couponry.instances.errors import InputError, did_you_mean, require_extra
from couponry.instances.log import Log
from couponry.instances.progress import Report
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.learner import Learner, TrainingRows
from couponry.predictors.log_checks import check_log, fingerprint
from couponry.predictors.menu import Menu
from couponry.predictors.model import Card, Model
from couponry.predictors.propensity import arm_shares, given_propensity

__all__ = ["MODELS", "train"]

MODELS = ("network", "s", "t", "x", "dr")
_PACKAGES = ("couponry", "numpy", "pandas", "scikit-learn")


def train(
    log: Log,
    model: str = "network",
    base: str = "lightgbm",
    *,
    holdout: float = 0.0,
    seed: int = 0,
    progress: Report | None = None,
    kinds: Mapping[str, str] | None = None,
    least_rows: int = 50,
    **options: Any,
) -> Model:
    """Learn how users respond to coupons.

    Parameters
    ----------
    log : Log
        A randomised campaign, or one whose propensities are known or whose choices the features explain.
    model : {"network", "s", "t", "x", "dr"}
        The multi-arm network, or a meta-learner.
    base : {"lightgbm", "sklearn"}
        What a meta-learner is built of: gradient-boosted trees or linear models.
    holdout : float
        Share of users that are kept from training and on which the model is judged (``card["metrics"]``);
        those of ``log.split(holdout, seed)``.
    seed : int
        Same log, same seed: same model.
    progress : callable, optional
        Called once an epoch, or once a fitted regression.
    kinds : mapping from feature to kind, optional
        Where a feature is not what it seems, such as ``{"zip": "category"}``;
        see :class:`~couponry.predictors.schema.Schema`.
    least_rows : int
        Rows that every arm needs.
    options
        For the network, those of :class:`~couponry.predictors.network.learner.NetworkLearner`, such as
        ``epochs`` or ``members``; for meta-learners those of the learner, such as ``folds``, and
        ``base_options``, such as ``{"trees": 200}``.

    Returns
    -------
    Model

    Raises
    ------
    InputError
        If the log or an option cannot be used.
    MissingExtraError
        If torch, scikit-learn or LightGBM is needed and not installed.
    """
    held = None
    if holdout:
        log, held = log.split(holdout, seed)
    check_log(log, least_rows)
    learner = _learner(model, base, seed, options)
    features = FeatureEncoder(kinds).fit(log.features)
    menu = Menu(log.coupons)
    learner.fit(training_rows(log, features, menu, learner), progress)
    fitted = Model(features, menu, learner, _card(log, model, base, seed, options, features, learner))
    if held is not None:
        from couponry.predictors.evaluate import evaluate_model

        fitted.card["metrics"] = evaluate_model(fitted, held).summary()
    return fitted


def training_rows(log: Log, features: FeatureEncoder, menu: Menu, learner: Learner) -> TrainingRows:
    """Return a log in numbers, in the layout that a learner wants."""
    return TrainingRows(
        x=features.encode(log.features, learner.layout),
        categorical=tuple(features.categorical) if learner.layout == "raw" else (),
        coupons=menu.encode(log.coupons),
        arm=np.asarray(log.arm, dtype=np.int32),
        conversion=np.asarray(log.conversion, dtype=np.float64),
        cost=np.asarray(log.cost, dtype=np.float64),
        revenue=np.asarray(log.revenue, dtype=np.float64),
        propensity=given_propensity(log),
        user=np.unique(log.user_id.astype(str), return_inverse=True)[1].astype(np.int64),
    )


def _learner(model: str, base: str, seed: int, options: Mapping[str, Any]) -> Learner:
    if model not in MODELS:
        raise InputError("no such model", column="model", value=model, mend=did_you_mean(model, MODELS))
    if model == "network":
        require_extra("torch", "predict")
        from couponry.predictors.network.learner import NetworkLearner
        from couponry.predictors.network.training import Settings

        own = inspect.signature(NetworkLearner).parameters
        _check_options(
            options, [n for n in own if n not in ("seed", "settings")] + [f.name for f in fields(Settings)]
        )
        return NetworkLearner(seed=seed, **options)
    from couponry.predictors.meta_learners.base import MetaLearner, conversion_learner

    own = inspect.signature(conversion_learner(model)).parameters
    _check_options(options, [n for n in own if n != "bases"] + ["base_options"])
    return MetaLearner(model, base, seed=seed, **options)


def _check_options(options: Mapping[str, Any], known: list[str]) -> None:
    for name in options:
        if name not in known:
            raise InputError("no such option of this model", column=name, mend=did_you_mean(name, known))


def _card(
    log: Log,
    model: str,
    base: str,
    seed: int,
    options: Mapping[str, Any],
    features: FeatureEncoder,
    learner: Learner,
) -> Card:
    needed = ("torch", "safetensors") if model == "network" else ("lightgbm", "safetensors")
    arms = dict(zip(("none", *log.coupons.ids), arm_shares(log).tolist(), strict=True))
    return {
        "model": model,
        "base": None if model == "network" else base,
        "seed": seed,
        "options": dict(options),
        "log": {
            "rows": log.n,
            "users": len(np.unique(log.user_id.astype(str))),
            "arm_shares": arms,
            "conversion": float(log.conversion.mean()),
            "propensities": "given" if log.propensity is not None else "arm shares",
            "fingerprint": fingerprint(log),
        },
        "schema": features.schema_.to_json(),
        "segments": list(log.segments),
        "training": learner.report(),
        "metrics": {},
        "versions": {package: _version(package) for package in (*_PACKAGES, *needed)},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed as a package"
