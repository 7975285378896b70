"""Users and their responses as they were read, with the file and row where each user stood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from couponry.instances.csv_lines import row_name
from couponry.instances.errors import InputError
from couponry.instances.response import Response
from couponry.instances.source import Source
from couponry.instances.users import Users

__all__ = ["Origin", "Population"]


@dataclass(frozen=True)
class Origin:
    """Where the rows of several files put one below the other came from.

    Attributes
    ----------
    sources : tuple of Source
    starts : tuple of int
        Position of each file's first row.
    """

    sources: tuple[Source, ...]
    starts: tuple[int, ...] = (0,)

    def placed(self, error: InputError) -> InputError:
        """Return an error about a row of all as one about the row of its file."""
        if not isinstance(error.row, int):
            file = str(self.sources[0] if len(self.sources) == 1 else self.sources[0].parent)
            return error.located(file=file)
        number = int(np.searchsorted(self.starts, error.row, side="right")) - 1
        source = self.sources[number]
        return error.moved(file=str(source), row=row_name(source, error.row - self.starts[number]))


@dataclass(frozen=True)
class Population:
    """Users, their responses, and where they came from."""

    users: Users
    response: Response
    origin: Origin
