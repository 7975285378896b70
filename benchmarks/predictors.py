"""Compare couponry's response models with other packages' on randomised trials, and on drawn worlds.

    python benchmarks/predictors.py --data ../shared/data/hillstrom.csv.gz --seeds 0 1 2 --json out.json
    python benchmarks/predictors.py --worlds --rows 200000 --coupons 10

Protocol: 70 % of the rows train (``default_rng(seed).permutation``), 30 % judge; all models are given the
same matrix of features, gaps filled by the training median; nothing is tuned. Two arms: one arm against none,
on their rows alone (Hillstrom: women's e-mail; Karlan and List: any match). All arms: the best arm where its
effect is above nought, at most 30 % of people treated (``v30``), and without that cap (``vfree``), valued by
self-normalised inverse propensity. Peers that are not installed are left out; records of a run elsewhere can
be read by ``--with``. Other files than the two known trials need ``--arm`` and ``--outcomes``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from benchmarks.prediction.measures import policy_measures, two_arm_measures
from benchmarks.prediction.ours import ours
from benchmarks.prediction.peers import Model, is_wanted, peers
from benchmarks.prediction.table import means, wins
from benchmarks.prediction.trials import Trial, read_trial

Record = dict[str, object]


def models(
    trial: Trial, arms: int, seed: int, own: list[str], wanted: list[str]
) -> dict[str, tuple[str, Model]]:
    """Return the models to run: ours, then the peers that are wanted."""
    found = {name: ("couponry", ours(name, trial.columns, seed)) for name in own}
    return found | {n: m for n, m in peers(arms).items() if is_wanted(f"{m[0]} {n}", wanted)}


def two_arms(trial: Trial, outcome: str, seed: int, own: list[str], wanted: list[str]) -> Iterator[Record]:
    """Yield the records of one arm (or any) against none."""
    train, held = trial.split(seed)
    kept = (0, *trial.pair)
    train, held = train[np.isin(trial.arm[train], kept)], held[np.isin(trial.arm[held], kept)]
    y, treated = trial.outcomes[outcome], (trial.arm > 0).astype(int)
    for name, (package, model) in models(trial, 1, seed, own, wanted).items():
        effect, seconds = _run(name, model, trial, train, held, treated, y)
        if effect is not None:
            found = two_arm_measures(effect[:, 0], y[held], treated[held] == 1)
            yield from _records(package, name, 2, outcome, seed, found, seconds)
    lots = np.random.default_rng(7).random(len(held))
    found = two_arm_measures(lots, y[held], treated[held] == 1)
    yield from _records("none", "random", 2, outcome, seed, found, 0.0)


def all_arms(trial: Trial, outcome: str, seed: int, own: list[str], wanted: list[str]) -> Iterator[Record]:
    """Yield the records of choosing among all arms."""
    train, held = trial.split(seed)
    y, coupons = trial.outcomes[outcome], len(trial.arms) - 1
    shares = np.bincount(trial.arm[train], minlength=coupons + 1) / len(train)
    spend = None if trial.spend is None else trial.spend[held]

    def judged(effect: np.ndarray) -> dict[str, float]:
        return policy_measures(effect, y[held], trial.arm[held], shares, spend, trial.caps)

    for name, (package, model) in models(trial, coupons, seed, own, wanted).items():
        effect, seconds = _run(name, model, trial, train, held, trial.arm, y)
        if effect is not None:
            yield from _records(package, name, coupons + 1, outcome, seed, judged(effect), seconds)
    lots = np.random.default_rng(7).random((len(held), coupons))
    yield from _records("none", "random", coupons + 1, outcome, seed, judged(lots), 0.0)
    for j, arm in enumerate(trial.arms[1:]):
        one = np.full((len(held), coupons), -1.0)
        one[:, j] = np.random.default_rng(7).random(len(held)) + 1e-9
        yield from _records("none", f"{arm} to some", coupons + 1, outcome, seed, judged(one), 0.0)


def _run(
    name: str,
    model: Model,
    trial: Trial,
    train: np.ndarray,
    held: np.ndarray,
    arm: np.ndarray,
    y: np.ndarray,
) -> tuple[np.ndarray | None, float]:
    start = time.perf_counter()
    x, xh = trial.features(train, train), trial.features(train, held)
    try:
        effect = np.asarray(model(x, arm[train], y[train], xh), float).reshape(len(held), -1)
    except Exception as error:  # a peer that fails is said to fail, and the others go on
        print(f"{name} failed: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
        return None, 0.0
    return effect, time.perf_counter() - start


def _records(
    package: str, model: str, arms: int, outcome: str, seed: int, found: dict[str, float], seconds: float
) -> Iterator[Record]:
    for metric, value in found.items():
        yield {
            "package": package,
            "model": model,
            "arms": arms,
            "outcome": outcome,
            "seed": seed,
            "metric": metric,
            "value": value,
            "seconds": round(seconds, 3),
        }


def main() -> None:
    """Run, print, write."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--data", type=Path, nargs="*", default=[])
    asked.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    asked.add_argument("--models", nargs="*", default=["default"], help="ours, such as default, t:sklearn")
    asked.add_argument(
        "--peers", nargs="*", default=[""], help="only peers with one of these in their name; none: none"
    )
    asked.add_argument("--json", type=Path, help="where the records go")
    asked.add_argument("--with", type=Path, nargs="*", default=[], dest="others", help="records to add")
    asked.add_argument("--arm", help="column of arms, for a file that is not a known trial")
    asked.add_argument("--none", help="the arm that is no coupon; the first by name if not given")
    asked.add_argument("--outcomes", nargs="+", default=[], help="columns of outcomes")
    asked.add_argument("--spend", help="column of money")
    asked.add_argument("--drop", nargs="*", default=[], help="columns that are no features")
    asked.add_argument("--only", nargs="*", default=[], help="only these outcomes")
    asked.add_argument("--worlds", action="store_true", help="drawn worlds, whose truth is known")
    asked.add_argument("--rows", type=int, default=200_000, help="rows of a drawn world's log")
    asked.add_argument("--coupons", type=int, default=10)
    asked.add_argument(
        "--hidden", type=float, default=1.0, help="share of what decides responses that features do not tell"
    )
    asked.add_argument("--kinds", nargs="*", default=[], help="only these kinds of world")
    given = asked.parse_args()
    warnings.filterwarnings("ignore")
    records: list[Record] = [r for path in given.others for r in json.loads(path.read_text())]
    if given.worlds:
        from benchmarks.prediction.worlds import judge_worlds

        records += judge_worlds(
            given.rows,
            given.coupons,
            given.seeds,
            given.models,
            given.peers,
            given.kinds,
            given.json,
            given.hidden,
        )
        return
    for path in given.data:
        trial = read_trial(path, given.arm, given.none, given.outcomes, given.spend, given.drop)
        parts: list[Callable[..., Iterator[Record]]] = [two_arms, all_arms]
        for seed in given.seeds:
            for outcome in given.only or list(trial.outcomes):
                for part in parts if len(trial.arms) > 2 else parts[:1]:
                    records += part(trial, outcome, seed, given.models, given.peers)
            if given.json:
                given.json.write_text(json.dumps(records, indent=1))
            print(f"{trial.name}: split {seed} done", file=sys.stderr, flush=True)
    print(means(records))
    print("\nagainst each peer, paired by split")
    print(wins(records))


if __name__ == "__main__":
    main()
