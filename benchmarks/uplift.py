"""Compare couponry's models on the Hillstrom e-mails, over several splits.

    python benchmarks/uplift.py ../shared/data/hillstrom.csv.gz --seeds 0 1 2 3 4

Nothing is tuned. For each split (70 % train, 30 % held out) and model: Qini of either e-mail against none,
and the held-out visits a customer when the 30 % of largest predicted uplift are written to (self-normalised
inverse propensity), beside lots and beside the men's e-mail to the first 30 %. Printed are means over splits
and the spread between them (standard deviation); differences between policies are paired by split, and the
splits in which they are above zero are counted.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import pandas as pd

import couponry as cp

MODELS = {
    "network": {"model": "network"},
    **{
        f"{m}, {base}": {"model": m, "base": base}
        for base in ("lightgbm", "sklearn")
        for m in ("s", "t", "x", "dr")
    },
}
UPLIFT, RANDOM, FIRST = "top 30% by predicted uplift", "random 30%, random coupon", "'mens' to the first 30%"


def figures(train: cp.Log, held: cp.Log, options: dict[str, str], seed: int) -> dict[str, Any]:
    """Return one model's figures on one split."""
    start = time.perf_counter()
    model = cp.train(train, **options, seed=seed)
    seconds = time.perf_counter() - start
    evaluation = cp.evaluate_model(model, held, share=0.3)
    qini = evaluation.coupons.set_index("coupon_id")["qini"]
    visits = evaluation.policies.set_index("policy")["snips"]
    return {
        "qini mens": qini["mens"],
        "qini womens": qini["womens"],
        "visits": visits[UPLIFT],
        "over random": visits[UPLIFT] - visits[RANDOM],
        "over mens first": visits[UPLIFT] - visits[FIRST],
        "seconds": seconds,
    }


def main() -> None:
    """Run all models on all splits, print one table."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("data", type=Path)
    asked.add_argument("--outcome", choices=("visit", "conversion"), default="visit")
    asked.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    asked.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    given = asked.parse_args()
    log = cp.read_hillstrom(given.data, outcome=given.outcome)
    found = []
    for seed in given.seeds:
        train, held = log.split(0.3, seed)
        found += [{"model": name} | figures(train, held, MODELS[name], seed) for name in given.models]
    rows = pd.DataFrame(found)
    groups = rows.groupby("model", sort=False)
    mean, spread = groups.mean(), groups.std()
    won = (rows[["over random", "over mens first"]] > 0).groupby(rows["model"], sort=False).sum()
    for name in mean.columns.drop("seconds"):
        mean[name] = [f"{m:.4f} ± {s:.4f}" for m, s in zip(mean[name], spread[name], strict=True)]
    mean["splits won"] = [f"{a} and {b} of {len(given.seeds)}" for a, b in won.to_numpy()]
    print(mean.sort_values("visits", ascending=False).to_string(float_format="%.1f"))


if __name__ == "__main__":
    main()
