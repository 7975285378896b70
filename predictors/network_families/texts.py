"""Texts read by a Transformer encoder, frozen, with adapters or fully fine-tuned, then TARNet.

Without this model texts are TF-IDF turned to a few dense columns
(:mod:`~couponry.predictors.encoders.text`), which need no encoder.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn

from couponry.instances.errors import InputError
from couponry.instances.wording import setting
from couponry.predictors.encoders.text import TextEncoder
from couponry.predictors.features import FeatureEncoder
from couponry.predictors.learner import TrainingRows
from couponry.predictors.network_families.contract import FamilyModule, Task
from couponry.predictors.network_families.learner import FamilyLearner
from couponry.predictors.network_families.lora import add_adapters
from couponry.predictors.network_families.sequences import Fronted
from couponry.predictors.network_families.tarnet import TARNet
from couponry.predictors.network_families.text_encoder import (
    Tokens,
    check_encoder,
    mean_of_words,
    new_encoder,
    numbers_of_a_token,
    read_encoder,
    read_tokens,
)
from couponry.predictors.parameter_kinds import Word
from couponry.predictors.state import State

__all__ = ["TUNINGS", "TextFront", "TextLearner"]

TUNINGS = ("frozen", "lora", "full")

_TEXTS_AT_ONCE = 256
_MOSTLY = 0.5


@dataclass(frozen=True)
class _Layout:
    """Where what stands in a row: dense features, then a block of every text column."""

    dense: int
    columns: tuple[str, ...]
    block: int


class TextFront(nn.Module):
    """Dense features with a few numbers of every text beside them.

    Parameters
    ----------
    dense, columns, block : int
        Dense features, text columns, and numbers of each in a row: tokens, or the frozen encoder's answer.
    hidden : int
        Numbers that the encoder makes of a text.
    channels : int
        Numbers that are made of these.
    encoder : Module, optional
        What reads tokens; None where blocks hold its answers already.
    """

    def __init__(
        self, dense: int, columns: int, block: int, hidden: int, channels: int, encoder: nn.Module | None
    ) -> None:
        super().__init__()
        self.dense, self.columns, self.block = dense, columns, block
        self.width = dense + channels * columns
        self.encoder = encoder
        self.norm = nn.LayerNorm(hidden)
        self.narrow = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, width)``."""
        blocks = x[:, self.dense :].view(len(x), self.columns, self.block)
        parts = [x[:, : self.dense]]
        for c in range(self.columns):
            read = blocks[:, c] if self.encoder is None else mean_of_words(self.encoder, blocks[:, c])
            parts.append(torch.tanh(self.narrow(self.norm(read))))
        return torch.cat(parts, dim=1)


class TextLearner(FamilyLearner):
    """A model that reads texts by a Transformer encoder.

    Parameters
    ----------
    seed, members, device, settings
        Those of :class:`~couponry.predictors.network_families.learner.FamilyLearner`.
    encoder : str, optional
        Directory of the encoder; it is needed to train, not to predict: the saved model holds all weights.
    tuning : {"frozen", "lora", "full"}
        What of the encoder learns: nothing (texts are read once, before training), low-rank adapters, or all.
    adapter_rank : int
        Of the adapters.
    length : int
        Tokens kept of a text.
    channels : int
        Numbers made of every text.
    width, depth, head_width : int
        See :class:`~couponry.predictors.network_families.tarnet.TARNet`.

    Raises
    ------
    InputError
        If there is no such tuning, no encoder or no tokenizer in the directory, one that does not fit the
        other or reads shorter texts only, or no column of text.
    MissingExtraError
        If transformers is not installed.
    """

    parameter_kinds: ClassVar = {"tuning": Word(TUNINGS)}

    def __init__(
        self,
        *,
        seed: int = 0,
        members: int = 1,
        encoder: str | None = None,
        tuning: str = "frozen",
        adapter_rank: int = 8,
        length: int = 64,
        channels: int = 16,
        width: int = 48,
        depth: int = 2,
        head_width: int = 16,
        device: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(seed, members, device, settings)
        self.folder = encoder
        self.tuning, self.adapter_rank = tuning, adapter_rank
        self.length, self.channels = length, channels
        self.sizes = {"width": width, "depth": depth, "head_width": head_width}
        self.tokens: Tokens | None = None
        self.unknown: dict[str, float] = {}  # share of tokens, by column of the texts read last
        self.config: dict[str, Any] = {}
        self.frozen: nn.Module | None = None

    def encode(self, features: FeatureEncoder, table: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Return dense features and a block of every text: tokens, or a frozen encoder's answers."""
        columns = tuple(e.name for e in features.encoders_ if isinstance(e, TextEncoder))
        if not columns:
            raise InputError(
                "there is no column of text to read",
                mend=f"Give one, name it with {setting('columns', {'COLUMN': 'text'})}, "
                "or train another model",
            )
        dense = features.encode(table)
        tokens, table = self._tokens(), features.schema_.read(table)
        blocks = [tokens.encode(table[name]) for name in columns]
        self.unknown = {name: tokens.unknown(block) for name, block in zip(columns, blocks, strict=True)}
        if self.tuning == "frozen":
            blocks = [self._read(block) for block in blocks]
        self.rows = _Layout(dense.shape[1], columns, blocks[0].shape[1])
        return np.hstack([dense, *blocks])

    def numbers(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the dense features."""
        return x[:, : self.rows.dense]

    def doubts(self, rows: TrainingRows) -> list[str]:
        """Return what is doubtful about rows, columns that the tokenizer hardly knows a word of among it."""
        return super().doubts(rows) + [
            f"of what stands in column {name!r} the encoder's tokenizer does not know {share:.0%}, so most "
            f"texts look alike to it. Name an encoder of the texts' language, with the tokenizer that it "
            f"came with: {setting('encoder', 'DIR')}"
            for name, share in self.unknown.items()
            if share > _MOSTLY
        ]

    def build(self, task: Task) -> FamilyModule:
        """Return one untrained network."""
        encoder = None
        if self.tuning != "frozen":
            encoder = self._encoder()
            if self.tuning == "lora":
                add_adapters(encoder, self.adapter_rank)
        front = TextFront(
            self.rows.dense,
            len(self.rows.columns),
            self.rows.block,
            numbers_of_a_token(self.config),
            self.channels,
            encoder,
        )
        return Fronted(task, front, TARNet(replace(task, features=front.width), **self.sizes))

    def own_state(self) -> State:
        """Return the tokenizer, the encoder's configuration and, where it is frozen, its weights."""
        facts = {
            "dense": self.rows.dense,
            "columns": list(self.rows.columns),
            "block": self.rows.block,
            "config": self.config,
        }
        arrays = {}
        if self.frozen is not None:
            arrays = {name: tensor.cpu().numpy() for name, tensor in self.frozen.state_dict().items()}
        return State(facts, arrays, {"tokenizer": self._tokens().text})

    def restore_own(self, state: State) -> None:
        """Take back what :meth:`own_state` gave."""
        facts = state.facts
        self.rows = _Layout(facts["dense"], tuple(facts["columns"]), facts["block"])
        self.config = facts["config"]
        self.tokens = Tokens(state.texts["tokenizer"], self.length)
        self.folder = None
        if self.tuning == "frozen":
            frozen = new_encoder(self.config)
            frozen.load_state_dict(
                {name: torch.from_numpy(array.copy()) for name, array in state.arrays.items()}
            )
            self.frozen = frozen.to(self.device).eval().requires_grad_(False)

    def _tokens(self) -> Tokens:
        if self.tokens is None:
            self.tokens = read_tokens(self._place(), self.length)
        return self.tokens

    def _encoder(self) -> nn.Module:
        """Return the encoder with its weights, or, once saved, one whose weights are still to come."""
        if self.folder is None and self.config:
            return new_encoder(self.config)
        place = self._place()
        encoder, self.config = read_encoder(place)
        check_encoder(encoder, self.config, self._tokens(), place)
        return encoder

    def _place(self) -> str:
        if self.folder is None:
            raise InputError(
                "an encoder is needed",
                parameter="encoder",
                mend="Name the directory of a Transformer encoder",
            )
        return self.folder

    @torch.no_grad()
    def _read(self, tokens: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the frozen encoder's answers, ``(n, hidden)``."""
        if self.frozen is None:
            self.frozen = self._encoder().to(self.device).eval().requires_grad_(False)
        parts = [
            mean_of_words(self.frozen, torch.from_numpy(part).to(self.device)).cpu().numpy()
            for part in np.array_split(tokens, max(1, -(-len(tokens) // _TEXTS_AT_ONCE)))
        ]
        return np.concatenate(parts)
