"""A log's rows as tensors: all on the device where they fit, else fetched batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from couponry.predictors.network_families.contract import Batch

__all__ = ["Table"]

_SHARE_OF_FREE_MEMORY = 0.5


class Table:
    """Columns of equal length.

    Parameters
    ----------
    columns : mapping from name to ndarray, leading axis n
        Whole numbers become int64, all else float32.
    device : torch.device
        Where batches are wanted. A table that takes less than half of a GPU's free memory is moved there
        whole.

    Attributes
    ----------
    n : int
    resident : bool
        Whether the table lies on the device.
    """

    def __init__(self, columns: Mapping[str, npt.NDArray[np.generic]], device: torch.device) -> None:
        self.device = device
        plain = {name: _tensor(array) for name, array in columns.items()}
        self.n = len(next(iter(plain.values())))
        size = sum(column.numel() * column.element_size() for column in plain.values())
        self.resident = device.type != "cuda" or size < _SHARE_OF_FREE_MEMORY * _free_memory(device)
        at = device if self.resident else torch.device("cpu")
        self.columns = {name: column.to(at) for name, column in plain.items()}

    def take(self, rows: Tensor | slice) -> Batch:
        """Return rows on the device."""
        return {
            name: column[rows].to(self.device, non_blocking=True) for name, column in self.columns.items()
        }

    def in_order(self, rows: Tensor, size: int = 8192) -> Iterator[Batch]:
        """Yield rows as they stand, in batches of at most ``size``."""
        for part in torch.split(rows, size):
            yield self.take(part)

    def shuffled(self, rows: Tensor, size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yield rows in random order, in batches of nearly equal length of at most ``size``."""
        order = rows[torch.randperm(len(rows), generator=generator).to(rows.device)]
        for part in order.tensor_split(-(-len(rows) // size)):
            yield self.take(part)

    def positions(self, mask: npt.NDArray[np.bool_]) -> Tensor:
        """Return where a mask holds, on the side where the table lies."""
        at = self.device if self.resident else torch.device("cpu")
        return torch.from_numpy(np.flatnonzero(mask)).to(at)


def _tensor(array: npt.NDArray[np.generic]) -> Tensor:
    kind = np.int64 if np.issubdtype(array.dtype, np.integer) else np.float32
    return torch.from_numpy(np.ascontiguousarray(array, dtype=kind))


def _free_memory(device: torch.device) -> int:
    return int(torch.cuda.mem_get_info(device)[0])
