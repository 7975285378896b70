"""Logs that response cannot be learnt from."""

from dataclasses import replace

import numpy as np
import pytest
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import InputError
from couponry.predictors.log_checks import check_log, doubts, fingerprint


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


def test_a_log_of_hardly_any_users_is_refused(log):
    """Folds are made of users: one user would leave a fold without rows to learn from."""
    one = replace(log, user_id=np.full(200, "same", dtype=object))
    with pytest.raises(InputError, match=r"'user_id': the log has 1 user; folds .* at least 10 are needed"):
        check_log(one, 1)


def test_rows_of_a_part_are_told_beside_those_of_the_whole(log):
    """The figures are those of the log that was given, and of what is left of it."""
    part = log.take(np.arange(100))
    whole, left = ((some.arm == -1).sum() for some in (log, part))
    words = f"the log has {whole} rows of this arm, {left} of them among those to learn from; at least 50"
    with pytest.raises(InputError, match=words):
        check_log(part, 50)


def test_a_good_log_leaves_no_doubt(log):
    """Nor do users who got the same coupon again and again without buying."""
    assert doubts(log) == []
    often = log.take(np.repeat(np.arange(200), 3))
    bought = often.conversion * (np.arange(600) % 3 == 0)
    assert doubts(replace(often, conversion=bought, revenue=often.revenue * bought)) == []


def test_contradictions_are_told_with_their_first_row(log):
    """Clicks without a coupon, clicks that tell the contrary, rows that stand there twice, no costs."""
    coupon = log.arm != -1
    opened = replace(log, click=np.where(coupon, log.conversion, 1.0))
    row = int(np.flatnonzero(~coupon)[0])
    (found,) = doubts(opened)
    assert f"{(~coupon).sum()} of 200 rows have a click without a coupon" in found
    assert f"(the first: row {row})" in found
    (found,) = doubts(replace(log, click=np.where(coupon, 1 - log.conversion, np.nan)))
    assert "users who did not open their coupon (click 0) converted more often, 100.00%" in found
    assert doubts(replace(log, click=np.where(coupon, log.conversion, np.nan))) == []
    (found,) = doubts(log.take(np.tile(np.arange(200), 2)))
    assert "200 of 400 rows repeat an earlier one in user, arm, conversion and revenue" in found
    timed = replace(log, given_at=np.full(200, "2024-05-01", "datetime64[us]"))
    (found,) = doubts(timed.take(np.append(np.arange(200), 7)))
    assert "1 of 201 rows repeat an earlier one in user, arm, time, conversion" in found
    part = timed.take(np.append(np.arange(200), 7)).take(np.arange(100, 201))
    assert doubts(part) == []
    (found,) = doubts(opened.take(np.arange(row, 100)))
    assert f"of the {100 - row} rows to learn from have a click" in found
    assert f"(the first: row {row})" in found
    (found,) = doubts(replace(log, cost=np.zeros(200)))
    assert "no row has a cost" in found


def test_parts_of_a_conversion_are_told(log):
    """With the first, and where amounts belong."""
    conversion = np.where(np.arange(log.n) == 7, 0.37, log.conversion)
    (found,) = doubts(replace(log, conversion=conversion))
    assert found.startswith(
        "1 of 200 rows have a conversion that is neither 0 nor 1 (the first: 0.37 in row 7)"
    )


def test_lists_of_several_types_have_no_fingerprint(log):
    """They are refused by row and column, not in arrow's words; gaps and other lists are not to blame."""
    cells = [None, [], ["cart"], ["view", 3]] * (log.n // 4)
    mixed = replace(log, features=log.features.assign(seen=cells))
    words = r"row 3, column 'seen': the column holds what cannot be stored together, .* \(got \['view', 3\]\)"
    with pytest.raises(InputError, match=words):
        fingerprint(mixed)
