"""One thread for products of matrices, where the cores have other work.

A solve's products between two passes take microseconds, but the threads that a BLAS wakes for each of them
wait busily for the next, for milliseconds, on the cores that a pass then needs: half of a solve's time. A
training's are larger, but its trees grow beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numpy as np  # noqa: F401  # its BLAS must be there to be found
from threadpoolctl import threadpool_limits

__all__ = ["one_blas_thread"]

P = ParamSpec("P")
R = TypeVar("R")


def one_blas_thread(work: Callable[P, R]) -> Callable[P, R]:
    """Return a function during which a BLAS keeps to one thread, and has its threads back afterwards.

    Of several threads at a time only the first sets and restores: it is all one process's BLAS.
    """
    limited: Callable[P, R] = threadpool_limits.wrap(limits=1, user_api="blas")(work)
    return limited
