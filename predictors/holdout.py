"""Users who are held out, so that models are judged by rows that they have not seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from couponry.instances.log import Log
from couponry.predictors.features.prepare import read_features
from couponry.predictors.overlap import overlap
from couponry.predictors.parameter_kinds import check_parameters

__all__ = ["held_out"]


def held_out(
    log: Log,
    holdout: float,
    *,
    columns: Mapping[str, Any] | None = None,
    assignment: str = "lot",
    seed: int = 0,
) -> tuple[Log, Log]:
    """Return the part of a log to train on and the part to judge by, drawn at random by user.

    Parameters
    ----------
    log : Log
    holdout : float
        Share of users held out, in (0, 1).
    columns : mapping from feature to kind or choices, optional
        As :func:`~couponry.predictors.train.train` takes them.
    assignment : {"lot", "features"}
        With ``"features"`` the part to judge by has propensities that are learnt of the whole log, where it
        tells none. Training learns its own, of its own rows.
    seed : int

    Raises
    ------
    InputError
        If a feature cannot be used, be its row held out or not; or ``holdout`` leaves one side empty.
    """
    check_parameters({"assignment": assignment})
    read = read_features(log, columns)
    known = log if assignment == "lot" else overlap(read, seed=seed).with_propensity(log)
    return log.split(holdout, seed)[0], known.split(holdout, seed)[1]
