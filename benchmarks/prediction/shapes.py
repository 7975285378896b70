"""Worlds as outsiders write them: a few lines of numpy each, with their truth; nothing is hidden.

Ten coupons and none. Features are numbers or categories; what a coupon does is a smooth function of a few of
them, pieces, slopes of the logit or of the probability, rare, of many levels, or a product of tastes.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["FACE", "SHAPES", "Shape"]

FACE = np.array([5, 8, 10, 12, 15, 18, 20, 25, 30, 40.0])
_MENU = len(FACE)


class Shape:
    """A world: features, truth, shares of arms, and what is spent.

    Parameters
    ----------
    seed : int
        Of the world's own numbers; rows are drawn with seeds of their own.
    """

    numbers = 12

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed * 1000 + 7)
        self.setup(self.rng)

    def setup(self, rng: np.random.Generator) -> None:
        """Draw the world's numbers."""
        raise NotImplementedError

    def features(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """Return users' features."""
        return _normal(n, rng, self.numbers)

    def truth(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return probabilities without and with coupons, ``(n,)`` and ``(n, J)``, and expected costs."""
        raise NotImplementedError

    def shares(self, table: pd.DataFrame) -> np.ndarray:
        """Return each arm's probability, none first, ``(n, J + 1)``."""
        return np.full((len(table), _MENU + 1), 1 / (_MENU + 1))

    def spend(
        self, table: pd.DataFrame, arm: np.ndarray, y: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Return what every row has cost: the face value of who converts."""
        return np.where(arm >= 0, FACE[arm], 0) * y

    def draw(self, n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return features, arms (−1 for none), conversions, costs and shares of a log."""
        rng = np.random.default_rng(seed)
        table = self.features(n, rng)
        without, given, _ = self.truth(table)
        shares = self.shares(table)
        arm = (shares.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1) - 1
        arm = np.minimum(arm, _MENU - 1)
        p = np.where(arm < 0, without, given[np.arange(n), arm])
        y = (rng.random(n) < p).astype(float)
        return table, arm, y, self.spend(table, arm, y, rng), shares


class Smooth(Shape):
    """Rises with one feature, where another is in its range, and swings with a third."""

    def setup(self, rng: np.random.Generator) -> None:
        self.base = rng.normal(size=12) * 0.3
        self.of = np.array([rng.choice(12, 3, replace=False) for _ in range(_MENU)])
        self.sign = rng.choice([-1, 1], (_MENU, 3))
        self.size = 0.03 + 0.1 * FACE / 40

    def truth(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x = table.to_numpy()
        without = _sigmoid(-2 + x @ self.base)
        rise = _sigmoid(2 * self.sign[:, 0] * x[:, self.of[:, 0]])
        bump = np.exp(-0.5 * (x[:, self.of[:, 1]] - self.sign[:, 1] * 0.5) ** 2)
        effect = self.size * (rise * bump * 1.6 + 0.25 * np.sin(1.5 * x[:, self.of[:, 2]]))
        return _given(without, effect, 0.001)


class Confounded(Smooth):
    """The same, arms by two of the features."""

    def shares(self, table: pd.DataFrame) -> np.ndarray:
        x, score = table.to_numpy(), np.zeros((len(table), _MENU + 1))
        score[:, 1:] = 0.6 * x[:, [0]] * np.linspace(-1, 1, _MENU) + 0.5 * x[:, [1]]
        odds = np.exp(score)
        return odds / odds.sum(axis=1, keepdims=True)


class Segments(Shape):
    """Eight segments of an age, a number and a city, effects the same within each."""

    def setup(self, rng: np.random.Generator) -> None:
        self.effect = rng.choice([0, 0.0, 0.01, 0.02, 0.04, 0.07, 0.1, -0.02], (8, _MENU))
        self.base = rng.uniform(0.04, 0.15, 8)

    def features(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        table = _normal(n, rng, 6)
        table["age"] = rng.integers(18, 80, n)
        table["city"] = rng.choice(list("ABCDE"), n)
        table["vip"] = rng.integers(0, 2, n)
        return table

    def truth(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        segment = (table.age > 40) * 1 + (table.x0 > 0.3) * 2 + table.city.isin(["A", "B"]) * 4
        at = segment.to_numpy()
        return _given(self.base[at] * (1 + 0.3 * table.vip.to_numpy()), self.effect[at], 0.001)


class Logit(Shape):
    """Slopes of the logit, a third of them, base 5 %."""

    numbers = 15

    def setup(self, rng: np.random.Generator) -> None:
        self.base = rng.normal(size=15) * 0.25
        self.level = rng.uniform(0.1, 0.6, _MENU)
        self.slope = rng.normal(size=(15, _MENU)) * 0.3 * (rng.random((15, _MENU)) < 0.35)

    def truth(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x = table.to_numpy()
        base = -3.1 + x @ self.base
        given = _sigmoid(base[:, None] + self.level + x @ self.slope)
        return _sigmoid(base), given, FACE * given


class Costly(Logit):
    """The same, but who buys does not always redeem, and that has slopes of its own."""

    def setup(self, rng: np.random.Generator) -> None:
        super().setup(rng)
        self.own = rng.normal(size=(15, _MENU)) * 0.5 * (rng.random((15, _MENU)) < 0.3)
        self.common = rng.normal(size=15) * 0.5

    def _use(self, table: pd.DataFrame) -> np.ndarray:
        x = table.to_numpy()
        return _sigmoid(0.3 + (x @ self.common)[:, None] + x @ self.own)

    def truth(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        without, given, _ = super().truth(table)
        return without, given, FACE * given * self._use(table) + 0.1

    def spend(
        self, table: pd.DataFrame, arm: np.ndarray, y: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        use = self._use(table)[np.arange(len(table)), np.maximum(arm, 0)]
        return np.where(arm >= 0, FACE[arm] * y * (rng.random(len(table)) < use) + 0.1, 0)


class Sparse(Shape):
    """Base 1 %; an effect where two features are high, a loss where a third is low, else none."""

    numbers = 10

    def setup(self, rng: np.random.Generator) -> None:
        self.of = np.array([rng.choice(10, 2, replace=False) for _ in range(_MENU)])
        self.size = 0.02 + 0.06 * rng.random(_MENU)
        self.loses = rng.integers(0, 10, _MENU)
        self.base = rng.normal(size=10) * 0.3

    def truth(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x = table.to_numpy()
        wins = (x[:, self.of[:, 0]] > 0.4) & (x[:, self.of[:, 1]] > 0.0)
        effect = self.size * wins - 0.006 * (x[:, self.loses] < -1.2)
        return _given(_sigmoid(-4.7 + x @ self.base), effect, 0.0005)


class Category(Shape):
    """Forty towns and twenty-five brands, on the logit."""

    def setup(self, rng: np.random.Generator) -> None:
        self.base = rng.normal(size=40) * 0.4
        self.town = rng.normal(size=(40, _MENU)) * 0.45
        self.brand = rng.normal(size=(25, _MENU)) * 0.3
        self.level = rng.uniform(0.1, 0.5, _MENU)
        self.towns = rng.dirichlet(np.ones(40) * 3)

    def features(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        table = _normal(n, rng, 4)
        table["town"] = np.array([f"t{i}" for i in range(40)])[rng.choice(40, n, p=self.towns)]
        table["brand"] = np.array([f"b{i}" for i in range(25)])[rng.integers(0, 25, n)]
        table["device"] = rng.choice(["ios", "android", "web"], n)
        return table

    def truth(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        town, brand = (table[c].str[1:].astype(int).to_numpy() for c in ("town", "brand"))
        base = -2.4 + self.base[town] + 0.3 * table.x0.to_numpy()
        given = _sigmoid(base[:, None] + self.level + self.town[town] + self.brand[brand])
        return _sigmoid(base), given, FACE * given


class Additive(Shape):
    """Slopes of the probability; every coupon given costs its face value."""

    def setup(self, rng: np.random.Generator) -> None:
        self.base = rng.normal(size=20) * 0.25
        self.level = rng.uniform(0.01, 0.06, _MENU)
        self.slope = rng.normal(size=(20, _MENU)) * 0.02 * (rng.random((20, _MENU)) < 0.25)

    def features(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        x = rng.random((n, 20))
        x[:, 10:] = x[:, 10:] < 0.4
        return pd.DataFrame(x, columns=[f"f{i}" for i in range(20)])

    def truth(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x = table.to_numpy(float)
        x = (x - x.mean(axis=0)) / 0.3
        without, given, _ = _given(_sigmoid(-1.7 + x @ self.base), self.level + x @ self.slope, 0.001)
        return without, given, np.tile(FACE, (len(x), 1))

    def spend(
        self, table: pd.DataFrame, arm: np.ndarray, y: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        return np.where(arm >= 0, FACE[arm], 0.0)


class Product(Shape):
    """Three tastes of thirty features, times what each coupon has of them."""

    numbers = 30

    def setup(self, rng: np.random.Generator) -> None:
        self.taste = rng.normal(size=(30, 3)) / 30**0.5 * 1.2
        self.has = rng.normal(size=(_MENU, 3))
        self.base = rng.normal(size=30) * 0.12
        self.level = rng.uniform(0.0, 0.4, _MENU)

    def truth(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        x = table.to_numpy()
        base = -2.5 + x @ self.base
        given = _sigmoid(base[:, None] + self.level + np.tanh(x @ self.taste) @ self.has.T * 0.5)
        return _sigmoid(base), given, FACE * given


SHAPES: dict[str, type[Shape]] = {
    shape.__name__.lower(): shape
    for shape in (Smooth, Confounded, Segments, Logit, Costly, Sparse, Category, Additive, Product)
}


def _normal(n: int, rng: np.random.Generator, columns: int) -> pd.DataFrame:
    return pd.DataFrame(rng.normal(size=(n, columns)), columns=[f"x{i}" for i in range(columns)])


def _given(
    without: np.ndarray, effect: np.ndarray, least: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    given = np.clip(without[:, None] + effect, least, 1 - least)
    return without, given, FACE * given


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))
