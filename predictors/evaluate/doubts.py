"""What is doubtful about judging a model by a log."""

from __future__ import annotations

from collections.abc import Iterator

from couponry.instances.log import Log
from couponry.instances.wording import setting
from couponry.predictors.assignment_doubts import assignment_doubts
from couponry.predictors.model import Model

__all__ = ["doubts_of_judging"]


def doubts_of_judging(model: Model, held: Log, assignment: str = "lot") -> list[str]:
    """Return what is doubtful about a log that a model is to be judged by.

    Parameters
    ----------
    model : Model
    held : Log
        Whose features the model can read.
    assignment : {"lot", "features"}
        How its arms were chosen. Where features told, propensities are learnt, and how arms were drawn is no
        question.
    """
    seen = list(_doubts_of_seen_rows(model, held))
    if assignment == "features":
        return seen
    return [
        *seen,
        *assignment_doubts(
            held,
            model.features,
            by_choice=f"judge with {setting('assignment', 'features')}, which learns them for policies",
            afterwards=lambda names: f"train the model without {' and '.join(map(repr, names))}",
        ),
    ]


def _doubts_of_seen_rows(model: Model, held: Log) -> Iterator[str]:
    if model.rows_seen is None:
        return
    seen, told = model.rows_seen.among(held, model.features.schema_)
    if not len(seen):
        return
    sampled = f"about {len(seen) / told:.0%} of the {held.n:,} rows"
    rows = f"{len(seen):,} of the {held.n:,} rows" if told == held.n else sampled
    or_alike, apart = "", ""
    if held.given_at is None:
        or_alike = ", or from others that are the same in user, arm, outcome and features"
        apart = "; a column 'given_at' tells rows of the same users apart"
    yield (
        f"the model has learnt from {rows} that it is judged by (the first: "
        f"{held.row_words(int(seen[0]))}){or_alike}, so the figures flatter it. Judge it by rows that it has "
        f"not seen: those that training held out, or a later log{apart}"
    )
