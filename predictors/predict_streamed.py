"""From a model and a table of users of any size to an instance on disk, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.ahead import ahead
from couponry.instances.atomic import check_free, write_directory
from couponry.instances.census import further
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.files import rules_to_toml, with_plan_file
from couponry.instances.menu_file import write_coupons
from couponry.instances.progress import Progress, Report
from couponry.instances.response import Response
from couponry.instances.rules import Campaign, Rule
from couponry.instances.source import Source
from couponry.instances.streamed import StreamedInstance, open_instance
from couponry.instances.users import Users
from couponry.instances.users_files import ShardWriter
from couponry.instances.users_table import UsersTable
from couponry.predictors.answers import Answers, measures_of
from couponry.predictors.model import Model

__all__ = ["predict_streamed"]

_BLOCK = 32_768  # users read at one time, at least
_MEASURES = ("value", "cost", "revenue")


@dataclass(frozen=True)
class _Encoded:
    """Some users, read and in numbers: one array a step of the model."""

    first: int
    users: Users
    steps: list[npt.NDArray[np.float32]]


def predict_streamed(
    model: Model,
    users: str | Path,
    out: str | Path,
    coupons: Coupons | None = None,
    rules: Sequence[Rule] = (),
    campaign: Campaign | None = None,
    segments: Sequence[str] | None = None,
    *,
    shard_rows: int = 1_000_000,
    allow_new: bool = False,
    shrink: bool = False,
    rules_file: str | Path | None = None,
    force: bool = False,
    progress: Report | None = None,
) -> StreamedInstance:
    """Write the instance that users, coupons and rules make under a model's response, shard by shard.

    The numbers are those of :func:`~couponry.predictors.predict.predict`; memory does not grow with the
    users. One thread reads and encodes, the other answers and writes. What is written stands aside until it
    is whole: an interrupt (Ctrl-C, or an exception that ``progress`` raises) leaves nothing behind, and what
    stood in ``out`` before stays as it was.

    Parameters
    ----------
    model : Model
    users : str or Path
        A ``.csv`` or ``.parquet`` file with ``user_id``, the features that the model learnt from, the
        segments, and optionally ``max_coupons``; fsspec URLs are taken too.
    out : str or Path
        A directory for the instance, to be read by :func:`~couponry.solver.streamed.solve_streamed` and
        :func:`~couponry.instances.files.read_instance` alike.
    coupons : Coupons, optional
        The menu, with the stock and minimum of this campaign; by default that of the training log.
    rules : sequence of Rule
        They are compiled before anything is predicted. An earlier plan is copied into the directory.
    campaign : Campaign, optional
    segments : sequence of str, optional
        Columns of the table that rules may speak of; by default those of the training log.
    shard_rows : int
        Most users a file.
    allow_new : bool
        Let the model answer for coupons without rows in the log, from their attributes, if it reads those.
    shrink : bool
        Draw values towards their coupon's mean, the less certain the more, so that those that a solver picks
        are not too high; needs a model with ``value_se``. See
        :class:`~couponry.predictors.shrinkage.Shrinkage`.
    rules_file : str or Path, optional
        Where the rules stand, for errors.
    force : bool
        Overwrite what is there.
    progress : callable, optional
        Told of every block.

    Returns
    -------
    StreamedInstance

    Raises
    ------
    ExistsError
        If ``out`` holds something and ``force`` is not given.
    InputError
        If the file cannot be read, a cell cannot be used (naming row, line and column), an id stands twice in
        one block, a column is missing or differs from training, a coupon is not known, or a rule does not
        fit.
    """
    if shard_rows < 1:
        raise InputError("a shard holds at least one user", parameter="shard_rows", value=shard_rows)
    check_free(out, force=force)
    menu = model.coupons if coupons is None else coupons
    answers = Answers(model, menu, allow_new=allow_new, shrink=shrink)
    table = UsersTable(
        Source(users),
        -(-_BLOCK // answers.step) * answers.step,  # whole steps: the very numbers of a prediction in memory
        segments=model.segments if segments is None else segments,
        measures=_MEASURES,
        coupons=len(menu),
    )
    try:
        model.features.schema_.check(pd.DataFrame(columns=table.names))
    except InputError as error:
        raise table.placed(error) from None
    campaign = Campaign() if campaign is None else campaign
    file = None if rules_file is None else str(rules_file)
    StreamedInstance(menu, table, rules, campaign, file).program  # noqa: B018  # tells what does not fit
    with write_directory(out, kind="instance", force=force) as folder:
        (folder / "users").mkdir()
        own = [with_plan_file(rule, number, folder) for number, rule in enumerate(rules)]
        (folder / "instance.toml").write_text(rules_to_toml(campaign, own), encoding="utf-8")
        write_coupons(menu, folder)
        with ShardWriter(folder / "users", users=table.n_users, shard_rows=shard_rows) as shards:
            for block in ahead(_encoded(answers, table), most=1):
                shards.add(block.users, _response(answers, block, table, len(menu)))
                if progress is not None:
                    done = block.first + len(block.users)
                    progress(Progress("predicting", done, table.n_users, f"{len(menu)} coupons"))
    return open_instance(out)


def _encoded(answers: Answers, table: UsersTable) -> Iterator[_Encoded]:
    """Read the table block by block, and turn features to numbers."""
    schema = answers.model.features.schema_
    plain = table.schema.names
    wanted = list(dict.fromkeys([*plain, *(column.name for column in schema.columns)]))
    for part in table.read(wanted):
        try:
            users = Users(part.table.select(plain))
            features = part.table.to_pandas()
            schema.check(features)
            steps = [
                answers.encoded(features.iloc[at : at + answers.step], at)
                for at in range(0, len(features), answers.step)
            ]
        except InputError as error:
            raise table.placed(further(error, part.first)) from None
        yield _Encoded(part.first, users, steps)


def _response(answers: Answers, block: _Encoded, table: UsersTable, coupons: int) -> Response:
    measures: dict[str, npt.NDArray[np.float32]] = {}
    at = 0
    for x in block.steps:
        found = measures_of(answers.outcomes(x), revenue=answers.model.tells_revenue)
        for name, numbers in found.items():
            if name not in measures:
                measures[name] = np.empty((len(block.users), coupons), dtype=np.float32)
            measures[name][at : at + len(x)] = numbers
        at += len(x)
    return Response(measures)
