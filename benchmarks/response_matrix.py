"""Train on a large log, and answer for a large table of users: seconds, memory, what the disk alone takes.

    python benchmarks/response_matrix.py --users 1000000 --coupons 20 --models default network
    python benchmarks/response_matrix.py --train 1000000 --coupons 10 --models default network

The first form draws a world, trains on ``--rows`` of its log, and writes the responses of all its users by
``cp.predict_streamed``. The figure beside it is what writing the same arrays takes by itself, a block at a
time: no response matrix can be had faster. The second trains on so many rows of a log, reading it included.
Every step runs in a process of its own, so that its peak memory is its own. CPU seconds say what the work
took where the machine is busy with other work, too.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

import couponry as cp
from couponry.instances.response import Response
from couponry.instances.shards import Shards
from couponry.instances.source import Source
from couponry.instances.users import Users
from couponry.instances.users_files import ShardWriter
from couponry.solver.result import peak_memory_mb

SEED = 1


def timed(work: Callable[[], dict[str, Any] | None]) -> None:
    """Do one step, and print its figures."""
    began, cpu = time.perf_counter(), time.process_time()
    found = work() or {}
    figures = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    print(json.dumps(figures | {"memory": peak_memory_mb()} | found))


def timed_process(*arguments: object) -> dict[str, Any]:
    """Run one step of this file in a process of its own, and return what it prints."""
    command = [sys.executable, __file__, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def draw(folder: Path, users: int, coupons: int, rows: int) -> None:
    """Write a world's users and a log of so many rows."""
    world = cp.World.draw(users, coupons, SEED)
    world.log(rows, SEED).write(folder / "log", force=True)
    pq.write_table(world.table, folder / "users.parquet")


def train_step(folder: Path, model: str) -> dict[str, Any]:
    """Read the log and train."""
    began = time.perf_counter()
    log = cp.Log.read(folder / "log")
    read = time.perf_counter() - began
    fitted = cp.train(log, model, seed=SEED)
    fitted.save(folder / f"model-{model}", force=True)
    return {"reading": read}


def predict_step(folder: Path, model: str) -> None:
    """Read the model, and write the users' responses."""
    fitted = cp.load_model(folder / f"model-{model}")
    cp.predict_streamed(fitted, folder / "users.parquet", folder / "responses", force=True)


def copy_step(folder: Path) -> None:
    """Write the arrays that are there once more, block by block, and nothing else."""
    shards = Shards(Source(folder / "responses" / "users"))
    target = folder / "copy"
    target.mkdir()
    spent = 0.0
    with ShardWriter(target, users=shards.n_users, shard_rows=1_000_000) as writer:
        for part in shards.read([*shards.schema.names, *shards.lists]):
            users, response = Users(part.table), Response({n: np.array(a) for n, a in part.lists.items()})
            began = time.perf_counter()
            writer.add(users, response)
            spent += time.perf_counter() - began
    size = sum(file.stat().st_size for file in target.iterdir())
    shutil.rmtree(target)
    print(json.dumps({"writing": spent, "megabytes": size / 1e6}))


def measure_answers(given: argparse.Namespace, folder: Path) -> None:
    """Draw, train on part of the log, answer for everybody."""
    timed_process("--step", "draw", "--data", folder, "--users", given.users, "--coupons", given.coupons,
                  "--rows", given.rows)  # fmt: skip
    print(f"{given.users:,} users × {given.coupons} coupons, models of {given.rows:,} rows")
    print(
        f"{'model':>10}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}{'written MB':>12}{'alone s':>9}{'times':>7}"
    )
    for model in given.models:
        timed_process("--step", "train", "--data", folder, "--models", model)
        found = timed_process("--step", "predict", "--data", folder, "--models", model)
        disk = timed_process("--step", "copy", "--data", folder)
        print(
            f"{model:>10}{found['seconds']:>9.1f}{found['cpu']:>8.1f}{found['memory']:>9.0f}"
            f"{disk['megabytes']:>12.0f}{disk['writing']:>9.1f}{found['seconds'] / disk['writing']:>7.1f}",
            flush=True,
        )


def measure_training(given: argparse.Namespace, folder: Path) -> None:
    """Draw a log, and train on all of it."""
    timed_process("--step", "draw", "--data", folder, "--users", given.train, "--coupons", given.coupons,
                  "--rows", given.train)  # fmt: skip
    print(f"{given.train:,} rows × {given.coupons} coupons, the log read from disk")
    print(f"{'model':>10}{'seconds':>9}{'reading':>9}{'CPU s':>8}{'peak MB':>9}")
    for model in given.models:
        found = timed_process("--step", "train", "--data", folder, "--models", model)
        print(
            f"{model:>10}{found['seconds']:>9.1f}{found['reading']:>9.1f}{found['cpu']:>8.1f}"
            f"{found['memory']:>9.0f}",
            flush=True,
        )


def main() -> None:
    """Measure what is asked for, and print one table."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--users", type=int, default=1_000_000)
    asked.add_argument("--coupons", type=int, default=20)
    asked.add_argument("--rows", type=int, default=60_000, help="of the log, to train on before answering")
    asked.add_argument("--train", type=int, help="measure a training on so many rows instead")
    asked.add_argument("--models", nargs="+", default=["default", "network"])
    asked.add_argument("--data", help="where to write; by default a directory that is removed again")
    asked.add_argument("--step", choices=("draw", "train", "predict", "copy"), help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.step is not None:
        folder = Path(given.data)
        steps: dict[str, Callable[[], Any]] = {
            "draw": lambda: draw(folder, given.users, given.coupons, given.rows),
            "train": lambda: train_step(folder, given.models[0]),
            "predict": lambda: predict_step(folder, given.models[0]),
        }
        copy_step(folder) if given.step == "copy" else timed(steps[given.step])
        return
    with tempfile.TemporaryDirectory() as aside:
        folder = Path(given.data or aside)
        folder.mkdir(parents=True, exist_ok=True)
        (measure_training if given.train else measure_answers)(given, folder)


if __name__ == "__main__":
    main()
