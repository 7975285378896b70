"""What users write about, as shares of a few topics (latent Dirichlet allocation).

References
----------
.. [1] Blei, D. M., Ng, A. Y., & Jordan, M. I. (2003). Latent Dirichlet allocation. Journal of Machine
   Learning Research, 3, 993-1022. https://doi.org/10.5555/944919.944937
.. [2] Hoffman, M., Bach, F., & Blei, D. (2010). Online learning for latent Dirichlet allocation. Advances in
   Neural Information Processing Systems, 23.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from couponry.instances.errors import require_extra
from couponry.predictors.encoders.text import WORD
from couponry.predictors.profile.words import least_users
from couponry.predictors.state import State

__all__ = ["Topics"]

_NAMED = 3


class Topics:
    """Latent Dirichlet allocation [1]_ by variational Bayes [2]_.

    Parameters
    ----------
    topics : int
    words : int
        Words that count, most frequent first.
    seed : int

    Attributes
    ----------
    vocabulary : list of str
    components : ndarray of float64, shape (topics, words)
        Pseudo-counts of every word in every topic.
    """

    def __init__(self, topics: int = 8, words: int = 2000, seed: int = 0) -> None:
        self.topics = topics
        self.words = words
        self.seed = seed
        self.vocabulary: list[str] = []
        self.components: npt.NDArray[np.float64] = np.zeros((0, 0))

    def fit(self, documents: Sequence[str]) -> Self:
        """Learn topics from the texts of training users, one a user."""
        given = [text for text in documents if text.strip()]
        if len(given) < self.topics:
            return self
        try:
            counter = _counter(min_df=least_users(len(given)), max_df=0.9, max_features=self.words)
            counts = counter.fit_transform(given)
        except ValueError:  # sklearn's word for texts without any word
            return self
        self.vocabulary = [str(word) for word in counter.get_feature_names_out()]
        self.components = self._allocation().fit(counts).components_
        return self

    def columns(self, documents: Sequence[str]) -> pd.DataFrame:
        """Return one column a topic, adding up to 1; a user without a known word has gaps."""
        if not self.vocabulary:
            return pd.DataFrame(index=range(len(documents)))
        counts = _counter(vocabulary={word: i for i, word in enumerate(self.vocabulary)}).transform(documents)
        shares = self._fitted().transform(counts)
        shares[counts.getnnz(axis=1) == 0] = np.nan
        return pd.DataFrame(shares, columns=self.names)

    @property
    def names(self) -> list[str]:
        """Names of the columns, each with its topic's chief words."""
        chief = np.argsort(-self.components, axis=1, kind="stable")[:, :_NAMED]
        words = [" ".join(self.vocabulary[i] for i in row) for row in chief]
        return [f"topic {k + 1} ({named})" for k, named in enumerate(words)]

    def state(self) -> State:
        """Return what was learnt."""
        facts = {"topics": self.topics, "vocabulary": self.vocabulary}
        return State(facts, {"components": self.components})

    @classmethod
    def from_state(cls, state: State) -> Self:
        """Take back what :meth:`state` gave."""
        own = cls(state.facts["topics"])
        own.vocabulary, own.components = list(state.facts["vocabulary"]), state.arrays["components"]
        return own

    def _allocation(self) -> Any:
        from sklearn.decomposition import LatentDirichletAllocation

        return LatentDirichletAllocation(self.topics, max_iter=20, random_state=self.seed)

    def _fitted(self) -> Any:
        """Return the allocation with the topics that were learnt and all that follows from them."""
        digamma = require_extra("scipy.special", "predict").digamma
        allocation = self._allocation()
        allocation.components_ = self.components
        total = self.components.sum(axis=1, keepdims=True)
        allocation.exp_dirichlet_component_ = np.exp(digamma(self.components) - digamma(total))
        allocation.doc_topic_prior_ = 1 / self.topics
        return allocation


def _counter(**options: Any) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(token_pattern=WORD, **options)
