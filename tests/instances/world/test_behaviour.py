"""The truth of a world: closed forms against draws, quadrature and common sense."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from couponry.instances import Coupons
from couponry.instances.coupons import KINDS
from couponry.instances.world.behaviour import SPREAD, Behaviour, Pairs, _redemption
from couponry.instances.world.customers import draw_customers
from couponry.instances.world.menu import Offers, draw_menu

USERS = 4_000
COUPONS = 10


def behaviour(coupons: Coupons | None = None, seed: int = 0) -> Behaviour:
    """Return the behaviour of drawn customers towards a menu."""
    menu = draw_menu(np.random.default_rng(seed), COUPONS, USERS) if coupons is None else coupons
    return Behaviour(draw_customers(np.random.default_rng(seed), USERS), Offers.of(menu))


def menu_of(*rows: tuple[str, float, float, float], channel: str = "app") -> Coupons:
    """Return coupons for all goods: kind, face value, threshold, unit cost."""
    table = pd.DataFrame(rows, columns=["kind", "face_value", "threshold", "unit_cost"])
    names = [f"c{j}" for j in range(len(rows))]
    return Coupons(table.assign(coupon_id=names, channel=channel, slot="noon", valid_days=7, category="all"))


def everything(of: Behaviour) -> Pairs:
    """Return the expectations of every pair."""
    return of.expect(np.arange(USERS)[:, None], np.arange(len(of.offers.threshold)))


def test_redemption_by_hand() -> None:
    """A middle basket of 100 lies between 44.4 and 225; half of the baskets reach 100.

    With W = 2 ln 2.25 = 1.62186: P(B ≥ 100) = ln 2.25 / W = 1/2 and E[B; B ≥ 100] = 125 / W = 77.072.
    Topping up from 80 to 100: P(B ≥ 80) = ln(225/80) / W = 0.63759, and what is added is
    (100 ln(100/80) − 20) / W = 1.42696.
    """
    middle = np.float32([100, 100])
    share, worth, added = _redemption(
        middle, (np.float32([100, 80]), np.float32([np.inf] * 2)), np.float32([100, 100])
    )
    np.testing.assert_allclose(share, [0.5, 0.63759], rtol=1e-4)
    np.testing.assert_allclose(added, [0, 1.42696], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(worth, [77.072, (225 - 80) / 1.62186 + 1.42696], rtol=1e-4)


@given(
    middle=st.floats(20, 400),
    threshold=st.floats(0, 300),
    top_up=st.floats(0, 0.3),
    closes=st.one_of(st.just(np.inf), st.floats(10, 300)),
)
def test_redemption_is_its_integral(middle: float, threshold: float, top_up: float, closes: float) -> None:
    """The closed forms agree with adding up over many equally likely baskets."""
    threshold = min(threshold, closes)
    opens = threshold * (1 - top_up)
    basket = middle * SPREAD ** (2 * (np.arange(200_000) + 0.5) / 200_000 - 1)
    within = (basket >= opens) & (basket < closes)
    topped = np.where(within, np.maximum(basket, threshold), 0)
    one = np.float32([1])
    share, worth, added = _redemption(middle * one, (opens * one, closes * one), threshold * one)
    assert share[0] == pytest.approx(within.mean(), abs=1e-4)
    assert worth[0] == pytest.approx(topped.mean(), rel=1e-3, abs=0.01)
    assert added[0] == pytest.approx((topped - basket * within).mean(), rel=1e-2, abs=0.01)


def test_draws_average_to_the_expectations() -> None:
    """Over 600,000 draws, each arm's means lie within 4.5 standard errors of what is expected."""
    world = behaviour()
    rng = np.random.default_rng(11)
    who = rng.integers(USERS, size=600_000)
    arm = rng.integers(-1, COUPONS, size=len(who))
    drawn = world.draw(who, arm, rng)
    truth = world.expect(who, np.maximum(arm, 0))
    for j in range(-1, COUPONS):
        rows = arm == j
        given = j >= 0
        for name, outcome, expected in (
            ("conversion", drawn.conversion, truth.convert if given else truth.convert_without),
            ("redemption", drawn.redeemed, truth.redeem * given),
            ("cost", drawn.cost, truth.cost * given),
            ("revenue", drawn.revenue, truth.revenue if given else truth.revenue_without),
        ):
            difference = outcome[rows] - expected[rows]
            error = difference.std() / np.sqrt(rows.sum())
            assert abs(difference.mean()) <= 4.5 * error + 1e-9, (j, name)


def test_without_a_coupon_nothing_is_redeemed() -> None:
    """Rows without a coupon cost nothing, and still some of them buy."""
    drawn = behaviour().draw(np.arange(USERS), np.full(USERS, -1), np.random.default_rng(0))
    assert drawn.cost.sum() == drawn.redeemed.sum() == 0
    assert 0.03 < drawn.conversion.mean() < 0.1
    assert ((drawn.revenue > 0) == (drawn.conversion == 1)).all()


def test_cost_counts_those_who_would_have_bought_anyway() -> None:
    """A coupon that persuades nobody still costs: every redemption counts, not those it brought about."""
    world = behaviour(menu_of(("fixed_off", 5.0, 0.0, 5.0), ("percent_off", 10.0, 0.0, np.nan)))
    truth = everything(world)
    np.testing.assert_allclose(truth.cost[:, 0], 5 * truth.redeem[:, 0], rtol=1e-5)
    unmoved = (truth.convert[:, 0] - truth.convert_without[:, 0]) < 0.005
    assert unmoved.any()
    assert (truth.redeem[unmoved, 0] > 0.3 * truth.convert_without[unmoved, 0]).all()
    # Ten percent of what redeemers' baskets are worth.
    ten_percent = 0.1 * truth.revenue[:, 1] * truth.redeem[:, 1] / truth.convert[:, 1]
    np.testing.assert_allclose(truth.cost[:, 1], ten_percent, rtol=1e-4)


def test_a_text_message_costs_even_unread() -> None:
    """The same coupon by text message costs five fen more a head, redeemed or not."""
    terms = ("threshold_off", 20.0, 1e6, 20.0)
    unreachable = everything(behaviour(menu_of(terms, channel="sms")))
    np.testing.assert_allclose(unreachable.cost, 0.05, rtol=1e-6)
    assert (unreachable.redeem == 0).all()
    assert (everything(behaviour(menu_of(terms, channel="app"))).cost == 0).all()


def test_a_richer_coupon_persuades_more() -> None:
    """For every customer, more money off never lowers the probability of buying, and raises the mean."""
    world = behaviour(menu_of(*(("fixed_off", face, 0.0, face) for face in (3.0, 5.0, 10.0))))
    convert = everything(world).convert
    assert (np.diff(convert, axis=1) > -1e-6).all()
    assert (np.diff(convert.mean(axis=0)) > 0.002).all()


def test_a_higher_threshold_persuades_less_and_costs_less() -> None:
    """The same money off from a larger basket on is worth less to everybody."""
    world = behaviour(menu_of(*(("threshold_off", 15.0, least, 15.0) for least in (60.0, 120.0, 240.0))))
    truth = everything(world)
    assert (np.diff(truth.convert, axis=1) < 1e-6).all()
    assert (np.diff(truth.cost.mean(axis=0)) < 0).all()


def test_customers_top_up_to_a_threshold() -> None:
    """With a threshold, what buyers spend a head rises above what they spend without the coupon."""
    truth = everything(behaviour(menu_of(("threshold_off", 20.0, 129.0, 20.0), ("fixed_off", 5.0, 0.0, 5.0))))
    a_head = truth.revenue / truth.convert
    without = truth.revenue_without / truth.convert_without
    assert (a_head[:, 0] > without[:, 0] * 1.005).mean() > 0.3
    np.testing.assert_allclose(a_head[:, 1], without[:, 0], rtol=1e-4)


def test_free_shipping_does_not_matter_to_large_baskets() -> None:
    """A customer whose smallest basket is delivered free anyway never redeems the coupon."""
    world = behaviour(menu_of(("free_shipping", 10.0, 0.0, 8.0)))
    large = world.customers.basket / SPREAD > 88
    redeem = everything(world).redeem[:, 0]
    assert large.any()
    assert (redeem[large] == 0).all()
    assert (redeem[world.customers.basket < 88] > 0).all()


def test_all_four_kinds_of_customer_are_there() -> None:
    """Some buy anyway, some are persuaded, some cannot be moved, some are put off; sizes are realistic."""
    world = behaviour(draw_menu(np.random.default_rng(3), 20, USERS))
    truth = everything(world)
    value = truth.convert - truth.convert_without
    without = truth.convert_without[:, 0]
    best = value.max(axis=1)
    assert 0.04 < without.mean() < 0.09
    assert 0.02 < value.mean() < 0.05
    assert ((without > 0.12) & (best < 0.06)).any(), "sure things"
    assert (best > 0.08).mean() > 0.05, "persuadables"
    assert ((without < 0.03) & (best < 0.015)).any(), "lost causes"
    assert 0.005 < (value < -0.002).mean() < 0.15, "sleeping dogs"
    assert np.quantile(value, 0.001) > -0.08
    assert np.quantile(value, 0.99) < 0.18


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_works_and_costs(kind: str) -> None:
    """A coupon of any kind persuades on average, is redeemed, and costs money."""
    terms = {
        "threshold_off": (15.0, 99.0, 15.0),
        "percent_off": (10.0, 0.0, np.nan),
        "gift": (20.0, 69.0, 11.0),
    }
    truth = everything(behaviour(menu_of((kind, *terms.get(kind, (8.0, 0.0, 8.0))))))
    assert (truth.convert - truth.convert_without).mean() > 0.005
    assert truth.redeem.mean() > 0.005
    assert truth.cost.mean() > 0.05
