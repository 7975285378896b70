"""Columns that tell the outcome by themselves, as only something recorded afterwards can."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.predictors.encoders.events import EventEncoder
from couponry.predictors.encoders.series import SeriesEncoder
from couponry.predictors.encoders.time_curve import days_of
from couponry.predictors.features.schema import Column, Schema

__all__ = ["LEAK", "auc_alone", "leaks"]

LEAK = 0.999
"""Area under the ROC curve above which a column alone tells too much."""

_LEAST_OF_A_CLASS = 5  # of four converted among hundreds, chance alone may rank all at the top of some column
_FEW_VALUES = 50
_MOST_OF_A_CLASS = 100_000


def leaks(table: pd.DataFrame, schema: Schema, outcome: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Return the columns whose AUC alone is above :data:`LEAK`, with it.

    Of more than 100,000 rows of a class, the first 100,000 are looked at.

    Parameters
    ----------
    table : DataFrame, n rows
        In random order: labels are scored on every other row.
    schema : Schema
    outcome : ndarray of bool, shape (n,)
    """
    if min(outcome.sum(), (~outcome).sum()) < _LEAST_OF_A_CLASS:
        return {}
    some = _some(outcome)
    if len(some) < len(outcome):
        table, outcome = table.iloc[some], outcome[some]
    found = {c.name: auc_alone(c, table[c.name], outcome) for c in schema.columns}
    return {name: auc for name, auc in found.items() if auc > LEAK}


def _some(outcome: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    classes = [np.flatnonzero(outcome == side)[:_MOST_OF_A_CLASS] for side in (False, True)]
    return np.sort(np.concatenate(classes))


def auc_alone(column: Column, cells: pd.Series, outcome: npt.NDArray[np.bool_]) -> float:
    """Return the best AUC that one column reaches: by its numbers, its gaps, or its labels.

    A label scores the outcome's mean on the other half of the rows, so that labels that stand on one row do
    not tell their own outcome.
    """
    return max((_auc(score, outcome) for score in _scores(column, cells, outcome)), default=0.5)


def _auc(score: npt.NDArray[np.floating], outcome: npt.NDArray[np.bool_]) -> float:
    from sklearn.metrics import roc_auc_score

    gap = np.isnan(score)
    if gap.all():
        return 0.5
    ends = (score[~gap].min() - 1, score[~gap].max() + 1) if gap.any() else (0.0,)
    areas = [float(roc_auc_score(outcome, np.where(gap, end, score))) for end in ends]
    return max(max(area, 1 - area) for area in areas)


def _scores(
    column: Column, cells: pd.Series, outcome: npt.NDArray[np.bool_]
) -> Iterator[npt.NDArray[np.floating]]:
    cells = cells.reset_index(drop=True)
    if column.kind in ("category", "text"):
        yield _means_of_labels(cells, outcome)
    elif column.kind == "events":
        yield from EventEncoder(column.name).fit(cells).raw(cells).T
    elif column.kind == "series":
        yield from SeriesEncoder(column.name).fit(cells).raw(cells).T
    else:
        numbers = days_of(cells) if column.kind == "date" else pd.to_numeric(cells).astype("Float64")
        yield np.asarray(pd.Series(numbers).to_numpy(np.float64, na_value=np.nan), dtype=np.float64)
        if cells.nunique() <= _FEW_VALUES:  # codes, which need not rise with the outcome
            yield _means_of_labels(cells, outcome)


def _means_of_labels(cells: pd.Series, outcome: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    label = pd.factorize(cells.astype(object), use_na_sentinel=False)[0]
    half = np.arange(len(cells)) % 2
    score = np.full(len(cells), np.nan)
    for side in (0, 1):
        there = half != side
        rows = np.bincount(label[there], minlength=label.max() + 1)
        total = np.bincount(label[there], outcome[there], minlength=label.max() + 1)
        mean = np.divide(total, rows, out=np.full(len(rows), np.nan), where=rows > 0)
        score[half == side] = mean[label[half == side]]
    return score
