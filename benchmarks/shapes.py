"""Compare couponry's models with causalml's and econml's in worlds of many shapes, whose truth is known.

    python benchmarks/shapes.py --rows 200000 --shapes smooth logit --models default --peers S-learner

Models learn from randomised rows of ten coupons and none (``confounded``: arms by two features). The budget
is what an oracle spends who treats 30 % of 20,000 others. *At budget* is the true value of the best choice by
predicted value and cost that truly spends the budget, over the oracle's; all use the first model's costs.
*True costs* is the same with the costs that only an oracle knows, so that effects alone are compared.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import pandas as pd
from benchmarks.prediction.peers import is_wanted, peers
from benchmarks.prediction.shapes import FACE, SHAPES, Shape

import couponry as cp

_OTHERS, _TREATED = 20_000, 0.3


def chosen(value: np.ndarray, cost: np.ndarray, price: float) -> tuple[np.ndarray, np.ndarray]:
    """Return every user's best coupon at a price of money, and who is given one."""
    score = value - price * cost
    best = score.argmax(axis=1)
    return best, score[np.arange(len(score)), best] > 0


def at_budget(
    value: np.ndarray, cost: np.ndarray, true: np.ndarray, spent: np.ndarray, budget: float
) -> float:
    """Return the true value of the choice that truly spends the budget."""
    every, low, high = np.arange(len(value)), 0.0, 10.0
    for _ in range(60):
        price = (low + high) / 2
        best, given = chosen(value, cost, price)
        low, high = (price, high) if spent[every, best][given].sum() > budget else (low, price)
    return float(true[every, best][given].sum())


def oracle(true: np.ndarray, spent: np.ndarray) -> tuple[float, float]:
    """Return value and money of the best choice that treats 30 %."""
    every, low, high = np.arange(len(true)), 0.0, 10.0
    for _ in range(60):
        price = (low + high) / 2
        best, given = chosen(true, spent, price)
        low, high = (price, high) if given.mean() > _TREATED else (low, price)
    return float(true[every, best][given].sum()), float(spent[every, best][given].sum())


def answers(shape: Shape, rows: int, seed: int, own: list[str], wanted: list[str]) -> dict[str, tuple]:
    """Return others' truth and each model's effects, with the first model's costs."""
    table, arm, y, cost, shares = shape.draw(rows, seed * 10 + 1)
    others = shape.features(_OTHERS, np.random.default_rng(seed + 999))
    menu = {"coupon_id": [f"c{j}" for j in range(len(FACE))], "kind": "fixed_off", "face_value": FACE}
    coupons = cp.Coupons(pd.DataFrame(menu))
    log = cp.Log(
        features=table,
        user_id=np.array([f"u{i}" for i in range(rows)], object),
        coupons=coupons,
        arm=arm.astype(np.int32),
        conversion=y,
        cost=cost,
        revenue=np.zeros(rows),
        propensity=shares[np.arange(rows), arm + 1] if np.ptp(shares) == 0 else None,
    )
    found: dict[str, tuple] = {}
    costs = None
    for name in own:
        response = cp.train(log, name, seed=0).predict_response(others, coupons)
        costs = response.measure("cost").astype(float) if costs is None else costs
        found[name] = response.measure("value").astype(float), costs
    both = pd.get_dummies(pd.concat([table, others])).to_numpy(float)
    for name, (package, model) in peers(len(FACE)).items():
        if is_wanted(f"{package} {name}", wanted):
            effect = np.asarray(model(both[:rows], arm + 1, y, both[rows:]), float)
            found[f"{name} ({package})"] = effect, costs
    return {"truth": shape.truth(others)} | found


def main() -> None:
    """Run and print one line a shape and model."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--rows", type=int, default=200_000)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--shapes", nargs="*", default=list(SHAPES), choices=list(SHAPES))
    asked.add_argument("--models", nargs="+", default=["default"])
    asked.add_argument("--peers", nargs="*", default=[], help="peers with one of these in their name")
    given = asked.parse_args()
    warnings.filterwarnings("ignore")
    print(f"{'shape':12}{'model':34}{'at budget':>10}{'true costs':>12}{'slope':>8}{'correlation':>13}")
    for name in given.shapes:
        found = answers(SHAPES[name](given.seed), given.rows, given.seed, given.models, given.peers)
        without, with_it, spent = found.pop("truth")
        true = with_it - without[:, None]
        best, budget = oracle(true, spent)
        for model, (effect, cost) in found.items():
            e, within = effect - effect.mean(), effect - effect.mean(axis=0)
            slope = float((e * (true - true.mean())).sum() / np.square(e).sum())
            correlation = float(np.corrcoef(within.ravel(), (true - true.mean(axis=0)).ravel())[0, 1])
            share = at_budget(effect, cost, true, spent, budget) / best
            alone = at_budget(effect, spent, true, spent, budget) / best
            print(f"{name:12}{model:34}{share:10.3f}{alone:12.3f}{slope:8.2f}{correlation:13.3f}", flush=True)


if __name__ == "__main__":
    main()
