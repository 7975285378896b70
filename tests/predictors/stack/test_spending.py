"""What a conversion costs, user by coupon."""

import numpy as np

from couponry.predictors.learner import TrainingRows
from couponry.predictors.stack import spending
from couponry.predictors.stack.spending import Spending

FACE = np.array([5.0, 10.0, 15.0, 20.0])


def rows(n: int, slope: float, seed: int = 0):
    """Return rows of four coupons, and the true cost of a conversion; who redeems differs by ``slope``."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)).astype(np.float32)
    arm = rng.integers(-1, 4, n).astype(np.int32)
    y = (rng.random(n) < 0.4).astype(float)
    use = 1 / (1 + np.exp(-slope * x[:, :1] * np.array([-1.0, -1.0, 1.0, 1.0])))
    redeemed = y * (rng.random(n) < use[np.arange(n), np.maximum(arm, 0)])
    cost = np.where(arm >= 0, FACE[np.maximum(arm, 0)] * redeemed, 0.0)
    nothing, menu = np.zeros(n), np.zeros((4, 0), np.float32)
    return TrainingRows(x, (), menu, arm, y, cost, nothing, np.full(n, 0.2), np.arange(n)), FACE * use


def test_who_redeems_which_coupon_is_found():
    """The shared model would say half for everybody; also after writing and reading."""
    log, truth = rows(20_000, 1.5)
    model = Spending().fit(log, np.arange(20_000) % 3)
    sure = np.ones((20_000, 5))
    told = model.predict(log.x, sure, np.arange(4), log.coupons, log.coupons)[:, 1:]
    usual = model.shared.predict(log.x, sure, np.arange(4), log.coupons, log.coupons)[:, 1:]
    assert np.square(told - truth).mean() < np.square(usual - truth).mean() / 4
    again = Spending.from_state(model.state())
    assert np.array_equal(again.predict(log.x, sure, np.arange(4), log.coupons, log.coupons)[:, 1:], told)
    ratio = model.ratio(log.x, np.arange(4), log.coupons)
    assert np.corrcoef(ratio[:, 3], truth[:, 3])[0, 1] > 0.9


def test_who_redeems_where_two_features_meet_is_found_by_trees():
    """Redeemed where both features are high and else rarely; also after writing and reading."""
    log, _ = rows(20_000, 0.0)
    meets = (log.x[:, 0] > 0.3) & (log.x[:, 1] > 0.3)
    use = np.where(meets[:, None], 0.9, np.array([0.1, 0.1, 0.2, 0.2]))
    redeemed = np.random.default_rng(1).random(20_000) < use[np.arange(20_000), np.maximum(log.arm, 0)]
    cost = np.where(log.arm >= 0, FACE[np.maximum(log.arm, 0)] * redeemed * log.conversion, 0.0)
    log = TrainingRows(**(log.__dict__ | {"cost": cost}))
    sure, errors = np.ones((20_000, 5)), []
    for trees in (0, 80):
        model = Spending(trees=trees).fit(log, np.arange(20_000) % 3)
        told = model.predict(log.x, sure, np.arange(4), log.coupons, log.coupons)[:, 1:]
        errors.append(np.square(told / FACE - use).mean())
    assert model.share_of_trees > 0.3
    assert errors[1] < errors[0] / 2
    again = Spending.from_state(model.state())
    assert np.array_equal(again.predict(log.x, sure, np.arange(4), log.coupons, log.coupons)[:, 1:], told)


def test_where_all_redeem_alike_nothing_is_added():
    """The weight is read off unseen rows, and costs stay near the shared model's."""
    log, _ = rows(20_000, 0.0)
    model = Spending().fit(log, np.arange(20_000) % 3)
    told = model.predict(log.x, np.ones((20_000, 5)), np.arange(4), log.coupons, log.coupons)[:, 1:]
    usual = model.shared.predict(log.x, np.ones((20_000, 5)), np.arange(4), log.coupons, log.coupons)[:, 1:]
    assert np.square(told / usual - 1).mean() < 0.03**2
    assert np.square(told / (FACE / 2) - 1).mean() < 0.1**2


def test_a_face_value_that_is_always_taken_stays_to_the_cent():
    """Every conversion costs the face value: no regression is asked."""
    log, _ = rows(5000, 0.0)
    face = np.where(log.arm >= 0, FACE[np.maximum(log.arm, 0)] * log.conversion, 0.0)
    model = Spending().fit(TrainingRows(**(log.__dict__ | {"cost": face})), np.arange(5000) % 3)
    assert not model.is_own
    half = np.full((10, 5), 0.5)
    told = model.predict(log.x[:10], half, np.arange(4), log.coupons, log.coupons)
    assert np.array_equal(told[:, 1:], np.tile(FACE / 2, (10, 1)))
    assert np.array_equal(model.ratio(log.x[:10], np.arange(4), log.coupons), np.ones((10, 4)))


def test_new_free_and_fixed_coupons_have_no_part_of_the_users():
    """A coupon never shown, one that costs nothing and one that always costs 10 have a ratio of 1."""
    log, _ = rows(20_000, 1.5)
    fixed = np.where(log.arm == 1, 10.0 * log.conversion, np.where(log.arm == 0, 0.0, log.cost))
    menu = np.arange(4, dtype=np.float32)[:, None]
    log = TrainingRows(**(log.__dict__ | {"cost": fixed, "coupons": menu}))
    model = Spending().fit(log, np.arange(20_000) % 3)
    assert model.crossed is not None
    attributes = np.array([[4.0], [0.0], [1.0], [3.0]], np.float32)
    ratio = model.ratio(log.x[:50], np.array([-1, 0, 1, 3]), attributes)
    assert np.array_equal(ratio[:, :3], np.ones((50, 3)))
    assert np.ptp(ratio[:, 3]) > 0.1
    given = model.shared.given_conversion(log.x[:50], np.arange(4))
    assert np.array_equal(given[:, :2], np.tile([0.0, 10.0], (50, 1)))


def test_a_coupon_whose_drawn_rows_cost_nothing_is_learnt(monkeypatch):
    """Of three conversions of a rare coupon one costs 5; whichever rows are drawn, costs are finite."""
    monkeypatch.setattr(spending, "_MOST_ROWS", 3000)
    log, _ = rows(20_000, 1.5)
    arm = np.where(log.arm == 2, -1, log.arm)
    arm[:3] = 2
    y, cost = log.conversion.copy(), np.where(arm < 0, 0.0, log.cost)
    y[:3], cost[:3] = 1.0, [0.0, 0.0, 5.0]
    log = TrainingRows(**(log.__dict__ | {"arm": arm.astype(np.int32), "conversion": y, "cost": cost}))
    for seed in range(4):
        model = Spending(seed).fit(log, np.arange(20_000) % 3)
        assert model.most[2] == 5
        told = model.predict(log.x[:9], np.ones((9, 5)), np.arange(4), log.coupons, log.coupons)
        assert np.isfinite(told).all()
