"""Records to tables: means over splits, and splits won, paired."""

from __future__ import annotations

import pandas as pd

KEY = ["arms", "outcome", "metric"]


def means(records: list[dict[str, object]]) -> str:
    """Return one table: a row a model, a column a measure, mean ± spread between splits."""
    frame = pd.DataFrame(records)
    parts = []
    for (arms, outcome), part in frame.groupby(["arms", "outcome"], sort=False):
        seconds = part.groupby(["package", "model"], sort=False)["seconds"].mean()
        cells = part.groupby(["package", "model", "metric"], sort=False)["value"].agg(["mean", "std"])
        text = cells.apply(lambda c: f"{c['mean']:.4f} ± {0 if pd.isna(c['std']) else c['std']:.4f}", axis=1)
        wide = text.unstack("metric")[list(dict.fromkeys(part["metric"]))]
        wide["seconds"] = seconds.round(2)
        parts.append(f"\n{arms} arms, {outcome}, {part['seed'].nunique()} splits\n{wide.to_string()}")
    return "\n".join(parts)


def wins(records: list[dict[str, object]], ours: str = "couponry") -> str:
    """Return, for each of our models, measure and peer, the splits won and the mean difference ± error."""
    frame = pd.DataFrame(records)
    lines = []
    for key, part in frame.groupby(KEY, sort=False):
        wide = part.pivot_table(index="seed", columns=["package", "model"], values="value")
        for own in [c for c in wide.columns if c[0] == ours]:
            for peer in [c for c in wide.columns if c[0] != ours]:
                difference = (wide[own] - wide[peer]).dropna()
                if len(difference):
                    error = difference.std() / len(difference) ** 0.5
                    won = f"{(difference > 0).sum()}/{len(difference)}"
                    apart = f"{difference.mean():+.4f}" + ("" if pd.isna(error) else f" ± {error:.4f}")
                    lines.append([*key, own[1], f"{peer[0]} {peer[1]}", won, apart])
    columns = [*KEY, "ours", "against", "splits won", "difference"]
    return pd.DataFrame(lines, columns=columns).to_string(index=False) if lines else "no peers"
