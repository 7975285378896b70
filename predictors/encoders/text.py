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

from couponry.predictors.encoders.lists import some_rows
from couponry.predictors.encoders.terms import Terms
from couponry.predictors.state import State

__all__ = ["WORD", "TextEncoder"]

Floats = npt.NDArray[np.float32]

# Chinese, Japanese and Korean signs stand alone, pairs of them make words; others part words by spaces.
_SIGN = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_LEAST_SPREAD = 1e-4
WORD = rf"[^\W{_SIGN}]+|[{_SIGN}]"
"""What counts as a word, as a regular expression."""


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
    beside: ClassVar[str | None] = None

    def __init__(self, name: str, columns: int = 16, words: int = 5000, seed: int = 0) -> None:
        self.name = name
        self.columns = columns
        self.words = words
        self.seed = seed
        self.vocabulary: list[str] = []
        self.weights = np.zeros(0)
        self.directions = np.zeros((0, 0), dtype=np.float32)
        self.mean = self.scale = np.zeros(0, dtype=np.float32)
        self.gaps = False
        self._terms: Terms | None = None

    def fit(self, cells: pd.Series, beside: pd.Series | None = None) -> Self:
        """Learn the words, their weights and the directions in which texts differ most.

        At most 100,000 texts are read for that, evenly spread over the rows.
        """
        from sklearn.utils.extmath import randomized_svd

        cells, _ = some_rows(cells, None)
        vectoriser = self._vectoriser(min_df=min(5, max(1, len(cells) // 200)), max_features=self.words)
        try:
            weighted = vectoriser.fit_transform(_texts(cells))
        except ValueError:  # sklearn's word for texts without any word
            return self
        worded = weighted.getnnz(axis=1) > 0
        kept = min(self.columns, weighted.shape[1] - 1, int(worded.sum()) - 1)
        if kept < 1:
            return self
        directions = randomized_svd(weighted, kept, random_state=self.seed)[2].T
        plain = weighted[worded] @ directions
        spread = plain.std(axis=0)
        apart = spread > _LEAST_SPREAD  # below, texts differ by rounding alone
        self.vocabulary = [str(word) for word in vectoriser.get_feature_names_out()]
        self.weights = np.asarray(vectoriser.idf_, np.float64)
        self.directions = np.ascontiguousarray(directions[:, apart], dtype=np.float32)
        self.mean = plain.mean(axis=0)[apart].astype(np.float32)
        self.scale = spread[apart].astype(np.float32)
        self.gaps = not worded.all()
        return self

    def standard(self, cells: pd.Series, beside: pd.Series | None = None) -> Floats:
        """Return float32 ``(n, columns)`` with zero mean and unit spread in training, clipped at ±5.

        A text without a known word is all zeros, and marked in one more column where training had such.
        """
        if not self.vocabulary:
            return np.zeros((len(cells), 0), dtype=np.float32)
        weighted = self._weighted(cells)
        worded = weighted.getnnz(axis=1)[:, None] > 0
        scaled = np.clip((weighted @ self.directions - self.mean) / self.scale, -5, 5)
        blocks = [np.where(worded, scaled, 0.0), ~worded] if self.gaps else [np.where(worded, scaled, 0.0)]
        return np.hstack(blocks).astype(np.float32)

    raw = standard

    @property
    def names(self) -> list[str]:
        """Names of the columns of :meth:`standard`."""
        topics = [f"{self.name} topic {i + 1}" for i in range(len(self.scale))]
        return [*topics, f"{self.name} missing"] if self.gaps else topics

    def state(self) -> State:
        """Return what was learnt."""
        arrays: dict[str, npt.NDArray[Any]] = {"weights": self.weights, "directions": self.directions}
        facts = {"vocabulary": self.vocabulary, "gaps": self.gaps}
        return State(facts, arrays | {"mean": self.mean, "scale": self.scale})

    @classmethod
    def from_state(cls, name: str, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        encoder = cls(name)
        vars(encoder).update(state.facts)
        vars(encoder).update(state.arrays)
        return encoder

    def _weighted(self, cells: pd.Series) -> Any:
        """Return TF-IDF with logarithmic counts, every text of unit length."""
        if self._terms is None:
            self._terms = Terms(self.vocabulary, WORD)
        weighted = self._terms.count(_texts(cells))
        weighted.data = (1 + np.log(weighted.data)) * self.weights[weighted.indices].astype(np.float32)
        length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        weighted.data /= np.repeat(np.where(length > 0, length, 1), np.diff(weighted.indptr))
        return weighted

    @staticmethod
    def _vectoriser(**options: Any) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        return TfidfVectorizer(
            token_pattern=WORD, ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32, **options
        )


def _texts(cells: pd.Series) -> list[str]:
    plain = cells.to_numpy(object)
    return ["" if gap else str(text) for text, gap in zip(plain, cells.isna().to_numpy(), strict=True)]
