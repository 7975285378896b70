"""Free text."""

import numpy as np
import pandas as pd

from couponry.predictors.encoders.text import TextEncoder

TOYS = ["great toys for the kids", "the kids love these toys", "toys broke but kids laughed"] * 10
TOOLS = ["a solid drill and saw", "the drill is loud", "saw and drill for the workshop"] * 10


def nearest(encoder, text):
    """Whether a text lies nearer to the toys' texts than to the tools'."""
    vector = encoder.standard(pd.Series([text]))[0]
    toys, tools = (
        encoder.standard(pd.Series(TOYS)).mean(axis=0),
        encoder.standard(pd.Series(TOOLS)).mean(axis=0),
    )
    return "toys" if vector @ toys > vector @ tools else "tools"


def test_texts_of_one_subject_lie_together():
    """Texts are told apart by their words."""
    encoder = TextEncoder("review", columns=4).fit(pd.Series(TOYS + TOOLS))
    assert nearest(encoder, "new toys for our kids") == "toys"
    assert nearest(encoder, "this drill, that saw") == "tools"


def test_chinese_is_read_by_signs():
    """Words that no space parts are found as pairs of signs."""
    encoder = TextEncoder("评价", columns=2).fit(pd.Series(["优惠券很好用", "物流太慢了"] * 20))
    assert "优 惠" in encoder.vocabulary
    good, slow = encoder.standard(pd.Series(["优惠券好", "物流慢"]))
    assert np.abs(good - slow).max() > 1


def test_gaps_and_unknown_words_are_average_and_marked():
    """Nothing is known of them; the mark stands in a column of its own where training had such texts."""
    encoder = TextEncoder("review", columns=4).fit(pd.Series([*TOYS, *TOOLS, "", None]))
    found = encoder.standard(pd.Series([None, "", "xyzzy", TOYS[0]]))
    assert encoder.names[-1] == "review missing"
    assert (found[:3, :-1] == 0).all()
    assert found[:, -1].tolist() == [1, 1, 1, 0]


def test_texts_that_are_all_alike_have_no_columns():
    """What differs by rounding alone is not blown up to unit spread."""
    encoder = TextEncoder("review", columns=4).fit(pd.Series(["good toys for us"] * 30))
    assert encoder.standard(pd.Series(["good toys for us", "bad toys"])).shape == (2, 0)


def test_texts_without_words_have_no_columns():
    """An empty column, or one of signs without letters, adds nothing."""
    encoder = TextEncoder("review").fit(pd.Series(["", None, "!!"]))
    assert encoder.standard(pd.Series(["words after all"])).shape == (1, 0)
    assert encoder.names == []


def test_columns_have_unit_spread():
    """No column outweighs the others."""
    cells = pd.Series(TOYS + TOOLS)
    encoder = TextEncoder("review", columns=4).fit(cells)
    found = encoder.standard(cells)
    assert np.allclose(found.mean(axis=0), 0.0, atol=1e-3)
    assert np.allclose(found.std(axis=0), 1.0, atol=1e-3)
    assert len(encoder.names) == found.shape[1]


def test_state_and_back():
    """Vocabulary, weights and directions are all that is needed."""
    cells = pd.Series(TOYS + TOOLS)
    encoder = TextEncoder("review", columns=4).fit(cells)
    again = TextEncoder.from_state("review", encoder.state())
    assert (again.standard(cells) == encoder.standard(cells)).all()
