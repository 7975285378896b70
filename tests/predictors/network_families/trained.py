"""Small learners on small logs, for the tests of this folder."""

import numpy as np

from couponry.predictors.features import FeatureEncoder
from couponry.predictors.menu import Menu
from couponry.predictors.train import training_rows

__all__ = ["rows_of", "trained", "uplift"]

SMALL = {"members": 1, "epochs": 3, "batch": 128}


def rows_of(log, learner):
    """Return a log in numbers, as a learner wants it."""
    return training_rows(log, FeatureEncoder().fit(log.features), Menu(log.coupons), learner)


def trained(kind, log, **options):
    """Train a learner of a class; return it and the log in numbers."""
    learner = kind(**(SMALL | options))
    rows = rows_of(log, learner)
    return learner.fit(rows), rows


def uplift(learner, rows):
    """Return predicted uplifts of a log's own rows, ``(n, J)``."""
    found = learner.predict(rows.x, np.arange(rows.arms), rows.coupons).conversion
    return found[:, 1:] - found[:, :1]
