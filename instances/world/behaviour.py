"""How customers behave: the truth of a world, in closed form, and draws from it.

A customer buys with probability ``sigmoid(habit + pull − irritation)``. The pull of a coupon grows with what
it is worth on the baskets this customer fills, with how persuadable the customer is, and with how well goods,
channel and send slot fit; irritation grows with intrusive channels and offers that miss. So some buy anyway,
some are persuaded, some cannot be moved, and some are put off.

A buyer's basket B has a density proportional to 1/B on ``[basket / SPREAD, basket × SPREAD]``, which makes
every expectation below elementary. A buyer who means to use a coupon with a threshold tops up a basket that
is a little short of it. **Cost counts every redemption**, also of those who would have bought anyway. Revenue
is what the baskets are worth before the coupon is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from couponry.instances.world.customers import Customers, sigmoid
from couponry.instances.world.menu import Offers
from couponry.instances.world.words import CATEGORIES, CHANNELS, SLOT_HOURS

__all__ = ["SPREAD", "Behaviour", "Outcomes", "Pairs"]

SPREAD = 2.25
"""A buyer's largest basket, as a multiple of the middle one."""

_WIDTH = 2 * float(np.log(SPREAD))
_MEAN_FACTOR = (SPREAD - 1 / SPREAD) / _WIDTH

# On the logit scale: how steeply the pull rises, and where it levels off.
_KEENNESS, _STRONGEST = np.float32(4.0), np.float32(1.15)

_INTRUSIVE = {"app": 0.10, "push": 0.75, "sms": 1.0, "email": 0.35}


@dataclass(frozen=True)
class Pairs:
    """Expectations of (user, coupon) pairs; float32 arrays of one shape.

    Attributes
    ----------
    convert_without, convert : ndarray
        Probability of buying without any coupon, and with this one.
    redeem : ndarray
        Probability that the coupon is redeemed.
    cost : ndarray
        Expected cost, the sending included, CNY.
    revenue_without, revenue : ndarray
        Expected worth of the basket, 0 for those who do not buy, CNY.
    """

    convert_without: np.ndarray
    convert: np.ndarray
    redeem: np.ndarray
    cost: np.ndarray
    revenue_without: np.ndarray
    revenue: np.ndarray


@dataclass(frozen=True)
class Outcomes:
    """What happened, one entry an exposure; float64 ``(n,)``."""

    conversion: np.ndarray
    redeemed: np.ndarray
    cost: np.ndarray
    revenue: np.ndarray


class Behaviour:
    """The behaviour of customers towards a menu.

    Parameters
    ----------
    customers : Customers
    offers : Offers
    """

    def __init__(self, customers: Customers, offers: Offers) -> None:
        self.customers = customers
        self.offers = offers
        # One more column: a coupon for all goods fits everyone halfway.
        everyone = np.full((len(customers), 1), 0.55, dtype=np.float32)
        taste = np.minimum(np.float32(2.2) * customers.taste, 1)
        self._taste = np.concatenate([taste, everyone], axis=1)
        self._persuadable = sigmoid(
            np.float32(2.2) * customers.sensitivity - np.float32(1.2) * customers.engagement - np.float32(0.8)
        )
        self._habit = (
            np.float32(-2.75)
            + np.float32(0.55) * customers.engagement
            + np.float32(0.6) * customers.intent_strength
        )
        # Nearly nobody is put off a little; a quarter of customers are put off a lot.
        self._irritable = np.float32(0.45) * np.maximum(customers.annoyance - np.float32(0.6), 0)
        self._top_up = np.float32(0.3) * sigmoid(customers.sensitivity)
        self._uses = np.float32(0.45) + np.float32(0.5) * sigmoid(customers.sensitivity)
        self._intrusive = np.array([_INTRUSIVE[channel] for channel in CHANNELS], dtype=np.float32)
        self._hours = np.array(SLOT_HOURS, dtype=np.float32)

    def expect(self, users: np.ndarray, coupons: np.ndarray) -> Pairs:
        """Return the expectations of pairs.

        Parameters
        ----------
        users, coupons : ndarray of int
            Positions; broadcast against each other, so ``(n, 1)`` and ``(J,)`` give a matrix.
        """
        without, convert = self._convert(users, coupons)
        basket = self.customers.basket[users]
        window = self._window(users, coupons)
        use = self._use(users, coupons)
        share, worth, topped = _redemption(basket, window, self.offers.threshold[coupons])
        redeem = convert * use * share
        spent = self.offers.unit_cost[coupons] * share + self.offers.share[coupons] * worth
        mean = np.float32(_MEAN_FACTOR) * basket
        return Pairs(
            convert_without=without,
            convert=convert,
            redeem=redeem,
            cost=convert * use * spent + self.offers.sending[coupons],
            revenue_without=without * mean,
            revenue=convert * (mean + use * topped),
        )

    def draw(self, users: np.ndarray, coupons: np.ndarray, rng: np.random.Generator) -> Outcomes:
        """Draw what happens, one exposure an entry.

        Parameters
        ----------
        users : ndarray of int, shape (n,)
        coupons : ndarray of int, shape (n,)
            Positions; −1 for no coupon.
        rng : numpy.random.Generator
        """
        given = coupons >= 0
        coupon = np.maximum(coupons, 0)
        without, convert = self._convert(users, coupon)
        buys = rng.random(len(users)) < np.where(given, convert, without)
        middle = self.customers.basket[users].astype(np.float64)
        basket = middle * SPREAD ** (2 * rng.random(len(users)) - 1)
        means_to = given & buys & (rng.random(len(users)) < self._use(users, coupon))
        opens, closes = self._window(users, coupon)
        redeemed = means_to & (basket >= opens) & (basket < closes)
        threshold = self.offers.threshold[coupon].astype(np.float64)
        basket = np.where(redeemed, np.maximum(basket, threshold), basket)
        spent = self.offers.unit_cost[coupon] + self.offers.share[coupon] * basket
        return Outcomes(
            conversion=buys.astype(np.float64),
            redeemed=redeemed.astype(np.float64),
            cost=np.round(redeemed * spent + given * self.offers.sending[coupon], 2),
            revenue=np.round(buys * basket, 2),
        )

    # ------------------------------------------------------------------ parts

    def _convert(self, users: np.ndarray, coupons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the probability of buying without and with the coupon."""
        customers, offers = self.customers, self.offers
        match = self._match(users, coupons)
        reach = customers.reach[users, offers.channel[coupons]]
        distance = (customers.active_hour[users] - self._hours[offers.slot[coupons]]) / np.float32(4)
        timely = np.float32(0.75) + np.float32(0.25) * np.exp(-distance * distance)
        basket = customers.basket[users]
        share, worth, _ = _redemption(basket, self._window(users, coupons), offers.threshold[coupons])
        benefit = offers.worth[coupons] * share + offers.share[coupons] * worth
        pull = (
            self._persuadable[users]
            * np.log1p(benefit / np.float32(3))
            * (np.float32(0.3) + np.float32(0.7) * match)
            * (np.float32(0.4) + np.float32(0.6) * reach)
            * timely
        )
        pull = _STRONGEST * np.tanh(_KEENNESS / _STRONGEST * pull)
        irritation = (
            self._irritable[users] * self._intrusive[offers.channel[coupons]] * (np.float32(1.2) - match)
        )
        habit = self._habit[users]
        return sigmoid(habit), sigmoid(habit + pull - irritation)

    def _match(self, users: np.ndarray, coupons: np.ndarray) -> np.ndarray:
        """Return in [0, 1] how well the coupon's goods fit taste and intent."""
        category = self.offers.category[coupons]
        wanted = (self.customers.intent[users] == category) * self.customers.intent_strength[users]
        match: np.ndarray = np.minimum(self._taste[users, category] + np.float32(0.6) * wanted, 1)
        return match

    def _use(self, users: np.ndarray, coupons: np.ndarray) -> np.ndarray:
        """Return the probability that a buyer means to use the coupon."""
        category = self.offers.category[coupons]
        goods = np.where(
            category == len(CATEGORIES),
            np.float32(1),
            np.float32(0.3) + np.float32(0.7) * self._match(users, coupons),
        )
        remembers = 1 - np.float32(0.35) * np.exp(-self.offers.valid_days[coupons] / np.float32(4))
        use: np.ndarray = self._uses[users] * goods * remembers
        return use

    def _window(self, users: np.ndarray, coupons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the baskets, before topping up, on which the coupon is redeemed."""
        opens, threshold = self.offers.opens[coupons], self.offers.threshold[coupons]
        short = np.float32(1) - self._top_up[users] * (opens == threshold)
        return opens * short, self.offers.closes[coupons]


def _redemption(
    basket: np.ndarray, window: tuple[np.ndarray, np.ndarray], threshold: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return P(B in window), E[topped-up B; B in window], and E[what is added; B in window].

    With density 1 / (B·WIDTH) on [low, high]: P(a ≤ B < b) = ln(b/a) / WIDTH and
    E[B; a ≤ B < b] = (b − a) / WIDTH, for a and b within [low, high].
    """
    low, high = basket / np.float32(SPREAD), basket * np.float32(SPREAD)
    opens = np.clip(window[0], low, high)
    closes = np.clip(window[1], low, high)
    full = np.clip(threshold, opens, closes)
    width = np.float32(_WIDTH)
    share = np.log(closes / opens) / width
    added = (threshold * np.log(full / opens) - (full - opens)) / width
    return share, (closes - opens) / width + added, added
