"""What a log must hold before anything can be learnt from it."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa

from couponry.instances.errors import InputError
from couponry.instances.log import NO_COUPON, Log

__all__ = ["check_log", "fingerprint"]


def check_log(log: Log, least_rows: int) -> None:
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
        If an arm was never given or too seldom, nobody or everybody converted, or a cost is negative or
        stands on a row without a coupon.
    """
    _check_arms(log, least_rows)
    _check_costs(log)
    if (log.conversion == log.conversion[0]).all():
        raise InputError(
            "every row has the same conversion, so there is no response to learn",
            file=log.source,
            column="conversion",
            value=float(log.conversion[0]),
            mend="Give rows of users who converted and of users who did not",
        )


def _check_arms(log: Log, least_rows: int) -> None:
    rows = np.bincount(log.arm + 1, minlength=len(log.coupons) + 1)
    if rows[0] == 0:
        raise InputError(
            "the log has no rows without a coupon, so no coupon's effect can be learnt",
            file=log.source,
            column="arm",
            value="none",
            mend="Keep a control group that gets none",
        )
    for arm, count in zip(("none", *log.coupons.ids), rows, strict=True):
        if count == 0:
            raise InputError(
                f"the log never gave coupon {arm!r}, so its effect cannot be learnt",
                file=log.source,
                column="arm",
                value=arm,
                mend="Take it off the menu, or log it",
            )
        if count < least_rows:
            raise InputError(
                f"the log has {count} rows of this arm; at least {least_rows} are needed",
                file=log.source,
                column="arm",
                value=arm,
                mend="Log more rows of it, or take it off the menu",
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
                file=log.source,
                row=row,
                column="cost",
                value=float(log.cost[row]),
                mend="Correct the row",
            )


def fingerprint(log: Log) -> str:
    """Return a SHA-256 over all that a model learns from: features, menu, arms and outcomes."""
    digest = hashlib.sha256()
    table = pa.Table.from_pandas(log.features, preserve_index=False).replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    digest.update(sink.getvalue())
    digest.update(log.coupons.table.to_csv(index=False).encode())
    for array in (log.arm, log.conversion, log.cost, log.revenue, log.propensity):
        digest.update(b"none" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
