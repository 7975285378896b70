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
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from couponry.instances.errors import InputError, did_you_mean, require_extra
from couponry.instances.log import Log
from couponry.instances.progress import Progress, Report
from couponry.predictors.holdout import held_out
from couponry.predictors.model import Model
from couponry.predictors.parameter_kinds import check_parameters
from couponry.predictors.registry import model_entry
from couponry.predictors.search_scores import Scorer, check_score, scorer
from couponry.predictors.search_spaces import Choice, Range, space_of
from couponry.predictors.train import train

__all__ = ["METHODS", "Found", "Trial", "search"]

METHODS = ("tpe", "random", "grid")

Space = Mapping[str, Range | Choice]


@dataclass(frozen=True)
class Trial:
    """One candidate.

    Attributes
    ----------
    options : dict
    score : float
        On the held-out users; larger is better. NaN where training failed.
    failure : str
        Why it failed, else empty.
    """

    options: dict[str, Any]
    score: float
    failure: str = ""


@dataclass(frozen=True)
class Found:
    """What a search found.

    Attributes
    ----------
    model : Model
        Of the best options, trained on the whole log; its card has the trials under ``search``.
    options : dict
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
    it looks at.

    Parameters
    ----------
    log : Log
    model : str
        One of :data:`~couponry.predictors.registry.MODELS`.
    space : mapping from option to Range or Choice, optional
        By default that of :func:`~couponry.predictors.search_spaces.space_of`.
    method : {"tpe", "random", "grid"}
        Tree-structured Parzen estimator [2]_, random, or every combination of a few values each.
    trials : int
        Most candidates.
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
        used, or every candidate failed.
    MissingExtraError
        If Optuna is not installed.
    """
    optuna = require_extra("optuna", "search")
    if method not in METHODS:
        raise InputError("unknown", parameter="method", value=method, mend=did_you_mean(method, METHODS))
    check_score(score, share, budget)
    check_parameters({"trials": trials, "time_limit": time_limit, "holdout": holdout, "seed": seed})
    chosen = {name: part for name, part in (space or space_of(model)).items() if name not in fixed}
    _check(model, chosen)
    told = {name: fixed[name] for name in ("columns", "assignment") if name in fixed}
    seen, held = held_out(log, holdout, seed=seed, **told)
    scored = scorer(held, score, share, budget)
    made: list[Trial] = []

    def candidate(options: dict[str, Any]) -> float:
        tried = _tried(seen, scored, model, fixed | options, seed)
        made.append(Trial(options, tried.score, tried.failure))
        if progress:
            best = max((t.score for t in made if not np.isnan(t.score)), default=float("nan"))
            progress(Progress("searching", len(made), trials, f"best {score} {best:.5f}"))
        return tried.score

    began = time.monotonic()
    candidate({})
    left = None if time_limit is None else time_limit - (time.monotonic() - began)
    if trials > 1 and chosen and (left is None or left > 0):
        optuna.logging.disable_default_handler()  # progress is told our way
        study = optuna.create_study(direction="maximize", sampler=_sampler(optuna, method, chosen, seed))
        study.optimize(
            lambda trial: candidate({n: part.suggest(trial, n) for n, part in chosen.items()}),
            n_trials=trials - 1,
            timeout=left,
        )
    by = {"method": method, "score": score, "share": share, "budget": budget}
    return _best(log, model, made, fixed, by, seed)


def _best(
    log: Log, model: str, made: Sequence[Trial], fixed: dict[str, Any], by: dict[str, Any], seed: int
) -> Found:
    whole = [trial for trial in made if not np.isnan(trial.score)]
    if not whole:
        raise InputError(f"every candidate failed, the first with: {made[0].failure}", parameter="space")
    best = max(whole, key=lambda trial: trial.score)
    fitted = train(log, model, seed=seed, **(fixed | best.options))
    fitted.card["search"] = by | {"trials": [asdict(trial) for trial in made]}
    return Found(fitted, dict(best.options), best.score, tuple(made))


def _tried(seen: Log, scored: Scorer, model: str, options: dict[str, Any], seed: int) -> Trial:
    try:
        fitted = train(seen, model, seed=seed, **options)
    except InputError as error:  # options that do not go together are no reason to end a search
        return Trial(options, float("nan"), str(error))
    return Trial(options, scored(fitted))


def _check(model: str, space: Space) -> None:
    known = model_entry(model).options
    for name in space:
        if name not in known:
            raise InputError(
                "this model has no such parameter", parameter=name, mend=did_you_mean(name, known)
            )


def _sampler(optuna: Any, method: str, space: Space, seed: int) -> Any:
    if method == "grid":
        return optuna.samplers.GridSampler({name: part.grid() for name, part in space.items()}, seed=seed)
    if method == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=5)
