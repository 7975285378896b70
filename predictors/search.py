"""Search over a model's options: tree-structured Parzen estimator, random, grid; within a time limit.

Every candidate is trained on the same part of the log and judged on the rest, by users. The best one's
options are then trained on the whole log.

References
----------
.. [1] Akiba, T., Sano, S., Yanase, T., Ohta, T., & Koyama, M. (2019). Optuna: a next-generation
   hyperparameter optimization framework. KDD, 2623-2631. https://doi.org/10.1145/3292500.3330701
.. [2] Bergstra, J., Bardenet, R., Bengio, Y., & Kégl, B. (2011). Algorithms for hyper-parameter optimization.
   NeurIPS 24.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from couponry.instances.errors import InputError, did_you_mean, require_extra
from couponry.instances.log import Log
from couponry.instances.progress import Report
from couponry.predictors.holdout import held_out
from couponry.predictors.model import Model
from couponry.predictors.parameter_kinds import check_parameters
from couponry.predictors.search_scores import check_score, scorer
from couponry.predictors.search_settings import Settings, Space
from couponry.predictors.search_trials import Trial, Trials
from couponry.predictors.train import train

__all__ = ["METHODS", "Found", "Trial", "search"]

METHODS = ("tpe", "random", "grid")

_MOST_DRAWS = 10  # for each trial asked for: those of what was tried cost no training


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes
    ----------
    model : Model
        Of the best options, trained on the whole log; its card has the trials under ``search``.
    options : dict
        Of the best trial, as :func:`~couponry.predictors.train.train` takes them.
    score : float
    trials : tuple of Trial
        In the order in which they were made.
    """

    model: Model
    options: dict[str, Any]
    score: float
    trials: tuple[Trial, ...]


def search(
    log: Log,
    model: str = "tarnet",
    *,
    space: Space | None = None,
    method: str = "tpe",
    trials: int = 20,
    time_limit: float | None = None,
    score: str = "log_loss",
    share: float | None = None,
    budget: float | None = None,
    holdout: float = 0.25,
    seed: int = 0,
    progress: Report | None = None,
    **fixed: Any,
) -> Found:
    """Find a model's options on a log.

    The model's defaults are the first candidate, so that a search never ends below them on the users that
    it looks at. No setting is trained twice: one that was tried before counts no trial, and the search ends
    where all were tried.

    Parameters
    ----------
    log : Log
    model : str
        One of :data:`~couponry.predictors.registry.MODELS`.
    space : mapping from option to Range or Choice, optional
        By default that of :func:`~couponry.predictors.search_spaces.space_of`. ``base_options.trees`` is an
        option of what a meta-learner is built of.
    method : {"tpe", "random", "grid"}
        Tree-structured Parzen estimator [2]_, random, or every combination of a few values each.
    trials : int
        Most candidates; 1 is the defaults alone.
    time_limit : float, optional
        Seconds after which no further candidate is begun.
    score : {"log_loss", "qini", "policy_value"}
        Minus the log loss of conversions under the given arm; the mean Qini score of the coupons; or what the
        policy of predicted uplift is worth, see :func:`~couponry.predictors.search_scores.scorer`.
    share, budget : float, optional
        Of that policy: rows that are given a coupon (by default 0.3), or money a row.
    holdout : float
        Share of users that candidates are judged on.
    seed : int
        Of the search, the split and every training.
    progress : callable, optional
        Called once a candidate.
    fixed
        Options that all candidates share.

    Returns
    -------
    Found

    Raises
    ------
    InputError
        If the method, the score or an option is not known, or does not fit the others, a feature cannot be
        used, there is nothing to search, or every candidate failed.
    MissingExtraError
        If Optuna is not installed.
    """
    optuna = require_extra("optuna", "search")
    if method not in METHODS:
        raise InputError("unknown", parameter="method", value=method, mend=did_you_mean(method, METHODS))
    check_score(score, share, budget)
    check_parameters({"trials": trials, "time_limit": time_limit, "holdout": holdout, "seed": seed})
    settings = Settings(model, space, fixed)
    if trials > 1:
        settings.check_some()
    told = {name: fixed[name] for name in ("columns", "assignment") if name in fixed}
    seen, held = held_out(log, holdout, seed=seed, **told)
    listed = settings.listed(grid=method == "grid")
    made = Trials(settings, seen, scorer(held, score, share, budget), seed, trials, listed, progress, score)
    began = time.monotonic()
    made.score({})
    left = None if time_limit is None else time_limit - (time.monotonic() - began)
    if not made.ended and (left is None or left > 0):
        optuna.logging.disable_default_handler()  # progress is told our way
        _explore(optuna, made, method, left, seed)
    by = {"method": method, "score": score, "share": share, "budget": budget}
    return _best(log, made, by, seed)


def _explore(optuna: Any, made: Trials, method: str, seconds: float | None, seed: int) -> None:
    """Try what a sampler draws; where it draws what was tried, something untried next."""
    study = optuna.create_study(
        direction="maximize", sampler=_sampler(optuna, method, made.settings.space, seed)
    )
    chance = np.random.default_rng(seed)

    def candidate(trial: Any) -> float:
        setting = made.settings.draw(trial)
        untried = made.untried if method != "grid" and made.tried(setting) else []
        if untried:
            study.enqueue_trial(untried[chance.integers(len(untried))])
        return made.score(setting)

    def end(study: Any, trial: Any) -> None:
        if made.ended:
            study.stop()

    study.optimize(candidate, n_trials=_MOST_DRAWS * made.most, timeout=seconds, callbacks=[end])


def _best(log: Log, made: Trials, by: dict[str, Any], seed: int) -> Found:
    whole = [trial for trial in made.made if not np.isnan(trial.score)]
    if not whole:
        raise InputError(f"every candidate failed, the first with: {made.made[0].failure}", parameter="space")
    best = max(whole, key=lambda trial: trial.score)
    options = made.settings.options(best.options)
    fitted = train(log, made.settings.model, seed=seed, **(made.settings.fixed | options))
    fitted.card["search"] = by | {"trials": [asdict(trial) for trial in made.made]}
    return Found(fitted, options, best.score, made.made)


def _sampler(optuna: Any, method: str, space: Space, seed: int) -> Any:
    if method == "grid":
        return optuna.samplers.GridSampler({name: part.grid() for name, part in space.items()}, seed=seed)
    if method == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=5)
