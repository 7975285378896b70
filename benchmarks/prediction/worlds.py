"""Drawn worlds, whose truth is known: what a plan made from predictions truly wins, beside the oracle's.

Models learn from a log of some customers; plans are made for 20,000 others, under one budget and one coupon
a customer, by couponry's solver. All plans use the same predicted costs (those of the first of couponry's
models), so that effects alone are compared. The oracle knows every customer's true effects and costs, also
what no feature tells; "truth by features" regresses true effects and true costs on the features, about what
could be learnt at best. Plans made by predicted costs spend more or less than the budget in truth: "at
budget" is what the same predictions win where the price of money is moved until exactly the budget is spent.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from benchmarks.prediction.peers import is_wanted, peers

import couponry as cp
from couponry.predictors.features import FeatureEncoder

_HELD = 20_000
_BUDGET = 0.3
KINDS = ("randomised", "confounded", "few rows", "many coupons", "new coupon")


def judge_worlds(
    rows: int,
    coupons: int,
    seeds: list[int],
    own: list[str],
    wanted: list[str],
    kinds: list[str],
    out: Path | None,
    hidden: float = 1.0,
) -> list[dict[str, object]]:
    """Run all kinds of world on all seeds, print a table a kind, return and write the records."""
    records: list[dict[str, object]] = []
    for kind in kinds or KINDS:
        n = max(2000, rows // 20) if kind == "few rows" else rows
        menu = 4 * coupons if kind == "many coupons" else coupons
        for seed in seeds:
            records += [
                {"world": kind, "rows": n, "seed": seed, "hidden": hidden} | r
                for r in _one(kind, n, menu, seed, own, wanted, hidden)
            ]
            if out:
                out.write_text(json.dumps(records, indent=1))
        part = pd.DataFrame([r for r in records if r["world"] == kind])
        numbers = ["value", "spent", "at budget", "slope", "slope within", "error", "correlation", "seconds"]
        table = part.groupby(["package", "model"], sort=False)[numbers].mean().round(3)
        print(f"\n{kind}: {n:,} rows, {menu} coupons, {len(seeds)} worlds\n{table.to_string()}", flush=True)
    return records


def _one(
    kind: str, n: int, menu: int, seed: int, own: list[str], wanted: list[str], hidden: float = 1.0
) -> list[dict[str, object]]:
    world = cp.World.draw(n + _HELD, menu, seed, hidden=hidden)
    log = world.biased_log(n, seed) if kind == "confounded" else world.log(n, seed)
    plain = cp.Coupons(world.coupons.table.drop(columns=["stock", "minimum"], errors="ignore"))
    log = replace(log, coupons=plain)
    new = [menu - 1] if kind == "new coupon" else []
    if new:
        kept = log.take(log.arm < menu - 1)
        log = replace(kept, coupons=cp.Coupons(plain.table.iloc[: menu - 1]))
    ids = world.users_table(np.arange(n + _HELD))["user_id"].to_numpy()
    held = np.flatnonzero(~pd.Index(ids).isin(log.user_id))[:_HELD]  # np.isin of objects is quadratic
    users, truth = world.users_table(held), world.true_response(held)
    true, cost = (truth.measure(m).astype(float) for m in ("value", "cost"))
    budget = round(_BUDGET * float(cost[np.arange(len(held)), true.argmax(axis=1)].sum()), 2)

    def plan_of(value: np.ndarray, costs: np.ndarray) -> tuple[float, float]:
        response = cp.Response({"value": value.astype(np.float32), "cost": costs.astype(np.float32)})
        rules = (cp.Budget(amount=budget), cp.UserCap(coupons=1))
        solved = cp.solve(cp.Instance(plain, world.users(held), response, rules), gap=1e-4)
        worth = world.true_worth(solved.plan)
        return worth["value"], worth["cost"]

    def at_budget(value: np.ndarray, costs: np.ndarray) -> float:
        every, low, high = np.arange(len(held)), 0.0, 10.0
        for _ in range(60):
            price = (low + high) / 2
            score = value - price * costs
            best = score.argmax(axis=1)
            given = score[every, best] > 0
            spends = cost[every, best][given].sum() > budget
            low, high = (price, high) if spends else (low, price)
        return float(true[every, best][given].sum())

    best, _ = plan_of(true, cost)
    best_price = at_budget(true, cost)
    predicted: dict[tuple[str, str], tuple[np.ndarray, float]] = {}
    costs = None
    for name in own:
        start = time.perf_counter()
        model, _, base = name.partition(":")
        trained = cp.train(log, model, **({"base": base} if base else {}), seed=0)
        answer = trained.predict_response(users, plain, allow_new=bool(new))
        predicted["couponry", name] = answer.measure("value").astype(float), time.perf_counter() - start
        costs = answer.measure("cost").astype(float) if costs is None else costs
    encoder = FeatureEncoder().fit(log.features)
    x, xh = (encoder.encode(t).astype(float) for t in (log.features, users))
    for name, (package, fitted) in peers(menu - len(new)).items():
        if is_wanted(f"{package} {name}", wanted):
            start = time.perf_counter()
            effect = np.asarray(fitted(x, log.arm.astype(int) + 1, log.conversion, xh), float)
            if new:  # the others' mean is all that they can say
                effect = np.column_stack([effect, effect.mean(axis=1)])
            predicted[package, name] = effect, time.perf_counter() - start
    predicted["none", "means of coupons"] = np.tile(true.mean(axis=0), (len(held), 1)), 0.0
    by_features, own_costs = _by_features(world, encoder, held, menu)
    predicted["none", "truth by features"] = by_features, 0.0
    assert costs is not None
    found = []
    for (package, name), (effect, seconds) in predicted.items():
        used = own_costs if name == "truth by features" else costs
        plan = np.divide(plan_of(effect, used), (best, budget))
        found.append(
            {"package": package, "model": name, "seconds": seconds}
            | _judged(effect, true, new)
            | {"value": plan[0], "spent": plan[1], "at budget": at_budget(effect, used) / best_price}
        )
    return found


def _judged(effect: np.ndarray, true: np.ndarray, new: list[int]) -> dict[str, float]:
    """Return slope of true on predicted effects, over all and within coupons, error, correlation."""
    e, t = (effect[:, new], true[:, new]) if new else (effect, true)
    centred, rest = e - e.mean(axis=0), t - t.mean(axis=0)
    size = float(np.square(centred).sum())
    within = float((centred * rest).sum()) / size if size > 1e-12 else np.nan
    spread = float(np.square(effect - effect.mean()).sum())
    slope = float(((effect - effect.mean()) * (true - true.mean())).sum()) / max(spread, 1e-12)
    scale = float(np.sqrt(size * np.square(rest).sum()))
    return {
        "slope": slope,
        "slope within": within,
        "error": float(np.sqrt(np.square(e - t).mean())),
        "correlation": float((centred * rest).sum()) / scale if scale > 1e-12 else np.nan,
    }


def _by_features(
    world: cp.World, encoder: FeatureEncoder, held: np.ndarray, menu: int
) -> tuple[np.ndarray, np.ndarray]:
    """Regress true effects and costs of up to 100,000 other customers on their features, ``(n, J)`` each."""
    import lightgbm

    others = np.setdiff1d(np.arange(len(world)), held)[:100_000]
    x, xh = (encoder.encode(world.users_table(who)) for who in (others, held))
    truth = world.true_response(others)
    options = {
        "num_leaves": 31,
        "learning_rate": 0.1,
        "feature_fraction": 0.5,
        "num_threads": 1,
        "verbose": -1,
    }

    def regressed(measure: str) -> np.ndarray:
        told = truth.measure(measure).astype(float)
        fits = (lightgbm.train(options, lightgbm.Dataset(x, told[:, j]), 150) for j in range(menu))
        return np.column_stack([fit.predict(xh) for fit in fits])

    return regressed("value"), regressed("cost")
