"""Solve what does not fit in memory: shards on disk, or users who are drawn again at every pass.

    python benchmarks/streamed.py --users 1000000 10000000 100000000 --data /tmp/stream
    python benchmarks/streamed.py --virtual 1000000000 --part 0.005

The first form draws each instance to disk (value and cost, float32: 8 GB for 100,000,000 × 10), solves it in
a process of its own, so that its peak memory is its own, verifies the plan and its certificate, and removes
both. The second makes no pass over all users: it samples them, measures a pass over the first of them at the
sample's prices, and says what a solve would take: an extrapolation, and printed as one.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.solver import SEGMENTS

import couponry as cp
from couponry.instances.coupons import Coupons
from couponry.instances.drawn.asked import RULE_NAMES, Asked
from couponry.instances.drawn.recipe import BLOCK, Recipe
from couponry.instances.drawn.virtual import VirtualShards
from couponry.instances.drawn.write import write_recipe
from couponry.instances.rows import COUNT
from couponry.solver.clock import Clock
from couponry.solver.dual import DualSearch
from couponry.solver.local import LocalEngine
from couponry.solver.priced import REACH, PricedSearch
from couponry.solver.result import peak_memory_mb
from couponry.solver.solution_files import read_certificate_record

# All kinds of rule but an earlier plan to keep, which would be another instance on disk.
RULES = tuple(name for name in RULE_NAMES if name != "keep")


def recipe_of(users: int, coupons: int, seed: int) -> Recipe:
    """Return what is drawn: value, cost and revenue, under all these rules and 57 rows."""
    return Asked(users, coupons, seed, dict(SEGMENTS), RULES, 0.25, None, 1.0).recipe()


def timed_process(*arguments: str) -> dict[str, Any]:
    """Run one step of this file in a process of its own, and return what it prints."""
    command = [sys.executable, "-m", "benchmarks.streamed", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def solve_step(data: Path, gap: float) -> None:
    """Solve, and print the figures."""
    began, cpu = time.perf_counter(), time.process_time()
    solution = cp.solve_streamed(data / "instance", data / "plan", gap=gap, force=True)
    figures = {
        "status": solution.status.value,
        "gap": solution.gap,
        "passes": solution.stats["passes"],
        "reads": solution.stats["users_read"] / solution.stats["users"],
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "memory": peak_memory_mb(),
        "phases": solution.stats["seconds_by_phase"],
    }
    print(json.dumps(figures))


def verify_step(data: Path) -> None:
    """Verify, and print the figures."""
    began, cpu = time.perf_counter(), time.process_time()
    proof = read_certificate_record(data / "plan")
    finding = cp.verify_streamed(cp.open_instance(data / "instance"), data / "plan", proof)
    seconds, spent = time.perf_counter() - began, time.process_time() - cpu
    print(json.dumps({"ok": finding.ok, "seconds": seconds, "cpu": spent, "memory": peak_memory_mb()}))


def measure(users: int, given: argparse.Namespace) -> dict[str, Any]:
    """Draw, solve and verify one instance on disk, and remove it."""
    data = Path(given.data) / f"{users}"
    try:
        write_recipe(recipe_of(users, given.coupons, given.seed), data / "instance", force=True)
        solved = timed_process("--step", "solve", "--data", str(data), "--gap", str(given.gap))
        verified = timed_process("--step", "verify", "--data", str(data))
    finally:
        shutil.rmtree(data, ignore_errors=True)
    return {"users": users, **solved, "verified": verified}


def row(found: dict[str, Any]) -> str:
    """Return one line of the table."""
    verified = found["verified"]
    return (
        f"{found['users']:>13,}{found['passes']:>8}{found['reads']:>8.2f}{found['seconds']:>9.0f}"
        f"{found['cpu']:>8.0f}{found['memory']:>10.0f}{found['gap']:>10.1e}"
        f"{'ok' if verified['ok'] else 'BROKEN':>10}{verified['cpu']:>8.0f}{verified['memory']:>10.0f}"
    )


HEAD = (
    f"{'users':>13}{'passes':>8}{'reads':>8}{'seconds':>9}{'cpu s':>8}{'peak MB':>10}{'gap':>10}"
    f"{'verify':>10}{'cpu s':>8}{'peak MB':>10}"
)


def extrapolate(users: int, given: argparse.Namespace) -> str:
    """Measure a part of a virtual instance, and say what the whole would take."""
    recipe = recipe_of(users, given.coupons, given.seed)
    part = max(BLOCK, round(users * given.part) // BLOCK * BLOCK)
    # Rules of a part, and amounts of it scaled up: the whole's reference plan would be a pass of its own.
    small = replace(recipe, users=part)
    sums = small.attained()
    for block in small.drawn():
        sums.add(block.plan, block.codes)
    times = users / part
    rules = [
        rule.model_copy(update={name: getattr(rule, name) * times})
        for rule in small.rules(sums)
        for name in [{"budget": "amount", "target": "at_least"}.get(rule.kind, "")]
        if name
    ]
    rules += [rule for rule in small.rules(sums) if rule.kind not in ("budget", "target")]
    menu = small.stocked_menu(sums)
    for name in {"stock", "minimum"} & set(menu):
        menu[name] = np.floor(menu[name] * times)
    return _measured_part(users, part, Coupons(menu), recipe, tuple(rules), given)


def _measured_part(
    users: int,
    part: int,
    coupons: Coupons,
    recipe: Recipe,
    rules: tuple[cp.Rule, ...],
    given: argparse.Namespace,
) -> str:
    clock = Clock()
    whole = cp.StreamedInstance(coupons, VirtualShards(recipe), rules)
    whole.census = cp.StreamedInstance(coupons, VirtualShards(recipe, part), rules).census.scaled(users)
    search = PricedSearch(whole.program, given.gap, given.seed, clock)
    search.measure()
    reach = REACH * search.scale.price
    dual = DualSearch(search.program, search.book, search.engine, search.scale, reach, clock, given.seed)
    cpu = time.process_time()
    sampled = dual.sampled(None)
    assert sampled is not None, "the sample's prices ran away"
    found, radius = sampled
    sampling = time.process_time() - cpu
    first = cp.StreamedInstance(coupons, VirtualShards(recipe, part), rules)
    engine, cpu = LocalEngine(first.program), time.process_time()
    settled = engine.settle(search.book.scores(found.multipliers), radius)
    settling = (time.process_time() - cpu) / part
    undecided = len(settled.undecided) / part
    amounts = sum(measure != COUNT for measure in search.program.measures)
    held = undecided * users * (4 * amounts * given.coupons + 16) / 2**20
    return "\n".join(
        (
            f"{users:,} users × {given.coupons}, drawn again at every pass.",
            (
                f"Measured: prices of samples, {sampling:.0f} CPU s with their drawing; "
                f"one pass over the first {part:,} users ({part / users:.2%}), "
                f"{1e6 * settling:.2f} CPU s a million with their drawing; "
                f"{undecided:.2%} of them undecided; peak {peak_memory_mb():.0f} MB."
            ),
            (
                f"Extrapolated, not measured: three passes in {3 * settling * users / 3600:.1f} CPU hours; "
                f"{undecided * users:,.0f} undecided users, held in {held:,.0f} MB."
            ),
        )
    )


def main() -> None:
    """Measure what is asked for, and print one table."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--users", type=int, nargs="+", default=[1_000_000])
    asked.add_argument("--coupons", type=int, default=10)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--gap", type=float, default=1e-6)
    asked.add_argument(
        "--data", default="out/streamed", help="directory for the shards; they are removed again"
    )
    asked.add_argument("--virtual", type=int, help="users of a virtual instance, instead of shards on disk")
    asked.add_argument("--part", type=float, default=0.005, help="share of a virtual instance to measure")
    asked.add_argument("--json", type=Path, help="write the figures, too")
    asked.add_argument("--step", choices=("solve", "verify"), help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.step == "solve":
        solve_step(Path(given.data), given.gap)
    elif given.step == "verify":
        verify_step(Path(given.data))
    elif given.virtual:
        print(extrapolate(given.virtual, given))
    else:
        print(f"users × {given.coupons} coupons; {', '.join(RULES)}; to a gap of {given.gap:g}\n{HEAD}")
        measured: list[dict[str, Any]] = []
        for users in given.users:
            measured.append(measure(users, given))
            print(row(measured[-1]), flush=True)
            phases = measured[-1]["phases"].items()
            print("   " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in phases))
            if given.json is not None:
                given.json.write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
