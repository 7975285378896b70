"""What the command line says of a log, as the options of its format's reader."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from couponry.instances.log import Log

__all__ = ["read_log"]

_MENUS = {"couponry": "coupons", "open_bandit": "item_context"}
_PLAIN_COSTS = {"karlan_list": "match_cost", "open_bandit": "cost"}


def read_log(
    path: Path,
    log_format: str,
    *,
    costs: Sequence[str] = (),
    outcome: str | None = None,
    menu: Path | None = None,
) -> Log:
    """Read a log of any format.

    Parameters
    ----------
    path : Path
    log_format : str
        One of :data:`couponry.instances.loaders.FORMATS`.
    costs : sequence of str
        ``COUPON=MONEY``, or one plain number where the format has one cost for all.
    outcome : str, optional
        Column that counts as a conversion, where the format has several.
    menu : Path, optional
        Table of the coupons, where the format has it apart.

    Raises
    ------
    InputError
        If the log cannot be read, or its format takes no such option.
    """
    from couponry.instances.loaders import read_log as read_format

    options: dict[str, Any] = {}
    if costs:
        options |= _cost_options(costs, log_format)
    if outcome is not None:
        options["outcome"] = outcome
    if menu is not None:
        options[_MENUS.get(log_format, "menu")] = menu
    return read_format(path, log_format, **options)


def _cost_options(costs: Sequence[str], log_format: str) -> dict[str, Any]:
    if len(costs) == 1 and "=" not in costs[0]:
        return {_PLAIN_COSTS.get(log_format, "cost"): _amount(costs[0], costs[0])}
    found: dict[str, float] = {}
    for text in costs:
        coupon, _, written = text.partition("=")
        found[coupon.strip()] = _amount(written, text)
    return {"costs": found}


def _amount(written: str, text: str) -> float:
    from couponry.instances.errors import InputError

    try:
        amount = float(written)
    except ValueError:
        amount = math.nan
    if not (math.isfinite(amount) and amount >= 0):
        raise InputError(
            "a cost is a coupon and an amount of money of at least 0",
            parameter="--cost",
            value=text,
            mend="Write for instance --cost mens=0.1 --cost womens=0.1",
        )
    return amount
