"""What the terminal shows of an evaluation."""

import pandas as pd
import pytest

from couponry.cli.evaluation import print_chosen
from couponry.cli.evaluation_tables import print_ranking
from couponry.predictors.evaluate import Evaluation

SCORES = {"qini": 0.12, "auuc": 0.23, "qini_causalml": 18.84, "auuc_causalml": 19.42, "aucc": 20.23}


def shown(observed: float) -> Evaluation:
    """Return the evaluation of one coupon with such an effect on all, known to ± .01."""
    coupon = {"coupon_id": "tea", "observed": observed, "standard_error": 0.01}
    ranking = {"coupon_id": "tea", "rank_by": "predicted uplift", "uplift_at_share": 0.3} | SCORES
    return Evaluation(
        rows=100,
        share=0.3,
        coupons=pd.DataFrame([coupon]),
        deciles=pd.DataFrame(),
        response=pd.DataFrame(),
        response_error=0.0,
        policies=pd.DataFrame(),
        ranking=pd.DataFrame([ranking]),
    )


def test_areas_are_not_divided_by_an_effect_that_may_be_nought(capsys: pytest.CaptureFixture[str]) -> None:
    """AUCC and causalml's figures would be of any size; the others do not depend on it."""
    print_ranking(shown(0.019))
    out = capsys.readouterr().out
    assert "may be 0" in out
    assert all(figure in out for figure in ("0.12", "0.23", "30.0 %"))
    assert not any(figure in out for figure in ("18.84", "19.42", "20.23"))
    print_ranking(shown(-0.021))
    out = capsys.readouterr().out
    assert "may be 0" not in out
    assert all(figure in out for figure in ("18.84", "19.42", "20.23"))


def test_what_nobody_was_given_has_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A coupon that the log gave to none of the plan's users shows a dash, and no error of it."""
    nan = float("nan")
    figures = {"predicted": 0.1, "realised": nan, "standard_error": nan, "cost_predicted": 2.0}
    cost = {"cost_realised": nan, "cost_standard_error": nan}
    row = {"by": "coupon", "group": "tea", "pairs": 3, "given": 0} | figures | cost
    print_chosen(pd.DataFrame([row]))
    assert "– ±" not in capsys.readouterr().out
