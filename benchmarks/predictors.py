"""Compare couponry's response models with other packages' on randomised trials, and on drawn worlds.

    python benchmarks/predictors.py --data ../shared/data/hillstrom.csv.gz --seeds 0 1 2 --json out.json
    python benchmarks/predictors.py --worlds --rows 200000 --coupons 10

Protocol: 70 % of the rows train (``default_rng(seed).permutation``), 30 % judge; all models are given the
same matrix of features, gaps filled by the training median; nothing is tuned. Two arms: one arm against none,
on their rows alone (Hillstrom: women's e-mail; else any arm but none). All arms: the best arm where its
effect is above nought, at most 30 % of people treated (``v30``), and without that cap (``vfree``), valued by
self-normalised inverse propensity. Peers that are not installed are left out; records of a run elsewhere can
be read by ``--with``. Of other files than the two known trials the columns are told by their names, which is
said; ``--arm``, ``--none``, ``--outcomes``, ``--spend``, ``--drop`` and ``--keep`` say otherwise. Exits with
1 if one of couponry's own models failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from benchmarks.prediction.measures import policy_measures, two_arm_measures
from benchmarks.prediction.ours import ours
from benchmarks.prediction.peers import Model, is_wanted, peers
from benchmarks.prediction.table import means, wins
from benchmarks.prediction.trials import Trial, read_trial
from benchmarks.prediction.worlds import KINDS, judge_worlds

from couponry.instances.errors import DataWarning

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
    shares = np.bincount(treated[train], minlength=2) / len(train)
    spend = None if trial.spend is None else trial.spend[held]

    def judged(effect: np.ndarray) -> dict[str, float]:
        return two_arm_measures(effect[:, 0], y[held], treated[held] == 1) | policy_measures(
            effect, y[held], treated[held], shares, spend, trial.caps
        )

    for name, (package, model) in models(trial, 1, seed, own, wanted).items():
        effect, seconds = _run(name, model, trial, train, held, treated, y)
        if effect is not None:
            yield from _records(package, name, 2, outcome, seed, judged(effect), seconds)
    lots = np.random.default_rng(7).random((len(held), 1))
    yield from _records("none", "random", 2, outcome, seed, judged(lots), 0.0)


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


def asked_for() -> argparse.Namespace:
    """Read the command line."""
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
    asked.add_argument("--none", help="the arm that is no coupon; by its name if not given")
    asked.add_argument("--outcomes", nargs="+", default=[], help="columns of outcomes")
    asked.add_argument("--spend", help="column of money")
    asked.add_argument("--drop", nargs="*", default=[], help="columns that are no features")
    asked.add_argument("--keep", nargs="*", default=[], help="columns that are features, whatever they hold")
    asked.add_argument("--only", nargs="*", default=[], help="only these outcomes")
    asked.add_argument("--worlds", action="store_true", help="drawn worlds, whose truth is known")
    asked.add_argument("--rows", type=int, default=200_000, help="rows of a drawn world's log")
    asked.add_argument("--coupons", type=int, default=10)
    asked.add_argument(
        "--hidden", type=float, default=1.0, help="share of what decides responses that features do not tell"
    )
    asked.add_argument("--kinds", nargs="*", default=[], choices=KINDS, help="only these kinds of world")
    given = asked.parse_args()
    if not given.data and not given.worlds and not given.others:
        asked.error("nothing to do: give --data FILE or --worlds")
    if given.json and not given.json.parent.is_dir():
        asked.error(f"--json: there is no directory {given.json.parent}")
    return given


def on_trials(given: argparse.Namespace, records: list[Record]) -> None:
    """Run models on all splits of the trials, print and write.

    Raises
    ------
    SystemExit
        If a file cannot be read, or one of couponry's own models failed.
    """
    asks: set[tuple[object, ...]] = set()
    installed = [f"{package} {name}" for name, (package, _) in peers(1).items()]
    for word in given.peers:
        if word not in ("", "none") and not any(is_wanted(name, [word]) for name in installed):
            there = ", ".join(installed) or "none; docs/models_measured.md says how peers are run"
            print(f"--peers: no peer here has {word!r} in its name; there are {there}", file=sys.stderr)
    for path in given.data:
        trial = read_trial(path, given.arm, given.none, given.outcomes, given.spend, given.drop, given.keep)
        outcomes = given.only or list(trial.outcomes)
        if unknown := set(outcomes) - set(trial.outcomes):
            raise SystemExit(f"--only: {path} has no outcome {unknown}; it has {', '.join(trial.outcomes)}")
        of_file = {"data": trial.name} if len(given.data) > 1 else {}
        parts: dict[int, Callable[..., Iterator[Record]]] = {2: two_arms}
        if len(trial.arms) > 2:
            parts[len(trial.arms)] = all_arms
        for seed, outcome, (arms, part) in product(given.seeds, outcomes, parts.items()):
            found = part(trial, outcome, seed, given.models, given.peers)
            records = distinct([*records, *(of_file | record for record in found)])
            asks |= {(of_file.get("data"), name, arms, outcome, seed) for name in given.models}
            if given.json:
                write_records(given.json, records)
            print(f"{trial.name}: split {seed}, {outcome}, {arms} arms done", file=sys.stderr, flush=True)
    for name in dict.fromkeys(record.get("data") for record in records):
        some = [record for record in records if record.get("data") == name]
        print(f"\n{name}" if name else "", means(some), "\nagainst each peer, paired by split", sep="\n")
        print(wins(some))
    ran = {(r.get("data"), r["model"], r["arms"], r["outcome"], r["seed"]) for r in records}
    if missed := asks - ran:
        raise SystemExit(f"{len(missed)} of {len(asks)} runs of couponry's models failed, see above")


def main() -> None:
    """Run, print, write."""
    given = asked_for()
    warnings.filterwarnings("ignore")
    warnings.filterwarnings("once", category=DataWarning)
    warnings.filterwarnings("ignore", message="no row has a cost")  # trials are judged by conversions
    warnings.formatwarning = lambda message, *_, **__: f"{message}\n"  # type: ignore[assignment]
    if given.worlds:
        wanted = given.models, given.peers, given.kinds
        judge_worlds(given.rows, given.coupons, given.seeds, *wanted, given.json, given.hidden)
        return
    on_trials(given, [r for path in given.others for r in json.loads(path.read_text())])


def distinct(records: list[Record]) -> list[Record]:
    """Return the records, the later one where two speak of the same run and metric."""
    key = ("data", "package", "model", "arms", "outcome", "seed", "metric")
    return list({tuple(record.get(k) for k in key): record for record in records}.values())


def write_records(path: Path, records: list[Record]) -> None:
    """Write the records aside and rename; what is not a number is null."""
    finite = [r | {"value": r["value"] if np.isfinite(float(str(r["value"]))) else None} for r in records]
    aside = path.with_name(path.name + ".part")
    aside.write_text(json.dumps(finite, indent=1, allow_nan=False))
    aside.replace(path)


if __name__ == "__main__":
    main()
