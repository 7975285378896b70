"""The solver beside its peers and the physical limit, all in one run on one machine; one table.

    python -m benchmarks.solver                      # everything, some twenty minutes
    python -m benchmarks.solver --only million resolve frontier explain clash rows
    python -m benchmarks.solver --only peers --users 20000
    python -m benchmarks.solver --only growth --figure growth.png --streamed streamed.json

A *read* is the time that one numpy thread takes to sum the value and cost arrays once, the fastest of five,
in the same process. Instances have all nine kinds of rule at once and 60 rows or more. Peers solve the linear
relaxation alone, where every rule is a row; ours is an integer plan with a proven gap. No solver's own bound
is believed: each is recomputed from its multipliers. Kernels are compiled before clocks start. A busy machine
blurs seconds; ratios suffer less.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.relaxation import Relaxation, highs_ipm, pdlp

import couponry as cp
from couponry.instances.generators import RULE_NAMES, draw_instance
from couponry.solver.verify import verify_infeasible

SEGMENTS = {"region": 30, "tier": 4, "age_band": 16}
MANY_SEGMENTS = {"city": 245}
Figures = dict[str, Any]


def drawn(users: int, coupons: int, segments: Mapping[str, int] = SEGMENTS, seed: int = 1) -> cp.Instance:
    """Return an instance with every kind of rule, its rules compiled."""
    instance = draw_instance(users, coupons, seed=seed, rules=RULE_NAMES, segments=segments)
    instance.program  # noqa: B018  # compiled outside the clock, and timed by itself
    return instance


def warm() -> None:
    """Compile the kernels."""
    cp.solve(draw_instance(20_000, 5, rules=RULE_NAMES, segments=SEGMENTS), gap=1e-3)


def read_seconds(instance: cp.Instance) -> float:
    """Return the time in which one thread sums value and cost once."""
    arrays = [instance.response.measure(name) for name in ("value", "cost")]

    def once() -> None:
        for array in arrays:
            array.sum()

    return min(seconds_of(once)[1] for _ in range(5))


def seconds_of(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what some work gave, and the seconds that it took."""
    start = time.perf_counter()
    answer = work()
    return answer, time.perf_counter() - start


class Memory:
    """The most resident memory while something runs, beyond what was there before, in bytes."""

    def __enter__(self) -> Memory:
        self.before, self.most, self.ended = resident(), 0.0, threading.Event()
        self.watch = threading.Thread(target=self._look, daemon=True)
        self.watch.start()
        return self

    def _look(self) -> None:
        while not self.ended.wait(0.002):
            self.most = max(self.most, resident() - self.before)

    def __exit__(self, *error: object) -> None:
        self.ended.set()
        self.watch.join()


def resident() -> float:
    """Return the resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096.0


def checked(instance: cp.Instance, solution: cp.Solution) -> cp.Solution:
    """Return a solution whose plan and proof the judge accepts."""
    found = cp.verify(instance, solution.plan, solution.certificate)
    assert found.ok, found.words()
    return solution


# ------------------------------------------------------------------------------ sections


def million(users: int, coupons: int) -> Figures:
    """Solve one large instance: reads, passes, memory."""
    instance = drawn(users, coupons)
    read = read_seconds(instance)
    arrays = float(sum(array.nbytes for array in instance.response.measures.values()))
    with Memory() as memory:
        solution, seconds = seconds_of(lambda: cp.solve(instance))
    seconds = min(seconds, seconds_of(lambda: cp.solve(instance))[1])
    checked(instance, solution)
    return {
        "rows": solution.stats["rows"],
        "gap": solution.gap,
        "seconds": seconds,
        "read": read,
        "reads": seconds / read,
        "passes": solution.stats["passes"],
        "memory": 1 + memory.most / arrays,
        "phases": solution.stats["seconds_by_phase"],
    }


def resolve(users: int, coupons: int) -> Figures:
    """Solve again after the budget has changed by a twentieth."""
    instance = drawn(users, coupons)
    first, cold = seconds_of(lambda: cp.solve(instance))
    other = cp.Scenario(instance).edit("budget x1.05").instance
    other.program  # noqa: B018
    again, seconds = seconds_of(lambda: cp.solve(other, start=first))
    checked(other, again)
    return {"gap": again.gap, "seconds": seconds, "cold": cold, "passes": again.stats["passes"]}


def frontier(users: int, coupons: int, points: int = 50) -> Figures:
    """Solve for fifty budgets."""
    instance = drawn(users, coupons)
    amount = next(rule.amount for rule in instance.rules if isinstance(rule, cp.Budget))
    budgets = [float(b) for b in amount * np.linspace(0.9, 1.6, points)]
    # Means before and after: a machine that others use is as busy for one as for the other.
    singles = [seconds_of(lambda: cp.solve(instance))[1] for _ in range(4)]
    found, seconds = seconds_of(lambda: cp.frontier(instance, budgets, gap=1e-6))
    singles += [seconds_of(lambda: cp.solve(instance))[1] for _ in range(4)]
    single = float(np.mean(singles[1:]))
    return {
        "seconds": seconds,
        "single": single,
        "solves": seconds / single,
        "points": len(found.table),
        "widest gap": float(found.table["gap"].max()),
    }


def explain(users: int, coupons: int, people: int = 4) -> Figures:
    """Ask how far the budget's price holds, and which budgets would flip what some users get."""
    instance = drawn(users, coupons)
    solution = cp.solve(instance)
    single = min(seconds_of(lambda: cp.solve(instance))[1] for _ in range(2))
    budget = next(row.name for row in instance.program.rows if row.kind == "budget")
    _, held = seconds_of(lambda: cp.price_ranges(instance, solution, rows=[budget]))
    some = np.random.default_rng(0).choice(users, people, replace=False)
    asked = [
        seconds_of(lambda user=user: cp.explain(instance, solution, user, budget=True))
        for user in instance.users.ids.take(some).to_pylist()
    ]
    return {
        "single": single,
        "range": held,
        "range solves": held / single,
        "explain": [seconds for _, seconds in asked],
        "explain solves": float(np.median([seconds for _, seconds in asked])) / single,
        "flips": sum(len(found.budget_changes) for found, _ in asked),
    }


def clash(users: int, coupons: int) -> Figures:
    """Halve the budget of rules that then clash: learn that there is no plan, and what would mend it."""
    instance = drawn(users, coupons)
    single = min(seconds_of(lambda: cp.solve(instance))[1] for _ in range(2))
    other = cp.Scenario(instance).edit("budget x0.5").instance
    other.program  # noqa: B018
    told, seconds = seconds_of(lambda: cp.solve(other, explain_clashes=False))
    explained, longer = seconds_of(lambda: cp.solve(other))
    why = explained.infeasibility
    if told.infeasibility is None or why is None or why.multipliers is None:
        raise SystemExit("half the budget was to be too little")
    if not verify_infeasible(other, why.multipliers).proven:
        raise SystemExit("the proof that there is no plan does not hold")
    return {
        "single": single,
        "seconds": seconds,
        "solves": seconds / single,
        "explained": longer,
        "mends": sum(clash.mended_limit is not None for clash in why.clashes),
        "rows": len(why.clashes),
    }


def rows(users: int, coupons: int) -> Figures:
    """Solve with five hundred rows, and with sixty."""
    few, many = drawn(users, coupons), drawn(users, coupons, MANY_SEGMENTS)
    _, short = seconds_of(lambda: cp.solve(few))
    solution, long = seconds_of(lambda: cp.solve(many))
    checked(many, solution)
    return {
        "rows": solution.stats["rows"],
        "gap": solution.gap,
        "seconds": long,
        "of few": short,
        "ratio": long / short,
        "passes": solution.stats["passes"],
    }


def peers(users: int, coupons: int) -> Figures:
    """Solve beside HiGHS's interior point method and OR-Tools PDLP."""
    instance = drawn(users, coupons)
    # A cap on money is no row: without it the relaxation says all that the rules say.
    rules = tuple(cp.UserCap(coupons=2) if isinstance(r, cp.UserCap) else r for r in instance.rules)
    instance = replace(instance, rules=rules)
    instance.program  # noqa: B018
    solution, seconds = seconds_of(lambda: cp.solve(instance))
    seconds = min(seconds, seconds_of(lambda: cp.solve(instance))[1])
    checked(instance, solution)
    relaxation = Relaxation.of(instance)
    figures: Figures = {
        "rows": solution.stats["rows"],
        "seconds": seconds,
        "gap": solution.gap,
        "bound": relaxation.bound(solution.certificate.multipliers),
    }
    for name, solver in (("pdlp", pdlp), ("highs", highs_ipm)):
        answer = solver(relaxation)
        if answer is not None:
            print(f"  {answer}", flush=True)
            figures |= {
                f"{name} seconds": answer.seconds,
                f"{name} ratio": answer.seconds / seconds,
                f"bound above {name}": (figures["bound"] - answer.bound) / abs(answer.bound),
            }
    return figures


def growth() -> Figures:
    """Solve ever more users, coupons and rows."""
    cases: list[tuple[str, int, int, Mapping[str, int]]] = [
        *(("users", n, 10, SEGMENTS) for n in (10_000, 100_000, 1_000_000, 10_000_000)),
        *(("coupons", 200_000, j, SEGMENTS) for j in (5, 20, 50, 100, 200)),
        *(("rows", 500_000, 20, {"city": c}) for c in (1, 10, 45, 120, 245)),
    ]
    series: dict[str, list[Figures]] = {}
    for kind, users, coupons, segments in cases:
        instance = drawn(users, coupons, segments)
        read = read_seconds(instance)
        solution, seconds = seconds_of(lambda instance=instance: cp.solve(instance, time_limit=300))
        point = {
            "users": users,
            "coupons": coupons,
            "rows": solution.stats["rows"],
            "seconds": seconds,
            "reads": seconds / read,
            "gap": solution.gap,
            "passes": solution.stats["passes"],
        }
        print(f"  {kind}: {point}", flush=True)
        series.setdefault(kind, []).append(point)
    return series


# --------------------------------------------------------------------------------- table

SECTIONS: dict[str, Callable[..., Figures]] = {
    "million": million,
    "resolve": resolve,
    "frontier": frontier,
    "explain": explain,
    "clash": clash,
    "rows": rows,
    "peers": peers,
    "growth": growth,
}


def lines(name: str, f: Figures) -> list[str]:
    """Return what a section found, with what it must reach."""
    made = {
        "million": lambda: [
            (
                f"gap {f['gap']:.1e} with {f['rows']} rows: {f['seconds']:.2f} s = {f['reads']:.0f} reads "
                f"of {1e3 * f['read']:.1f} ms (at most 150), {f['passes']} passes (at most 6)"
            ),
            f"memory {f['memory']:.2f} × the instance's arrays (at most 1.5)",
        ],
        "resolve": lambda: [
            (
                f"after another budget: {f['passes']} passes (at most 3), {f['seconds']:.2f} s "
                f"(cold {f['cold']:.2f} s), gap {f['gap']:.1e}"
            )
        ],
        "frontier": lambda: [
            (
                f"{f['points']} budgets: {f['seconds']:.1f} s = {f['solves']:.1f} single solves "
                f"(at most 20), widest gap {f['widest gap']:.1e}"
            )
        ],
        "explain": lambda: [
            f"range of the budget's price: {f['range']:.1f} s = {f['range solves']:.1f} single solves",
            (
                f"budgets that flip a user's choice: {', '.join(f'{s:.1f}' for s in f['explain'])} s, "
                f"the middle one {f['explain solves']:.1f} single solves; {f['flips']} found"
            ),
        ],
        "clash": lambda: [
            (
                f"no plan, proven: {f['seconds']:.2f} s = {f['solves']:.1f} single solves; {f['mends']} of "
                f"{f['rows']} clashing rows mended: {f['explained']:.1f} s"
            )
        ],
        "rows": lambda: [
            (
                f"{f['rows']} rows: {f['seconds']:.2f} s = {f['ratio']:.1f} × that of 60 rows (at most 3), "
                f"gap {f['gap']:.1e}, {f['passes']} passes"
            )
        ],
        "peers": lambda: [
            f"ours {f['seconds']:.2f} s, gap {f['gap']:.1e}, {f['rows']} rows",
            *(
                (
                    f"{label}: {f[f'{key} seconds']:.1f} s = {f[f'{key} ratio']:.0f} × ours "
                    f"(at least {least}); our bound is {f[f'bound above {key}']:+.1e} of it"
                )
                for key, label, least in (
                    ("highs", "HiGHS interior point", 200),
                    ("pdlp", "OR-Tools PDLP at 1e-6", 60),
                )
                if f"{key} seconds" in f
            ),
        ],
        "growth": lambda: [
            (
                f"{kind} {point[kind]:>12,}: {point['seconds']:8.2f} s, {point['reads']:6.0f} reads, "
                f"gap {point['gap']:.0e}, {point['passes']} passes"
            )
            for kind, points in f.items()
            for point in points
        ],
    }
    return made[name]()


AXES = {
    "users": "users (10 coupons)",
    "coupons": "coupons (200,000 users)",
    "rows": "rows (500,000 users × 20)",
}


def draw(growth: Figures, streamed: list[Figures], file: Path) -> None:
    """Draw seconds against users, coupons and rows; hollow where no plan was found, dotted in proportion."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.2), layout="constrained")
    for axes, (kind, points) in zip(figure.subplots(1, len(growth)), growth.items(), strict=True):
        size, seconds = (np.array([point[key] for point in points]) for key in (kind, "seconds"))
        solved = np.array([point["gap"] < 1e-2 for point in points])
        axes.loglog(size, seconds, "-", color="#1f77b4")
        axes.plot(size[solved], seconds[solved], "o", color="#1f77b4", label="solved and proven")
        if not solved.all():
            hollow = {"color": "white", "mec": "#1f77b4", "label": "stopped, no plan"}
            axes.plot(size[~solved], seconds[~solved], "o", **hollow)
        at = np.flatnonzero(solved)[-1]
        axes.plot(size, seconds[at] * size / size[at], ":", color="#888888", label="in proportion")
        if kind == "users" and streamed:
            more = np.array([[point["users"], point["seconds"]] for point in streamed])
            axes.plot(*more.T, "s-", color="#d95f02", label="from disk, plan written")
            size = np.unique(np.append(size, more[:, 0].astype(int)))
        axes.set_xticks(size, [_short(s) for s in size], minor=False)
        axes.minorticks_off()
        low, high = axes.get_ylim()
        marks = [m for e in range(-3, 5) for m in (10.0**e, 3 * 10.0**e) if low <= m <= high]
        axes.set_yticks(marks, [f"{m:g}" for m in marks])
        axes.set_xlabel(AXES[kind])
        axes.grid(visible=True, which="major", color="#dddddd")
    figure.axes[0].set_ylabel("seconds, 2 cores")
    figure.axes[0].legend(frameon=False, loc="lower right")
    figure.savefig(file, dpi=110)


def _short(size: int) -> str:
    """Return 200, 10k or 10M."""
    return f"{size}" if size < 10_000 else f"{size // 1000}k" if size < 1_000_000 else f"{size // 1_000_000}M"


def main() -> None:
    """Run the sections, each in a process of its own, and print one table."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--only", nargs="+", choices=list(SECTIONS), default=list(SECTIONS))
    asked.add_argument("--users", type=int, help="in the place of 1,000,000, or of the peers' 100,000")
    asked.add_argument("--coupons", type=int)
    asked.add_argument("--json", type=Path, help="write the figures, too")
    asked.add_argument("--figure", type=Path, help="draw the growth as a picture")
    asked.add_argument("--streamed", type=Path, help="figures of benchmarks.streamed to draw with it")
    asked.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.inside:
        print("\n" + json.dumps(run(given.only[0], given.users, given.coupons)))
        return
    found: dict[str, Figures] = {}
    for name in given.only:
        size = [f"--{k}={v}" for k, v in (("users", given.users), ("coupons", given.coupons)) if v]
        command = [sys.executable, "-m", "benchmarks.solver", "--inside", "--only", name, *size]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found[name] = json.loads(done.stdout.strip().split("\n")[-1])
        print("\n".join([name, *(f"  {line}" for line in lines(name, found[name]))]), flush=True)
    if given.figure is not None and "growth" in found:
        streamed = [] if given.streamed is None else json.loads(given.streamed.read_text())
        draw(found["growth"], streamed, given.figure)
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1))


def run(name: str, users: int | None, coupons: int | None) -> Figures:
    """Run one section here."""
    warm()
    if name == "growth":
        return growth()
    usual = (100_000, 10) if name == "peers" else (1_000_000, 20)
    return SECTIONS[name](users or usual[0], coupons or usual[1])


if __name__ == "__main__":
    main()
