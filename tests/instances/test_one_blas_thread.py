"""A BLAS keeps to one thread while a solve runs, and has its threads back afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
from threadpoolctl import threadpool_info, threadpool_limits
from couponry.instances.one_blas_thread import one_blas_thread

def threads():
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}

@one_blas_thread
def work(deep):
    if deep:
        work(deep - 1)
    assert threads() == {1}, threads()
    assert deep != FAILS, "stopped"

threadpool_limits(limits=2, user_api="blas")
try:
    work(1)
except AssertionError as error:
    assert str(error) == "stopped", error
assert threads() == {2}, threads()
"""


@pytest.mark.parametrize("fails", [-1, 0, 1])
def test_one_thread_inside_and_all_of_them_afterwards(fails: int) -> None:
    """Whether what runs inside ends well or not, also where it calls itself; in a process of its own."""
    script = SCRIPT.replace("FAILS", str(fails))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
