"""What users did after an exposure, counted by hand."""

import numpy as np
import pandas as pd
import pytest
from tests.predictors.evaluate.test_policy import four_rows

from couponry.instances.errors import InputError
from couponry.predictors.evaluate.followed import follow_up

SENT = pd.Timestamp("2026-11-01 08:00")
# a: before, in the window and after it; b: twice in the window; c: too late; d: nothing; e is not in the log.
PURCHASES = pd.DataFrame(
    {
        "user_id": ["a", "a", "a", "b", "b", "c", "e"],
        "time": [
            "2026-10-30",
            "2026-11-03",
            "2026-11-20",
            "2026-11-02",
            "2026-11-04",
            "2027-01-01",
            "2026-11-02",
        ],
    }
)


def test_purchases_by_hand():
    """Purchases before the exposure and after the end do not count."""
    found = follow_up(four_rows(), purchases=PURCHASES, sent=SENT, window="7D", until="30D")
    assert found.bought.tolist() == [1, 1, 0, 0]
    assert found.bought_again.tolist() == [1, 1, 0, 0]
    assert found.returned.tolist() == [1, 0, 0, 0]
    assert found.clicked is None


def test_each_row_has_its_own_time():
    """For a, sent on the 10th, only the purchase of the 20th counts, and it is after seven days."""
    sent = ["2026-11-10", "2026-11-03", "2026-11-01", "2026-11-01"]
    found = follow_up(four_rows(), purchases=PURCHASES, sent=sent)
    assert found.bought.tolist() == [1, 1, 0, 0]
    assert found.bought_again.tolist() == [0, 0, 0, 0]
    assert found.returned.tolist() == [1, 0, 0, 0]


def test_clicks_alone():
    """They are taken as they are, and nothing is known of purchases."""
    found = follow_up(four_rows(), clicked=[True, False, True, False])
    assert found.clicked.tolist() == [1, 0, 1, 0]
    assert found.bought is found.bought_again is found.returned is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"clicked": [1, 0]}, r"clicked has shape \(2,\), not \(4,\)"),
        ({"clicked": [0, 2, 0, 0]}, r"row 1, column 'clicked': clicked must be 0 or 1 \(got 2"),
        ({"purchases": PURCHASES}, "when the exposures took place is not said"),
        ({"purchases": PURCHASES, "sent": [SENT] * 3}, "sent has 3 rows and the log 4"),
        ({"purchases": PURCHASES[["time"]], "sent": SENT}, "column 'user_id': the purchases lack a column"),
        ({"purchases": PURCHASES, "sent": SENT, "window": "30D"}, "window must end before"),
        (
            {"purchases": PURCHASES, "sent": SENT, "window": "abc"},
            r"parameter 'window': not a length of time \(got 'abc'\)\. Give such as 7D",
        ),
        (
            {"purchases": PURCHASES, "sent": SENT, "until": [30]},
            r"parameter 'until': not a length of time \(got \[30\]\)",
        ),
        (
            {"purchases": PURCHASES.assign(time=["x", *PURCHASES["time"][1:]]), "sent": SENT},
            r"row 0, column 'time': not a time \(got 'x'\)",
        ),
    ],
)
def test_what_cannot_be_counted_is_refused(given, words):
    """Other lengths, no times, a window that ends late."""
    with pytest.raises(InputError, match=words):
        follow_up(four_rows(), **given)


def test_nobody_bought():
    """An empty table of purchases is one without events."""
    found = follow_up(four_rows(), purchases=PURCHASES.iloc[:0], sent=SENT)
    assert np.concatenate([found.bought, found.bought_again, found.returned]).tolist() == [0] * 12
