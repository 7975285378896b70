"""When a customer buys next: a discrete hazard, and the best slot to send.

Time is cut into T slots from now on. With h_t(x) the chance to buy in slot t if nothing was bought before,

    P(next purchase in slot t | x) = h_t(x) · Π_{s<t} (1 − h_s(x)),

and whoever had not bought when observation ended counts for the slots that were seen [1]_ [2]_.

References
----------
.. [1] Singer, J. D., & Willett, J. B. (1993). It's about time: using discrete-time survival analysis to
   study duration and the timing of events. Journal of Educational Statistics, 18(2), 155-195. https://doi.org/10.2307/1165085
.. [2] Gensheimer, M. F., & Narasimhan, B. (2019). A scalable discrete-time survival model for neural
   networks. PeerJ, 7, e6257. https://doi.org/10.7717/peerj.6257
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from numbers import Real
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from couponry.instances.atomic import write_directory
from couponry.instances.errors import InputError
from couponry.instances.progress import Report
from couponry.predictors.encoders.events import EventEncoder
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.network.checkpoint import Checkpoint, fingerprint
from couponry.predictors.network.logs import Logs, told
from couponry.predictors.network_families.contract import Batch
from couponry.predictors.network_families.device import choose_device, seeded, threads
from couponry.predictors.network_families.event_blocks import Blocks
from couponry.predictors.network_families.layers import trunk
from couponry.predictors.network_families.loop import Fitted, Schedule, train
from couponry.predictors.network_families.sequences import READERS, SequenceFront
from couponry.predictors.network_families.settings import LoopSettings
from couponry.predictors.network_families.table import Table
from couponry.predictors.parameter_kinds import Word
from couponry.predictors.parameters import Parameters
from couponry.predictors.state import State
from couponry.predictors.state_files import Form, read_state, write_state

__all__ = ["PurchaseTime"]

_FORM = Form("purchase-time", 1, "PurchaseTime.save")
_HELD = 5
_PLACES = ("checkpoint", "logs", "device")  # where training was done is no part of what was learnt


class PurchaseTime(Parameters):
    """Time to the next purchase.

    Parameters
    ----------
    slots : int
        T.
    seed : int
    reader : {"cnn", "gru", "transformer"}
        How lists of events are read, where there are some.
    channels, width : int
        Numbers made of every stream of events, units of the trunk's layers.
    device : str, optional
    settings
        See :class:`~couponry.predictors.network_families.settings.LoopSettings`; early stopping looks at the
        likelihood of a fifth of the customers, who are held out.

    Raises
    ------
    InputError
        If there is no slot, no such reader or no such setting.
    """

    keywords: ClassVar[Any] = LoopSettings
    parameter_kinds: ClassVar = {"reader": Word(READERS)}

    def __init__(
        self,
        slots: int,
        *,
        seed: int = 0,
        reader: str = "gru",
        channels: int = 16,
        width: int = 32,
        device: str | None = None,
        **settings: Any,
    ) -> None:
        if not np.issubdtype(type(slots), np.integer) or slots < 1:
            raise InputError(
                "there must be a slot, and a whole number of them",
                parameter="slots",
                value=slots,
                mend="Give at least 1",
            )
        self.slots, self.seed = int(slots), seed
        self.reader, self.channels, self.width = reader, channels, width
        self.device = choose_device(device)
        self.settings = LoopSettings(**settings)

    def fit(
        self,
        features: pd.DataFrame,
        slot: npt.ArrayLike,
        bought: npt.ArrayLike,
        columns: Mapping[str, Any] | None = None,
        progress: Report | None = None,
    ) -> Self:
        """Learn from customers whose next purchase, or its absence, was observed.

        Parameters
        ----------
        features : DataFrame, n rows
            What was known when the clock started.
        slot : array of int, shape (n,)
            From 1: the slot of the purchase, or the last one that was observed; larger ones than T count as
            observed to the end without a purchase.
        bought : array of bool, shape (n,)
            Whether the purchase was seen.
        columns : mapping from column to kind or choices, optional
            What differs from what is read off the table.
        progress : callable, optional
            Called once a pass.

        Raises
        ------
        InputError
            If there are fewer than five customers, lengths differ, a slot is no whole number of at least 1,
            whether a purchase was seen is neither true nor false, nobody bought within the slots, or all
            customers tell the same or are observed for one slot alone.
        """
        if not isinstance(features, pd.DataFrame):
            raise InputError(
                "features are no table", value=type(features).__name__, mend="Give a DataFrame of pandas"
            )
        last, seen = self._checked(len(features), slot, bought)
        self.features = FeatureEncoder(columns).fit(features)
        self._lay_out()
        arrays: dict[str, npt.NDArray[Any]] = {"x": self._encode(features), "last": last, "bought": seen}
        table = Table(arrays, self.device)
        held = np.random.default_rng(self.seed).permutation(len(last)) % _HELD == 0
        own, judge = table.positions(~held), table.positions(held)
        one_thread = self.device.type == "cpu"
        with (
            threads(1 if one_thread else torch.get_num_threads()),
            Logs(self.settings.logs, "purchase-time", told(progress, self.settings.epochs)) as logs,
        ):
            self.module = self._built(_hazards(last, seen, self.slots))
            self.fitted = train(
                self.module,
                table,
                own,
                self._schedule(len(own)),
                loss=lambda batch: -self._likelihood(batch).mean(),
                score=lambda: float(torch.cat([self._likelihood(b) for b in table.in_order(judge)]).mean()),
                checkpoint=self._checkpoint(arrays),
                log=logs.write,
            )
        return self

    def _schedule(self, rows: int) -> Schedule:
        s = self.settings
        return Schedule(
            s.epochs,
            s.patience,
            s.rows_a_step(rows),
            s.learning_rate,
            s.weight_decay,
            self.seed,
            s.mixed_precision,
        )

    def _checkpoint(self, arrays: Mapping[str, npt.NDArray[np.generic]]) -> Checkpoint | None:
        if self.settings.checkpoint is None:
            return None
        return Checkpoint(
            Path(self.settings.checkpoint) / "purchase-time.safetensors",
            fingerprint(arrays.values(), self._kept_parameters()),
        )

    def _kept_parameters(self) -> dict[str, Any]:
        return {name: value for name, value in self.get_params().items() if name not in _PLACES}

    def _likelihood(self, batch: Batch) -> Tensor:
        """Return every row's log likelihood, ``(B,)``: survived so many slots, bought in the last or not."""
        logit = self.module(batch["x"])
        slots = torch.arange(1, self.slots + 1, device=logit.device)
        last, bought = batch["last"][:, None], batch["bought"][:, None]
        survived = (slots < last) | ((slots == last) & (bought == 0))
        event = (slots == last) & (bought == 1)
        return (logsigmoid(-logit) * survived + logsigmoid(logit) * event).sum(dim=1)

    def _checked(
        self, rows: int, slot: npt.ArrayLike, bought: npt.ArrayLike
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        last, seen = _numbers(slot), _numbers(bought)
        if not len(last) == len(seen) == rows:
            raise InputError(f"features, slot and bought differ in length: {rows}, {len(last)}, {len(seen)}")
        whole = np.isfinite(last) & (last == np.floor(last))
        _refuse(~whole, slot, "slot", "a slot is a whole number", "Correct the row or drop it")
        _refuse(last < 1, slot, "slot", "slots are counted from 1", "Shift the clock's start")
        _refuse(
            (seen != 0) & (seen != 1),
            bought,
            "bought",
            "whether a purchase was seen is true or false",
            "Give 1 where it was seen and 0 where observation ended without one",
        )
        if rows < _HELD:
            raise InputError(
                "too few customers to learn from",
                value=rows,
                mend=f"Give at least {_HELD}: one in {_HELD} is held out, to judge by",
            )
        beyond = last > self.slots
        until = np.minimum(last, self.slots).astype(np.int64)
        within = np.where(beyond, 0, seen).astype(np.int64)
        _check_differing(until, within, self.slots)
        return until, within

    @torch.no_grad()
    def hazard(self, features: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the chance to buy in every slot if nothing was bought before, float64 ``(n, T)``.

        Raises
        ------
        InputError
            If the model was not fitted, or the features differ from those of training.
        """
        self._check_fitted()
        x = torch.from_numpy(self._encode(features)).to(self.device)
        parts = [
            torch.sigmoid(self.module.eval()(part)).double().cpu().numpy() for part in torch.split(x, 8192)
        ]
        return np.concatenate(parts)

    def probability(self, features: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return the chance that the next purchase falls into every slot, float64 ``(n, T)``.

        What is left of 1 is the chance that it comes later.
        """
        hazard = self.hazard(features)
        survived = np.cumprod(1 - hazard, axis=1)
        return hazard * np.column_stack([np.ones(len(hazard)), survived[:, :-1]])

    def best_slot(self, features: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Return the slot, from 1, into which the next purchase most likely falls, int64 ``(n,)``."""
        return np.asarray(self.probability(features).argmax(axis=1) + 1, dtype=np.int64)

    def _check_fitted(self) -> None:
        if not hasattr(self, "module"):
            raise InputError(
                "this model of purchase times has learnt nothing yet", mend="Call fit first, or load one"
            )

    def _lay_out(self) -> None:
        events = any(isinstance(encoder, EventEncoder) for encoder in self.features.encoders_)
        self.blocks = Blocks.of(self.features, 24) if events else None

    def _encode(self, features: pd.DataFrame) -> npt.NDArray[np.float32]:
        if self.blocks is None:
            return self.features.encode(features)
        return self.blocks.encode(self.features, features)

    def _built(self, start: npt.NDArray[np.float64]) -> nn.Module:
        with seeded(self.seed, torch.device("cpu")):
            front: nn.Module = nn.Identity()
            inputs = len(self.features.names)
            if self.blocks is not None:
                front = SequenceFront(self.blocks, self.reader, self.channels)
                inputs = front.width
            last = nn.Linear(self.width, self.slots)
            nn.init.zeros_(last.weight)
            with torch.no_grad():
                last.bias.copy_(torch.from_numpy(np.log(start / (1 - start))))
            return nn.Sequential(front, trunk(inputs, [self.width] * 2), last).to(self.device)

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write the model as a directory, without pickle.

        Raises
        ------
        ExistsError
            If ``path`` holds something and ``force`` is not given.
        InputError
            If the model was not fitted.
        """
        self._check_fitted()
        facts = {"parameters": self._kept_parameters(), "fitted": asdict(self.fitted)}
        state = State(facts)
        state.put("features", self.features.state())
        weights = {name: p.cpu().numpy() for name, p in self.module.state_dict().items()}
        state.put("module", State({}, weights))
        with write_directory(path, kind=_FORM.what, force=force) as folder:
            write_state(folder, _FORM, state, {})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        InputError
            If it is no such directory, or a file is missing, damaged or of another version.
        """
        folder = Path(path)
        _, state = read_state(folder, _FORM)
        try:
            model = cls(**state.facts["parameters"])
            model.features = FeatureEncoder.from_state(state.part("features"))
            model._lay_out()
            model.module = model._built(np.full(model.slots, 0.5))
            arrays = state.part("module").arrays
            model.module.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
            model.fitted = Fitted(**state.facts["fitted"])
        except (LookupError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(
                f"the model of purchase times cannot be put together: {error}",
                file=folder / _FORM.head,
                mend="Train it again",
            ) from error
        return model


def _numbers(given: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return what was given as float64, NaN where it is no number."""
    cells = pd.Series(np.asarray(given).ravel())
    if cells.dtype == object:
        cells = cells.map(lambda cell: float(cell) if isinstance(cell, Real) else np.nan)
    numeric = pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_complex_dtype(cells)
    return cells.to_numpy(np.float64) if numeric else np.full(len(cells), np.nan)


def _refuse(wrong: npt.NDArray[np.bool_], given: npt.ArrayLike, column: str, problem: str, mend: str) -> None:
    rows = np.flatnonzero(wrong)
    if len(rows):
        row = int(rows[0])
        value = np.asarray(given).ravel()[row]
        raise InputError(problem, row=row, column=column, value=value, mend=mend)


def _check_differing(last: npt.NDArray[np.int64], bought: npt.NDArray[np.int64], slots: int) -> None:
    """Refuse customers who do not tell when anybody buys."""
    if not bought.any():
        raise InputError(
            f"nobody bought within the {slots} slots, so there is nothing to learn of when",
            column="bought",
            value=False,
            mend="Give customers who bought as well, or more slots where purchases are later",
        )
    if (last == last[0]).all() and bought.all():
        raise InputError(
            "everybody bought in the same slot, so there is nothing to learn of when",
            column="slot",
            value=int(last[0]),
            mend="Give customers who bought in other slots or not at all, or cut time into shorter slots",
        )
    if slots > 1 and last.max() == 1:
        raise InputError(
            f"nobody was observed beyond slot 1, so nothing is known of the other {slots - 1}",
            column="slot",
            value=1,
            mend="Give customers who were observed for longer, or cut time into shorter slots",
        )


def _hazards(
    last: npt.NDArray[np.int64], bought: npt.NDArray[np.int64], slots: int
) -> npt.NDArray[np.float64]:
    """Return every slot's share of buyers among those who got there: where training starts."""
    reached = np.array([(last >= t).sum() for t in range(1, slots + 1)])
    events = np.bincount(last[bought == 1], minlength=slots + 1)[1 : slots + 1]
    return np.asarray((events + 0.5) / (reached + 1), dtype=np.float64)
