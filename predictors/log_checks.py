"""What a log must hold before anything can be learnt from it, and what is doubtful about one that does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa

from couponry.instances.arms import NO_COUPON
from couponry.instances.errors import InputError
from couponry.instances.log import Log
from couponry.instances.log_table import NONE_IN_WORDS
from couponry.instances.tables import arrow_table
from couponry.instances.wording import setting
from couponry.predictors.parameter_kinds import check_parameters

__all__ = ["LEAST_ROWS", "check_arms", "check_log", "doubts", "fingerprint"]

LEAST_ROWS = 50
"""Rows that every arm needs, if nothing else is said."""

_LEAST_USERS = 10


def check_log(log: Log, least_rows: int = LEAST_ROWS) -> None:
    """Refuse a log that response cannot be learnt from.

    Lengths, ranges and propensities are checked when a :class:`Log` is made.

    Parameters
    ----------
    log : Log
    least_rows : int
        Rows that every arm needs.

    Raises
    ------
    InputError
        If there are hardly any users, an arm was never given or too seldom, nobody or everybody converted, or
        a cost is negative or stands on a row without a coupon.
    """
    check_parameters({"least_rows": least_rows})
    _check_users(log)
    check_arms(log, least_rows)
    _check_costs(log)
    if (log.conversion == log.conversion[0]).all():
        raise InputError(
            "every row has the same conversion, so there is no response to learn",
            file=log.source,
            column="conversion",
            value=float(log.conversion[0]),
            mend="Give rows of users who converted and of users who did not",
        )


def _check_users(log: Log) -> None:
    users = len(np.unique(log.user_id.astype(str)))
    if users < _LEAST_USERS:
        raise InputError(
            f"the log has {users} user{'s' * (users != 1)}; folds and held-out rows are made of whole users, "
            f"so at least {_LEAST_USERS} are needed",
            file=log.source,
            column="user_id",
            value=str(log.user_id[0]),
            mend="Give every customer an id of their own; where nothing tells whose a row is, number rows",
        )


def check_arms(log: Log, least_rows: int = 1) -> None:
    """Refuse a log without a control group, or with too few rows of an arm.

    Raises
    ------
    InputError
        Naming the first such arm.
    """
    for arm, count in log.rows_of_arms().items():
        whole = count if log.origin is None else log.origin.given.get(arm, count)
        if whole == 0:
            raise _never_given(log, arm)
        if count < least_rows:
            of_it = f", {count:,} of them among those to learn from" if count < whole else ""
            fewer = f"Hold out fewer users ({setting('holdout', 0.1)}), log" if count < whole else "Log"
            raise InputError(
                f"the log has {whole:,} row{'s' * (whole != 1)} of this arm{of_it}; "
                f"at least {least_rows:,} are needed",
                file=log.source,
                column="arm",
                value=arm,
                mend=f"{fewer} more rows of it{', or take it off the menu' if arm != 'none' else ''}",
            )


def _never_given(log: Log, arm: str) -> InputError:
    if arm != "none":
        return InputError(
            f"the log never gave coupon {arm!r}, so its effect cannot be learnt",
            file=log.source,
            column="arm",
            value=arm,
            mend="Take it off the menu, or log it",
        )
    return InputError(
        "the log has no rows without a coupon, so no coupon's effect can be learnt",
        file=log.source,
        column="arm",
        value=arm,
        mend="Keep a control group that gets none. If one of the arms stands for none, take it off the menu "
        f"and {NONE_IN_WORDS}. As it is, the log compares coupons with each other: cp.policy_value judges "
        "by it policies that always give one",
    )


def _check_costs(log: Log) -> None:
    for problem, wrong in (
        ("a coupon cannot cost less than nothing", log.cost < 0),
        ("a row without a coupon has a cost", (log.arm == NO_COUPON) & (log.cost != 0)),
    ):
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise InputError(
                problem,
                **log.place(row),
                column="cost",
                value=float(log.cost[row]),
                mend="Correct the row",
            )


def doubts(log: Log) -> list[str]:
    """Return what is doubtful about a log that can be learnt from: it contradicts itself, or lacks something.

    Parameters
    ----------
    log : Log
    """
    return [
        *_doubts_of_parts(log),
        *_doubts_of_clicks(log),
        *_doubts_of_repeats(log),
        *_doubts_of_costs(log),
    ]


def _doubts_of_parts(log: Log) -> Iterator[str]:
    between = np.flatnonzero((log.conversion > 0) & (log.conversion < 1))
    if len(between):
        first = int(between[0])
        yield (
            f"{log.count_words(len(between))} have a conversion that is neither 0 nor 1 (the first: "
            f"{log.conversion[first]:g} in {log.row_words(first)}), which is taken for a share of one. Give "
            "1 where the user converted, else 0; amounts belong into 'revenue'"
        )


def _doubts_of_clicks(log: Log) -> Iterator[str]:
    if log.click is None:
        return
    none = log.arm == NO_COUPON
    opened = np.flatnonzero(none & (log.click > 0))
    if len(opened):
        yield (
            f"{log.count_words(len(opened))} have a click without a coupon, though there was nothing to open "
            f"(the first: {log.row_words(int(opened[0]))}). Leave 'click' empty there, or correct 'arm'"
        )
    clicked, not_clicked = (log.conversion[~none & (log.click == told)] for told in (1.0, 0.0))
    if min(len(clicked), len(not_clicked)) == 0 or not_clicked.sum() == 0:
        return
    error = np.sqrt(clicked.var() / len(clicked) + not_clicked.var() / len(not_clicked))
    if not_clicked.mean() - clicked.mean() > 3 * error:
        first = int(np.flatnonzero(~none & (log.click == 0) & (log.conversion > 0))[0])
        yield (
            f"users who did not open their coupon (click 0) converted more often, {not_clicked.mean():.2%}, "
            f"than those who did, {clicked.mean():.2%} (the first: {log.row_words(first)}). See whether 0 "
            "and 1 of 'click' are exchanged; leave cells empty where nobody knows"
        )


def _doubts_of_repeats(log: Log) -> Iterator[str]:
    """Tell of rows that stand there twice: of any at one moment, else only where all have a twin.

    A user who got the same coupon again and again, and never bought, has equal rows without a time by right.
    """
    rows = pd.DataFrame(
        {
            "user": log.user_id.astype(str),
            "arm": log.arm,
            "conversion": log.conversion,
            "revenue": log.revenue,
        }
    )
    timed = log.given_at is not None and not np.isnat(log.given_at).any()
    if timed:
        rows["given_at"] = log.given_at
    again = rows.duplicated().to_numpy()
    if not again.any() or not (timed or rows.duplicated(keep=False).all()):
        return
    yield (
        f"{log.count_words(again.sum())} repeat an earlier one in user, arm, {'time, ' * timed}conversion "
        f"and revenue (the first: {log.row_words(int(np.flatnonzero(again)[0]))}): the log seems to have "
        "been put together twice, and errors would be taken for smaller than they are. Keep each row once"
    )


def _doubts_of_costs(log: Log) -> Iterator[str]:
    if not log.cost.any():
        yield (
            "no row has a cost, so every coupon is taken to be free, and budgets of money will bind nothing. "
            "Give the log a column 'cost', the money that the coupon cost on the row, or say "
            f"{setting('costs', 'MONEY')} where its format takes it"
        )


def fingerprint(log: Log) -> str:
    """Return a SHA-256 over all that a model learns from: features, menu, arms and outcomes."""
    digest = hashlib.sha256()
    table = arrow_table(log.features)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    digest.update(sink.getvalue())
    digest.update(log.coupons.table.to_csv(index=False).encode())
    for array in (log.arm, log.conversion, log.cost, log.revenue, log.propensity):
        digest.update(b"none" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
