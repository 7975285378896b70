"""Sequences of events read by a convolution, a recurrent network or a small Transformer, then TARNet.

References
----------
.. [1] Kim, Y. (2014). Convolutional neural networks for sentence classification. EMNLP, 1746-1751.
   https://doi.org/10.3115/v1/D14-1181
.. [2] Cho, K., et al. (2014). Learning phrase representations using RNN encoder-decoder for statistical
   machine translation. EMNLP, 1724-1734. https://doi.org/10.3115/v1/D14-1179
.. [3] Vaswani, A., et al. (2017). Attention is all you need. NeurIPS 30. https://doi.org/10.48550/arXiv.1706.03762
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn

from couponry.predictors.features import FeatureEncoder
from couponry.predictors.network_families.contract import Answer, Batch, FamilyModule, Task
from couponry.predictors.network_families.event_blocks import Blocks
from couponry.predictors.network_families.learner import FamilyLearner
from couponry.predictors.network_families.tarnet import TARNet
from couponry.predictors.parameter_kinds import Word
from couponry.predictors.state import State

__all__ = ["READERS", "Fronted", "SequenceFront", "SequenceLearner"]

READERS = ("cnn", "gru", "transformer")


class _Convolution(nn.Module):
    """Two convolutions over three events each, then the largest value of every channel [1]_."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(channels, channels, 3, padding=1)
        self.second = nn.Conv1d(channels, channels, 3, padding=1)

    def forward(self, events: Tensor, there: Tensor) -> Tensor:
        mask = there[:, None, :]
        hidden = torch.relu(self.first(events.transpose(1, 2))) * mask
        hidden = torch.relu(self.second(hidden)) * mask
        return hidden.amax(dim=2)


class _Recurrent(nn.Module):
    """A gated recurrent unit from the oldest event to the last; its state there [2]_."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.unit = nn.GRU(channels, channels, batch_first=True)

    def forward(self, events: Tensor, there: Tensor) -> Tensor:
        states = self.unit(events)[0]  # padding comes after the last event, and is never looked at
        last = (there.sum(dim=1) - 1).clamp(min=0)
        found: Tensor = states.gather(1, last[:, None, None].expand(-1, 1, states.shape[2]))[:, 0]
        return found * there.any(dim=1, keepdim=True)


class _Attention(nn.Module):
    """One Transformer layer over the events and a token that gathers them [3]_."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        heads = 2 if channels % 2 == 0 else 1
        self.token = nn.Parameter(torch.randn(1, 1, channels) * 0.1)
        self.layer = nn.TransformerEncoderLayer(
            channels, heads, 2 * channels, dropout=0.0, batch_first=True, norm_first=True
        )

    def forward(self, events: Tensor, there: Tensor) -> Tensor:
        whole = torch.cat([self.token.expand(len(events), -1, -1), events], dim=1)
        absent = torch.cat([torch.zeros_like(there[:, :1]), ~there], dim=1)
        found: Tensor = self.layer(whole, src_key_padding_mask=absent)[:, 0]
        return found


_KINDS: dict[str, type[nn.Module]] = {"cnn": _Convolution, "gru": _Recurrent, "transformer": _Attention}


class SequenceFront(nn.Module):
    """Dense features with what a reader makes of every stream of events beside them.

    Parameters
    ----------
    blocks : Blocks
    reader : {"cnn", "gru", "transformer"}
    channels : int
        Numbers made of every stream.

    Attributes
    ----------
    width : int
        Columns of the answer.
    """

    def __init__(self, blocks: Blocks, reader: str, channels: int) -> None:
        super().__init__()
        self.blocks = blocks
        self.width = blocks.dense + channels * len(blocks.streams)
        self.embeddings = nn.ModuleList(
            nn.ModuleList(nn.Embedding(kinds, channels) for kinds in stream.kinds)
            for stream in blocks.streams
        )
        self.ages = nn.ModuleList(nn.Linear(2, channels) for _ in blocks.streams)
        self.readers = nn.ModuleList(_KINDS[reader](channels) for _ in blocks.streams)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, width)`` of the matrix ``(B, blocks.width)``."""
        parts, at, length = [x[:, : self.blocks.dense]], self.blocks.dense, self.blocks.length
        for stream, embeddings, ages, reader in zip(
            self.blocks.streams, self.embeddings, self.ages, self.readers, strict=True
        ):
            age, codes = x[:, at : at + length], x[:, at + length : at + length * (1 + len(stream.columns))]
            at += length * (1 + len(stream.columns))
            code = codes.view(len(x), len(stream.columns), length).long()
            there = code[:, 0] > 0
            events = ages(torch.stack([age, torch.exp(-age)], dim=2))
            for c, embedding in enumerate(embeddings.children()):
                events = events + embedding(code[:, c])
            parts.append(reader(events * there[:, :, None], there))
        return torch.cat(parts, dim=1)


class Fronted(FamilyModule):
    """A family behind a front that turns rows into dense features.

    Parameters
    ----------
    task : Task
    front : Module
        From ``(B, d)`` to ``(B, front.width)``.
    body : FamilyModule
    """

    def __init__(self, task: Task, front: nn.Module, body: FamilyModule) -> None:
        super().__init__(task)
        self.front = front
        self.body = body

    def forward(self, x: Tensor, coupons: Tensor, known: Tensor) -> Answer:
        """Answer as the body does."""
        answer: Answer = self.body(self.front(x), coupons, known)
        return answer

    def conversion_loss(self, answer: Answer, batch: Batch) -> Tensor:
        """Return the body's loss."""
        return self.body.conversion_loss(answer, batch)


class SequenceLearner(FamilyLearner):
    """A sequence model as a learner.

    Parameters
    ----------
    seed, members, device, settings
        Those of :class:`~couponry.predictors.network_families.learner.FamilyLearner`.
    reader : {"cnn", "gru", "transformer"}
    channels : int
        See :class:`SequenceFront`.
    length : int
        Events kept of every list, the last ones.
    width, depth, head_width : int
        See :class:`~couponry.predictors.network_families.tarnet.TARNet`.

    Raises
    ------
    InputError
        If there is no such reader, or no column of events.
    """

    parameter_kinds: ClassVar = {"reader": Word(READERS)}

    def __init__(
        self,
        *,
        seed: int = 0,
        members: int = 4,
        reader: str = "gru",
        channels: int = 16,
        length: int = 24,
        width: int = 48,
        depth: int = 2,
        head_width: int = 16,
        device: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(seed, members, device, settings)
        self.reader, self.channels, self.length = reader, channels, length
        self.sizes = {"width": width, "depth": depth, "head_width": head_width}

    def encode(self, features: FeatureEncoder, table: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Return dense features and blocks of events."""
        self.blocks = Blocks.of(features, self.length)
        return self.blocks.encode(features, table)

    def numbers(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the dense features."""
        return x[:, : self.blocks.dense]

    def build(self, task: Task) -> FamilyModule:
        """Return one untrained network."""
        front = SequenceFront(self.blocks, self.reader, self.channels)
        return Fronted(task, front, TARNet(replace(task, features=front.width), **self.sizes))

    def own_state(self) -> State:
        """Return where what stands in a row."""
        return State({"blocks": self.blocks.to_json()})

    def restore_own(self, state: State) -> None:
        """Take back what :meth:`own_state` gave."""
        self.blocks = Blocks.from_json(state.facts["blocks"])
