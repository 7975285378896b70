"""The menu that a model learnt from: which coupons it knows, and their attributes as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.wording import setting
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.features.choices import choices_of
from couponry.predictors.state import State

__all__ = ["Menu", "attributes_of"]

# Whether there are enough of a coupon, and its name, is nothing that users respond to.
_NOT_ATTRIBUTES = ("coupon_id", "stock", "minimum")
# What is read of the menu under names of its own.
_MADE_OF = {"percent": ("face_value", "kind"), "share_of_threshold": ("face_value", "threshold")}


class Menu:
    """The training menu.

    Parameters
    ----------
    coupons : Coupons
    columns : mapping from column to kind or choices, optional
        See :class:`~couponry.predictors.features.choices.Choice`.
    """

    def __init__(self, coupons: Coupons, columns: Mapping[str, Any] | None = None) -> None:
        self.coupons = coupons
        chosen = choices_of(columns)
        table = attributes_of(coupons)
        ignored = [name for name, choice in chosen.items() if choice.kind == "ignore" and name in table]
        table = table.drop(columns=ignored)
        chosen = {name: choice for name, choice in chosen.items() if name not in ignored}
        kinds = {name: chosen.get(name, kind) for name, kind in _kinds(table).items()} | chosen
        self.encoder = FeatureEncoder(kinds, least_rows=1).fit(table) if len(table.columns) else None

    def encode(self, coupons: Coupons) -> npt.NDArray[np.float32]:
        """Return attributes as float32 ``(S, c)``.

        What the menu does not say of a coupon that training knew is as it was in training.

        Raises
        ------
        InputError
            If the menu has a new coupon and lacks a column that the training menu had.
        """
        if self.encoder is None:
            return np.zeros((len(coupons), 0), dtype=np.float32)
        known = [self.coupons.positions.get(c, -1) for c in coupons.ids]
        table = attributes_of(coupons)
        if min(known) >= 0:
            before = attributes_of(self.coupons).iloc[known].set_axis(table.index)
            table = table.assign(**{str(name): before[name] for name in before if name not in table})
        else:
            self._check_columns(coupons, known.index(-1))
        self.encoder.schema_.check(table, "coupons")
        return self.encoder.encode(table)

    def _check_columns(self, coupons: Coupons, new: int) -> None:
        """Refuse a menu that lacks what the model reads of a new coupon, in the menu's own columns."""
        assert self.encoder is not None
        read = [name for c in self.encoder.schema_.columns for name in _MADE_OF.get(c.name, (c.name,))]
        own = [name for name in dict.fromkeys(read) if name in self.coupons.table]
        missing = [name for name in own if name not in coupons.table]
        if missing:
            raise InputError(
                "a new coupon is answered for by its attributes, and the menu lacks " + ", ".join(missing),
                **coupons.place(new),
                column=missing[0],
                value=coupons.ids[new],
                mend=f"Give the menu the columns {', '.join(own)}; a cell may be empty",
            )

    def known(self, coupons: Coupons, *, allow_new: bool) -> npt.NDArray[np.int64]:
        """Return each coupon's position in the training menu, int64 ``(S,)``; −1 for a new one.

        Raises
        ------
        InputError
            If a coupon is new and ``allow_new`` is not given, or one of a known id has other attributes than
            in training: people's response to it would be another.
        """
        known = np.array([self.coupons.positions.get(c, -1) for c in coupons.ids], dtype=np.int64)
        new = np.flatnonzero(known < 0)
        if len(new) and not allow_new:
            raise InputError(
                "the model has seen no rows of this coupon",
                **coupons.place(int(new[0])),
                column="coupon_id",
                value=coupons.ids[new[0]],
                mend=f"Known: {', '.join(self.coupons.ids)}. "
                f"A model that reads attributes answers for new ones with {setting('allow_new', True)}",
            )
        for row in np.flatnonzero(known >= 0):
            self._check_same(coupons, int(row), int(known[row]))
        return known

    def _check_same(self, coupons: Coupons, row: int, position: int) -> None:
        for column in self.coupons.table.columns:
            if column in _NOT_ATTRIBUTES or column not in coupons.table:
                continue
            was, now = self.coupons.table[column].iloc[position], coupons.table[column].iloc[row]
            if not (was == now or (pd.isna(was) and pd.isna(now))):
                was = was.item() if isinstance(was, np.generic) else was
                raise InputError(
                    f"coupon {coupons.ids[row]!r} is not the one that the model learnt from: "
                    f"{column} was {was!r}",
                    **coupons.place(row),
                    column=str(column),
                    value=now,
                    mend="Restore it, or give the changed coupon an id of its own",
                )

    def state(self) -> State:
        """Return the menu and what was learnt of its columns."""
        table = self.coupons.table
        columns = {str(name): [_plain(value) for value in table[name]] for name in table.columns}
        state = State({"columns": columns, "encoded": self.encoder is not None})
        if self.encoder is not None:
            state.put("encoder", self.encoder.state())
        return state

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        menu = cls.__new__(cls)
        menu.coupons = Coupons(pd.DataFrame(state.facts["columns"]))
        menu.encoder = FeatureEncoder.from_state(state.part("encoder")) if state.facts["encoded"] else None
        return menu


def attributes_of(coupons: Coupons) -> pd.DataFrame:
    """Return the attributes; a percentage and an amount of money are two columns."""
    table = coupons.table.drop(columns=[c for c in _NOT_ATTRIBUTES if c in coupons.table])
    if "face_value" in table and "kind" in table:
        percent = (table["kind"] == "percent_off").to_numpy()
        face = pd.to_numeric(table["face_value"])
        table = table.assign(face_value=face.where(~percent, 0.0), percent=face.where(percent, 0.0))
    if "face_value" in table and "threshold" in table:
        face, threshold = pd.to_numeric(table["face_value"]), pd.to_numeric(table["threshold"])
        table = table.assign(share_of_threshold=(face / threshold).where(threshold > 0, 0.0))
    return table


def _kinds(table: pd.DataFrame) -> dict[str, str]:
    """Read columns of strings as categories: a menu has no free text to learn from."""
    text = [c for c in table.columns if table[c].map(lambda value: isinstance(value, str)).any()]
    return dict.fromkeys(text, "category")


def _plain(value: Any) -> object:
    return None if pd.isna(value) else State.json_ready(value)
