"""All that a user wrote, as one text."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

__all__ = ["documents_of"]


def documents_of(texts: pd.DataFrame | None, users: Sequence[str]) -> list[str]:
    """Return one text a user, empty for whom there is none.

    Parameters
    ----------
    texts : DataFrame or None
        ``user_id, text``.
    users : sequence of str
    """
    if texts is None:
        return [""] * len(users)
    written = texts.dropna(subset=["text"])
    joined = written["text"].astype(str).groupby(written["user_id"]).agg("\n".join)
    found: list[str] = joined.reindex(list(users)).fillna("").astype(str).tolist()
    return found
