"""Ladders of coupons that differ in face value, and logits that never fall on the way up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.wording import setting
from couponry.predictors.rising import Ladders

__all__ = ["climb", "doubts_of_ladders", "ladders_of", "start_of"]

_LEAST_STEP = 0.01
_NAMED = 5


def ladders_of(coupons: Coupons, alike: Sequence[str] = ("kind",)) -> Ladders:
    """Return the menu's ladders: coupons that are alike but for the face value, by rising face value.

    Parameters
    ----------
    coupons : Coupons
    alike : sequence of str
        Columns in which the coupons of a ladder agree; columns that the menu lacks are passed over.

    Returns
    -------
    tuple of ladders
        A ladder is two or more rungs, a rung the menu positions of one face value.

    Raises
    ------
    InputError
        If no coupon has a face value, or a column is in no menu's use.
    """
    table = coupons.table
    if "face_value" not in table or table["face_value"].isna().all():
        raise InputError(
            "coupons are ordered by face value, and this menu has none",
            column="face_value",
            mend="Add the column, or train another model",
        )
    for name in alike:
        if name not in table and name != "kind":
            raise InputError("the menu lacks a column", column=name, mend=did_you_mean(name, table.columns))
    face = pd.to_numeric(table["face_value"]).to_numpy(np.float64)
    keys = [tuple(str(table[name].iloc[j]) for name in alike if name in table) for j in range(len(table))]
    ladders = []
    for key in dict.fromkeys(keys):
        own = [j for j, other in enumerate(keys) if other == key and np.isfinite(face[j])]
        rungs = tuple(tuple(j for j in own if face[j] == value) for value in np.unique(face[own]))
        if len(rungs) > 1:
            ladders.append(rungs)
    return tuple(ladders)


def doubts_of_ladders(coupons: Coupons, alike: Sequence[str] = ("kind",)) -> list[str]:
    """Warn of coupons on no ladder, whose responses nothing holds in order.

    Parameters
    ----------
    coupons, alike
        See :func:`ladders_of`.

    Raises
    ------
    InputError
        If :func:`ladders_of` refuses the menu.
    """
    on = {j for ladder in ladders_of(coupons, alike) for rung in ladder for j in rung}
    table = coupons.table
    without = table["face_value"].isna().to_numpy()
    agree = " and ".join(map(repr, alike))
    alone = f"no other face value{f' where {agree} agrees' * bool(agree)}"
    off = [
        f"{name!r} ({'no face value' if without[j] else alone})"
        for j, name in enumerate(coupons.ids)
        if j not in on
    ]
    if not off:
        return []
    named = ", ".join(off[:_NAMED]) + (", …" if len(off) > _NAMED else "")
    return [
        (
            f"{len(off)} of the {len(table)} coupons on the menu {'is' if len(off) == 1 else 'are'} on no "
            f"ladder of face values, so nothing holds responses in order: {named}. Correct 'face_value' "
            f"or name the columns in which coupons of a ladder agree: {setting('ladder_by', ['COLUMN'])}"
        )
    ]


def climb(raw: Tensor, ladders: Ladders) -> Tensor:
    """Turn what the heads say into logits that never fall as the face value rises.

    On the lowest rung of a ladder they are logits already; on every further one they are steps, made positive
    by softplus, above the highest logit of the rung below.

    Parameters
    ----------
    raw : Tensor, shape (B, J + 1)
        None first.
    ladders : tuple
    """
    columns = list(raw.unbind(dim=1))
    for ladder in ladders:
        below: Tensor | None = None
        for rung in ladder:
            for j in rung:
                if below is not None:
                    columns[j + 1] = below + torch.nn.functional.softplus(raw[:, j + 1])
            below = torch.stack([columns[j + 1] for j in rung]).amax(dim=0)
    return torch.stack(columns, dim=1)


def start_of(level: Sequence[float], ladders: Ladders) -> tuple[float, ...]:
    """Return what :func:`climb` turns into every arm's average, or as near as rising averages come to it."""
    wanted = [float(one) for one in level]
    raw = list(wanted)
    for ladder in ladders:
        below = max(wanted[j + 1] for j in ladder[0])
        for rung in ladder[1:]:
            for j in rung:
                step = max(wanted[j + 1] - below, _LEAST_STEP)
                raw[j + 1] = float(np.log(np.expm1(step)))
                wanted[j + 1] = below + step
            below = max(wanted[j + 1] for j in rung)
    return tuple(raw)
