"""Logs that response cannot be learnt from."""

from dataclasses import replace

import numpy as np
import pytest
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError
from couponry.predictors.log_checks import check_log, fingerprint


@pytest.fixture(scope="module")
def log():
    """Two hundred rows of four arms."""
    return SmallWorld.draw(200, 0).log(0)


def test_a_good_log_passes(log):
    """Nothing is raised."""
    check_log(log, 20)


@pytest.mark.parametrize(
    ("arm", "words"),
    [
        (2, r"the log never gave coupon 'twenty', .*\(got 'twenty'\). Take it off the menu"),
        (-1, r"the log has no rows without a coupon, .*\(got 'none'\). Keep a control group"),
    ],
)
def test_an_arm_never_given_is_named(log, arm, words):
    """A coupon of the menu without rows, or no rows without a coupon."""
    other = 0 if arm != 0 else 1
    changed = np.where(log.arm == arm, other, log.arm).astype(np.int32)
    with pytest.raises(InputError, match=words):
        check_log(replace(log, arm=changed, cost=np.zeros(200)), 1)


def test_too_few_rows_of_an_arm(log):
    """The message has both numbers."""
    with pytest.raises(
        InputError, match=r"column 'arm': the log has \d+ rows of this arm; at least 100 are needed"
    ):
        check_log(log, 100)


def test_costs_that_cannot_be(log):
    """A negative cost, and a cost without a coupon, are refused with their row."""
    with pytest.raises(InputError, match=r"row 3, column 'cost': a coupon cannot cost less .*\(got -1.0\)"):
        check_log(replace(log, cost=np.where(np.arange(200) == 3, -1.0, log.cost)), 1)
    row = int(np.flatnonzero(log.arm == -1)[0])
    with pytest.raises(InputError, match=f"row {row}, column 'cost': a row without a coupon has a cost"):
        check_log(replace(log, cost=np.where(np.arange(200) == row, 2.0, log.cost)), 1)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_log_without_response(log, value):
    """Where nobody or everybody converts there is nothing to learn."""
    with pytest.raises(InputError, match=r"every row has the same conversion"):
        check_log(replace(log, conversion=np.full(200, value)), 1)


def test_fingerprint_knows_every_part(log):
    """The same log has the same fingerprint; another outcome, feature or menu another one."""
    print_ = fingerprint(log)
    assert print_ == fingerprint(replace(log))
    others = [
        replace(log, conversion=1 - log.conversion),
        replace(log, features=log.features.assign(age=log.features["age"] + 1e-9)),
        replace(log, propensity=None),
    ]
    assert len({print_, *map(fingerprint, others)}) == 4
