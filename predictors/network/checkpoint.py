"""Checkpoints: one safetensors file a training, whose header holds the position as JSON. No pickle.

The file is written aside and renamed, so that a kill at any moment leaves the former checkpoint or the new
one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from couponry.instances.errors import InputError, require_extra

__all__ = ["Checkpoint", "Position", "fingerprint"]

_FORMAT = "couponry-checkpoint-1"
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass
class Position:
    """Where a training stands; every loop adds what else it needs to go on, as JSON can hold it.

    Attributes
    ----------
    epoch : int
        Passes made.
    best : dict from str to Tensor
        Trained weights after the best pass.
    """

    epoch: int
    best: dict[str, Tensor]


P = TypeVar("P", bound=Position)


class Checkpoint:
    """The checkpoint of one training.

    Parameters
    ----------
    file : Path
    fingerprint : str
        Of the data and the settings: a checkpoint of others is refused.
    """

    def __init__(self, file: Path, fingerprint: str) -> None:
        self.file = file
        self.fingerprint = fingerprint

    def write(self, module: nn.Module, optimiser: torch.optim.Optimizer, position: Position) -> None:
        """Write weights, the optimiser's moments and the position."""
        safetensors = require_extra("safetensors.torch", "predict")
        trained = {name: p for name, p in module.named_parameters() if p.requires_grad}
        arrays = {f"weights/{name}": p.detach() for name, p in trained.items()}
        arrays |= {f"best/{name}": tensor for name, tensor in position.best.items()}
        for name, parameter in trained.items():
            moments = optimiser.state.get(parameter, {})
            arrays |= {f"{key}/{name}": torch.as_tensor(moments[key]) for key in _MOMENTS if key in moments}
        facts = {key: value for key, value in vars(position).items() if key != "best"}
        head = {"format": _FORMAT, "fingerprint": self.fingerprint, "position": json.dumps(facts)}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        aside = self.file.with_suffix(".part")
        whole = {name: tensor.cpu().contiguous().clone() for name, tensor in arrays.items()}
        safetensors.save_file(whole, aside, metadata=head)
        aside.replace(self.file)

    def read(self, module: nn.Module, optimiser: torch.optim.Optimizer, kind: type[P]) -> P | None:
        """Put weights and moments back and return the position; None where there is no checkpoint.

        Raises
        ------
        InputError
            If the file is damaged, or was written with other data or settings.
        """
        if not self.file.is_file():
            return None
        head, arrays = self._contents()
        self._check(head)
        try:
            self._restore(module, optimiser, arrays)
            facts: dict[str, Any] = json.loads(head["position"])
            best = {name: arrays[f"best/{name}"] for name, p in module.named_parameters() if p.requires_grad}
            device = next(module.parameters()).device
            return kind(**facts, best={name: tensor.to(device) for name, tensor in best.items()})
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(
                f"the checkpoint does not fit the network: {error}", file=self.file, mend="Delete it"
            ) from error

    def _contents(self) -> tuple[dict[str, str], dict[str, Tensor]]:
        safetensors = require_extra("safetensors", "predict")
        try:
            with safetensors.safe_open(self.file, framework="pt") as opened:
                names = list(opened.keys())
                return dict(opened.metadata() or {}), {name: opened.get_tensor(name) for name in names}
        except (safetensors.SafetensorError, OSError) as error:
            raise InputError(
                f"the checkpoint is damaged: {error}", file=self.file, mend="Delete it"
            ) from error

    def _check(self, head: dict[str, str]) -> None:
        if head.get("format") != _FORMAT:
            raise InputError(
                "this is no checkpoint of couponry", file=self.file, mend="Name another directory"
            )
        if head.get("fingerprint") != self.fingerprint:
            raise InputError(
                "the checkpoint was written with other data or other settings",
                file=self.file,
                mend="Train as before to go on, or name another directory to begin anew",
            )

    @staticmethod
    @torch.no_grad()
    def _restore(module: nn.Module, optimiser: torch.optim.Optimizer, arrays: dict[str, Tensor]) -> None:
        for name, parameter in module.named_parameters():
            if not parameter.requires_grad:
                continue
            parameter.copy_(arrays[f"weights/{name}"])
            moments = {key: arrays[f"{key}/{name}"] for key in _MOMENTS if f"{key}/{name}" in arrays}
            if moments:  # AdamW counts its steps on the processor
                optimiser.state[parameter] = {
                    key: tensor if key == "step" else tensor.to(parameter.device)
                    for key, tensor in moments.items()
                }


def fingerprint(arrays: Iterable[npt.NDArray[np.generic]], name: dict[str, Any]) -> str:
    """Return the SHA-256 of all that a training depends on: its data, and what tells it from others."""
    digest = hashlib.sha256(json.dumps(name, sort_keys=True, default=str).encode())
    for array in arrays:
        digest.update(str((array.shape, array.dtype)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
