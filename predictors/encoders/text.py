"""Free text: weighted words, turned to a few dense columns (latent semantic analysis).

References
----------
.. [1] Deerwester, S., Dumais, S. T., Furnas, G. W., Landauer, T. K., & Harshman, R. (1990). Indexing by
   latent semantic analysis. Journal of the American Society for Information Science, 41(6), 391-407.
   https://doi.org/10.1002/(SICI)1097-4571(199009)41:6<391::AID-ASI1>3.0.CO;2-9
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.predictors.state import State

__all__ = ["TextEncoder"]

Floats = npt.NDArray[np.float32]

# Chinese, Japanese and Korean signs stand alone, pairs of them make words; others part words by spaces.
_SIGN = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = rf"[{_SIGN}]|(?:(?![{_SIGN}])\w)+"


class TextEncoder:
    """TF-IDF of words and pairs of words, then truncated singular value decomposition [1]_.

    Parameters
    ----------
    name : str
    columns : int
        Dense columns kept.
    words : int
        Words and pairs kept, most frequent first.
    seed : int
        Of the decomposition.
    """

    kind: ClassVar[str] = "text"
    categorical: ClassVar[bool] = False

    def __init__(self, name: str, columns: int = 16, words: int = 5000, seed: int = 0) -> None:
        self.name = name
        self.columns = columns
        self.words = words
        self.seed = seed

    def fit(self, cells: pd.Series) -> Self:
        """Learn the words, their weights and the directions in which texts differ most."""
        from sklearn.decomposition import TruncatedSVD

        vectoriser = self._vectoriser(min_df=min(5, max(1, len(cells) // 200)), max_features=self.words)
        self.vocabulary: list[str] = []
        self.weights = np.zeros(0)
        self.directions = np.zeros((0, 0), dtype=np.float32)
        self.scale = np.ones(0, dtype=np.float32)
        try:
            weighted = vectoriser.fit_transform(_texts(cells))
        except ValueError:  # sklearn's word for texts without any word
            return self
        kept = min(self.columns, weighted.shape[1] - 1, weighted.shape[0] - 1)
        if kept < 1:
            return self
        decomposition = TruncatedSVD(kept, random_state=self.seed).fit(weighted)
        self.vocabulary = vectoriser.get_feature_names_out().tolist()
        self.weights = np.asarray(vectoriser.idf_, np.float64)
        self.directions = decomposition.components_.T.astype(np.float32)
        spread = (weighted @ self.directions).std(axis=0)
        self.scale = np.where(spread > 0, spread, 1.0).astype(np.float32)
        self._ready = None
        return self

    def standard(self, cells: pd.Series) -> Floats:
        """Return float32 ``(n, columns)`` of unit spread; a text without a known word is all zeros."""
        if not self.vocabulary:
            return np.zeros((len(cells), 0), dtype=np.float32)
        return np.asarray(self._fitted().transform(_texts(cells)) @ self.directions / self.scale, np.float32)

    raw = standard

    @property
    def names(self) -> list[str]:
        """Names of the columns of :meth:`standard`."""
        return [f"{self.name} topic {i + 1}" for i in range(len(self.scale))]

    def state(self) -> State:
        """Return what was learnt."""
        arrays: dict[str, npt.NDArray[Any]] = {"weights": self.weights, "directions": self.directions}
        return State({"vocabulary": self.vocabulary}, arrays | {"scale": self.scale})

    @classmethod
    def from_state(cls, name: str, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        encoder = cls(name)
        encoder.vocabulary = list(state.facts["vocabulary"])
        vars(encoder).update(state.arrays)
        return encoder

    _ready: Any = None

    def _fitted(self) -> Any:
        if self._ready is None:
            self._ready = self._vectoriser(vocabulary={word: i for i, word in enumerate(self.vocabulary)})
            self._ready.idf_ = self.weights
        return self._ready

    @staticmethod
    def _vectoriser(**options: Any) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        return TfidfVectorizer(
            token_pattern=_WORD, ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32, **options
        )


def _texts(cells: pd.Series) -> list[str]:
    return ["" if gap else str(text) for text, gap in zip(cells, cells.isna(), strict=True)]
