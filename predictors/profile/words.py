"""The words by which users' texts differ most, weighted by how rare they are (TF-IDF)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from couponry.predictors.encoders.text import WORD
from couponry.predictors.state import State

__all__ = ["WordWeights", "least_users"]


class WordWeights:
    """TF-IDF weights of a few words and pairs of words.

    Parameters
    ----------
    words : int
        Columns: those whose weights vary most between the users of training.

    Attributes
    ----------
    vocabulary : list of str
    weights : ndarray of float64, shape (words,)
        Inverse document frequencies.
    """

    def __init__(self, words: int = 32) -> None:
        self.words = words
        self.vocabulary: list[str] = []
        self.weights = np.zeros(0)

    def fit(self, documents: Sequence[str]) -> Self:
        """Learn words and weights from the texts of training users, one a user."""
        given = [text for text in documents if text.strip()]
        try:
            vectoriser = _vectoriser(min_df=least_users(len(given)), max_df=0.9)
            weighted = vectoriser.fit_transform(given)
        except ValueError:  # sklearn's word for texts without any word
            return self
        mean = np.asarray(weighted.mean(axis=0)).ravel()
        spread = np.asarray(weighted.power(2).mean(axis=0)).ravel() - mean**2
        names = vectoriser.get_feature_names_out()
        kept = sorted(np.lexsort((names, -np.round(spread, 12)))[: self.words])
        self.vocabulary = [str(names[i]) for i in kept]
        self.weights = np.asarray(vectoriser.idf_[kept], dtype=np.float64)
        return self

    def columns(self, documents: Sequence[str]) -> pd.DataFrame:
        """Return one column a word; a user who wrote nothing has gaps."""
        if not self.vocabulary:
            return pd.DataFrame(index=range(len(documents)))
        vectoriser = _vectoriser(vocabulary={word: i for i, word in enumerate(self.vocabulary)})
        vectoriser.idf_ = self.weights
        dense = vectoriser.transform(documents).toarray().astype(np.float64)
        dense[[not text.strip() for text in documents]] = np.nan
        return pd.DataFrame(dense, columns=[f"word {word}" for word in self.vocabulary])

    def state(self) -> State:
        """Return what was learnt."""
        return State({"vocabulary": self.vocabulary}, {"weights": self.weights})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        own = cls(len(state.facts["vocabulary"]))
        own.vocabulary, own.weights = list(state.facts["vocabulary"]), state.arrays["weights"]
        return own


def least_users(users: int) -> int:
    """Return how many users must have used a word for it to count."""
    return min(5, max(1, users // 100))


def _vectoriser(**options: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(token_pattern=WORD, ngram_range=(1, 2), sublinear_tf=True, **options)
