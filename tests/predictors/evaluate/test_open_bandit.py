"""Off-policy values on Open Bandit: from one policy's log to what the other policy's log shows."""

import numpy as np
import pytest
from tests.instances.loaders.data import public

from couponry.instances.loaders.open_bandit import read_open_bandit
from couponry.predictors.evaluate.outcome_model import cross_fitted_outcome
from couponry.predictors.evaluate.policy import policy_value

pytestmark = [pytest.mark.data, pytest.mark.slow]

# Which log is judged from -> which policy's own log tells the truth.
OTHER = {"random": "bts", "bts": "random"}


def item_shares(log, source):
    """Return the policy of ``source`` at the rows of ``log``: its shares of items at each position."""
    chances = np.zeros((log.n, len(log.coupons) + 1))
    for position in (1, 2, 3):
        shown = source.arm[source.features["position"].to_numpy() == position]
        shares = np.bincount(shown + 1, minlength=chances.shape[1]) / len(shown)
        chances[log.features["position"].to_numpy() == position] = shares
    return chances


@pytest.fixture(scope="module")
def logs():
    """Both logs, over the same menu of 34 items."""
    menu = public("open_bandit_men_item_context.csv")
    return {
        name: read_open_bandit(public(f"open_bandit_{name}_men.csv.gz"), item_context=menu) for name in OTHER
    }


@pytest.fixture(scope="module")
def policies(logs):
    """The policy to judge at the rows of each log: Thompson's item shares, or all items alike."""
    uniform = np.full((logs["bts"].n, 35), 1 / 34)
    uniform[:, 0] = 0
    return {"random": item_shares(logs["random"], logs["bts"]), "bts": uniform}


@pytest.fixture(scope="module")
def models(logs):
    """Cross-fitted outcome models, one a log."""
    return {name: cross_fitted_outcome(log, log.conversion, np.arange(log.n)) for name, log in logs.items()}


@pytest.mark.parametrize("name", OTHER)
@pytest.mark.parametrize("method", ["ips", "snips", "dr", "switch-dr"])
def test_the_other_policys_clicks_are_met(logs, policies, models, name, method):
    """The estimate and the other log's own click rate differ by less than chance explains, at 95 %."""
    truth = logs[OTHER[name]].conversion
    found = policy_value(logs[name], policies[name], method=method, outcome_model=models[name])
    error = np.hypot(found.standard_error, truth.std() / np.sqrt(len(truth)))
    assert abs(found.value - truth.mean()) < 1.96 * error
    assert error < 0.4 * truth.mean()  # the interval is narrow enough to say something


def test_uneven_propensities_leave_fewer_rows_that_count(logs, policies):
    """10,000 rows drawn alike judge Thompson's policy by 2,900 rows, and his judge the uniform one by 660."""
    sizes = {
        name: policy_value(logs[name], policies[name], method="ips").effective_sample_size for name in OTHER
    }
    assert sizes["random"] == pytest.approx(2869, rel=0.01)
    assert sizes["bts"] == pytest.approx(656, rel=0.01)
