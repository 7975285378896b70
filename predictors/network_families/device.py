"""Where torch computes, with how many threads, and random numbers that leave the program's own alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from couponry.instances.errors import InputError

__all__ = ["choose_device", "seeded", "threads"]


def choose_device(device: str | None) -> torch.device:
    """Return the device of this name, by default the GPU where there is one.

    Raises
    ------
    InputError
        If torch knows no such device, or there is none here.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise InputError(
            "no such device",
            parameter="device",
            value=device,
            mend="Give cpu, cuda, or one of several, cuda:1",
        ) from error
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise InputError(
            "torch finds no such GPU here", parameter="device", value=device, mend="Leave it out, or give cpu"
        )
    return found


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch use so many threads for a while."""
    former = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(former)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Draw from a seed for a while; torch's own random state is put back afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
