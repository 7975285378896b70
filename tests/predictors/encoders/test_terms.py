"""Terms counted in many texts at once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from couponry.predictors.encoders.terms import Terms
from couponry.predictors.encoders.text import WORD

WORDS = st.sampled_from(
    ["red", "Red", "blue", "a", "券", "很", "_x1", "don't", "\n", "\x00", "!", "naïve", ""]
)
TEXTS = st.lists(st.lists(WORDS, max_size=8).map(" ".join), min_size=1, max_size=6)


@given(texts=TEXTS, kept=st.lists(st.integers(0, 40), max_size=12))
def test_counts_are_scikit_learns(texts: list[str], kept: list[int]) -> None:
    """Of words and pairs alike, for any part of the vocabulary; also where nothing of it is in the texts."""
    counter = CountVectorizer(token_pattern=WORD, ngram_range=(1, 2))
    # A break between texts is one between words, for scikit-learn too.
    plain = [text.replace("\x00", " ") for text in texts]
    try:
        whole = counter.fit([*plain, "red blue"]).get_feature_names_out()
    except ValueError:
        return
    terms = sorted({str(whole[i % len(whole)]) for i in kept})
    if not terms:
        return
    own = CountVectorizer(token_pattern=WORD, ngram_range=(1, 2), vocabulary=terms)
    assert np.array_equal(Terms(terms, WORD).count(texts).toarray(), own.transform(plain).toarray())


def test_pairs_by_hand() -> None:
    """A pair is two words that follow one another in one text."""
    counts = Terms(["big", "big dog", "dog big"], WORD).count(["Big dog, big DOG!", "dog", "big"])
    assert counts.toarray().tolist() == [[2, 2, 1], [0, 0, 0], [1, 0, 0]]
