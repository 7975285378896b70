"""From a log to a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from warnings import warn

import numpy as np
import numpy.typing as npt

from couponry.instances.errors import DataWarning, InputError, did_you_mean
from couponry.instances.log import Log
from couponry.instances.progress import Report
from couponry.instances.wording import setting
from couponry.predictors.answers import Answers, joined
from couponry.predictors.assignment_doubts import assignment_doubts
from couponry.predictors.calibration import METHODS, Calibration, cross_fitted_outcomes
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.features.prepare import Prepared, prepare
from couponry.predictors.holdout import held_out
from couponry.predictors.learner import Learner, TrainingRows, doubts_of, encoded_for
from couponry.predictors.log_checks import LEAST_ROWS, check_log, doubts, fingerprint
from couponry.predictors.menu import Menu
from couponry.predictors.model import Model
from couponry.predictors.model_card import card_of
from couponry.predictors.overlap import Overlap, overlap
from couponry.predictors.parameter_kinds import check_parameters
from couponry.predictors.propensity import arm_table, given_propensity
from couponry.predictors.registry import MODELS, Entry, model_entry
from couponry.predictors.rows_seen import RowsSeen
from couponry.predictors.shrinkage import Shrinkage

__all__ = ["MODELS", "train"]

_PRIOR_ROWS = 10_000


def train(
    log: Log,
    model: str = "default",
    base: str = "lightgbm",
    *,
    holdout: float = 0.0,
    seed: int = 0,
    progress: Report | None = None,
    columns: Mapping[str, Any] | None = None,
    attributes: Mapping[str, Any] | None = None,
    least_rows: int = LEAST_ROWS,
    assignment: str = "lot",
    calibrate: str | None = None,
    **options: Any,
) -> Model:
    """Learn how users respond to coupons.

    Parameters
    ----------
    log : Log
        A randomised campaign, or one whose propensities are known or whose choices the features explain.
    model : str
        One of :data:`~couponry.predictors.registry.MODELS`: ``default``, the multi-arm network, …
    base : {"lightgbm", "forest", "sklearn"}
        What a meta-learner is built of: boosted trees, random forests or linear models. Others do not ask.
    holdout : float
        Share of users that are kept from training and on which the model is judged (``card["metrics"]``);
        those of ``log.split(holdout, seed)``. With ``assignment="features"`` policies are judged by
        propensities learnt of the whole log.
    seed : int
        Same log, same seed: same model.
    progress : callable, optional
        Called once an epoch, or once a fitted regression.
    columns : mapping from feature to kind or choices, optional
        Where a feature is not what it seems, such as ``{"zip": "category"}``, or where something is chosen
        for it, such as ``{"spend": {"kind": "money", "missing": "mean", "clip": (0.01, 0.99)}}``;
        see :class:`~couponry.predictors.features.choices.Choice`.
    attributes : mapping from column of the menu to kind or choices, optional
        The same for what is known of coupons.
    least_rows : int
        Rows that every arm needs.
    assignment : {"lot", "features"}
        How arms were chosen: by lot (with the propensities that the log tells, or else by the arms' shares
        alike for everyone), or by what the features tell. Then propensities are learnt, rows without overlap
        are trimmed, and a log that does not tell a coupon's effect is refused; see
        :func:`~couponry.predictors.overlap.overlap`. ``dr``, ``r``, ``x`` and ``content`` use all of that,
        ``dragonnet`` and ``cfr`` balance arms by means of their own; others learn from the rows that are not
        trimmed, by their regression on the features alone, with a warning.
    calibrate : {"platt", "isotonic"}, optional
        How to bring answers to scale by users that models did not learn from, which trains three more; see
        :class:`~couponry.predictors.calibration.Calibration`. The network does so by itself.
    options
        Parameters of the model's class, such as ``epochs`` or ``members`` of
        :class:`~couponry.predictors.network.learner.NetworkLearner`, ``folds`` of a meta-learner, and
        ``base_options`` of what it is built of, such as ``{"trees": 200}``.

    Returns
    -------
    Model

    Raises
    ------
    InputError
        If the log or an option cannot be used.
    MissingExtraError
        If torch, scikit-learn or LightGBM is needed and not installed.

    Warns
    -----
    DataWarning
        If something about the log, or for this model, is doubtful; the card has it under ``checks``.
    """
    check_parameters({"seed": seed, "holdout": holdout})
    held = None
    if holdout:
        log, held = held_out(log, holdout, columns=columns, assignment=assignment, seed=seed)
    check_log(log, least_rows)
    entry = model_entry(model)
    learner = _learner(entry, base, seed, options)
    if calibrate not in (None, *METHODS):
        raise InputError("unknown way to calibrate", value=calibrate, mend=did_you_mean(calibrate, METHODS))
    prepared = prepare(log, columns)
    prepared.check(least_rows)
    features = _encoder(prepared)
    digest = _fingerprint(prepared.log)
    menu = Menu(prepared.log.coupons, attributes)
    found = _overlap(prepared.log, assignment, seed)
    rows = training_rows(prepared.log, features, menu, learner, found)
    checks = prepared.checks()
    checks["warnings"] += _warned(
        [*_doubts(prepared.log, features, assignment, seed), *doubts_of(learner, rows)]
    )
    if found is not None and not entry.adjusts:
        rows = rows.take(_overlapping(rows))
        checks["warnings"] += _warned([_unadjusted(model)])
    learner.fit(rows, progress)
    scale = None
    if calibrate is not None:
        scale = Calibration.fit(calibrate, rows, cross_fitted_outcomes(learner, rows, seed=seed))
    card = card_of(log, entry, learner, options, features)
    card["log"]["fingerprint"] = digest
    card["checks"] = checks
    card["attributes"] = [] if menu.encoder is None else menu.encoder.schema_.to_json()
    card["calibration"] = calibrate
    if found is not None:
        card["log"]["propensities"] = "given" if log.propensity is not None else "learnt"
        card["overlap"] = found.summary()
    seen = RowsSeen.of(prepared.log, features.schema_)
    fitted = Model(features, menu, learner, card, scale, seen)
    card["prior"] = _prior(fitted, rows, seed)
    if held is not None:
        from couponry.predictors.evaluate.evaluate import judged

        fitted.card["metrics"] = judged(fitted, held).summary()
    return fitted


def _encoder(prepared: Prepared) -> FeatureEncoder:
    try:
        return FeatureEncoder(prepared.columns).fit(prepared.log.features)
    except InputError as error:
        raise prepared.log.placed(error) from None


def _fingerprint(log: Log) -> str:
    try:
        return fingerprint(log)
    except InputError as error:
        raise log.placed(error) from None


def _doubts(log: Log, features: FeatureEncoder, assignment: str, seed: int) -> list[str]:
    """Return what is doubtful about the log beside its columns."""
    found = doubts(log)
    if assignment == "lot":
        found += assignment_doubts(
            log,
            features,
            by_choice=(
                f"train with {setting('assignment', 'features')}, which refuses a log that does not tell a "
                "coupon's effect"
            ),
            afterwards=lambda names: (
                f"leave that out by {setting('columns', dict.fromkeys(names, 'ignore'))}"
            ),
            seed=seed,
        )
    return found


def _warned(messages: list[str]) -> list[str]:
    """Warn of what is doubtful, and return it."""
    for message in messages:
        warn(message, DataWarning, stacklevel=3)
    return messages


def _overlapping(rows: TrainingRows) -> npt.NDArray[np.bool_]:
    """Return the rows that may tell the effect of their own coupon, or, given none, of some coupon."""
    assert rows.kept is not None
    own = rows.kept[np.arange(rows.n), np.maximum(rows.arm, 0)]
    return np.where(rows.arm >= 0, own, rows.kept.any(axis=1))


def _unadjusted(model: str) -> str:
    return (
        f"{model!r} does not weigh rows by the learnt propensities: it adjusts for who got what by its "
        "regression on the features alone, on the rows where arms overlap; 'dr', 'r' and 'x' do both"
    )


def _prior(model: Model, rows: TrainingRows, seed: int) -> dict[str, Any] | None:
    """Return what the values of the log's users are like."""
    some = np.random.default_rng(seed).permutation(rows.n)[:_PRIOR_ROWS]
    answers = Answers(model, model.coupons)
    parts = [answers.outcomes(rows.x[part]) for part in np.array_split(some, -(-len(some) // answers.step))]
    found = Shrinkage.of(joined(parts))
    return None if found is None else found.to_json()


def _overlap(log: Log, assignment: str, seed: int) -> Overlap | None:
    check_parameters({"assignment": assignment})
    if assignment == "lot":
        return None
    found = overlap(log, seed=seed)
    found.check(log.source)
    return found


def training_rows(
    log: Log, features: FeatureEncoder, menu: Menu, learner: Learner, found: Overlap | None = None
) -> TrainingRows:
    """Return a log in numbers, in the layout that a learner wants; with what was found of its overlap."""
    log = log if found is None else found.with_propensity(log)
    return TrainingRows(
        x=encoded_for(learner, features, log.features),
        categorical=tuple(features.categorical) if learner.layout == "raw" else (),
        coupons=menu.encode(log.coupons),
        arm=np.asarray(log.arm, dtype=np.int32),
        conversion=np.asarray(log.conversion, dtype=np.float64),
        cost=np.asarray(log.cost, dtype=np.float64),
        revenue=np.asarray(log.revenue, dtype=np.float64),
        propensity=given_propensity(log),
        arm_propensity=arm_table(log) if found is None else found.propensity,
        kept=None if found is None else found.kept,
        user=np.unique(log.user_id.astype(str), return_inverse=True)[1].astype(np.int64),
        offers=log.coupons,
        click=None if log.click is None else np.asarray(log.click, dtype=np.float64),
    )


def _learner(entry: Entry, base: str, seed: int, options: Mapping[str, Any]) -> Learner:
    known = [name for name in entry.options if name != "base"]
    for name in options:
        if name not in known:
            raise InputError(
                "this model has no such parameter", parameter=name, mend=did_you_mean(name, known)
            )
    built_of = {"base": base} if "base" in entry.options else {}
    return entry.load()(seed=seed, **built_of, **options)
