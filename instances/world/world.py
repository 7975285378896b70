"""The world: customers, coupons and their behaviour, from which logs and the true response are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from couponry.instances.atomic import write_directory
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.files import write_instance
from couponry.instances.instance import Instance
from couponry.instances.log import Log
from couponry.instances.menu_file import write_coupons
from couponry.instances.response import Response
from couponry.instances.rules import Campaign, Rule
from couponry.instances.users import Users
from couponry.instances.world.behaviour import Behaviour
from couponry.instances.world.campaign import campaign_rules
from couponry.instances.world.customers import Customers, draw_customers
from couponry.instances.world.features import (
    SEGMENTS,
    draw_browsing,
    draw_features,
    draw_reviews,
    draw_traits,
    user_ids,
)
from couponry.instances.world.menu import Offers, draw_menu
from couponry.instances.world.policies import biased_shares, draw_arms, random_shares

__all__ = ["World"]

_PAIRS_AT_ONCE = 400_000
_STREAMS = {
    "customers": 0,
    "menu": 1,
    "features": 2,
    "browsing": 3,
    "reviews": 4,
    "log": 5,
    "biased": 6,
    "traits": 7,
}


@dataclass(frozen=True)
class World:
    """A shop whose truth is known.

    Attributes
    ----------
    customers : Customers
        What customers are like, which no model sees.
    coupons : Coupons
        The menu, with the attributes ``category`` and ``unit_cost``.
    seed : int
    hidden : float
        As in :meth:`draw`.
    """

    customers: Customers
    coupons: Coupons
    seed: int
    hidden: float = 1.0

    @classmethod
    def draw(cls, users: int = 20_000, coupons: int = 8, seed: int = 0, *, hidden: float = 1.0) -> World:
        """Draw a world.

        The same numbers give the same world; the menu's terms do not depend on ``users``, nor the customers
        on ``coupons``.

        Parameters
        ----------
        users : int
            Number of customers, at least 1.
        coupons : int
            Length of the menu, at least 1; from 5 on, every kind of coupon is in it.
        seed : int
            At least 0.
        hidden : float
            How much of what decides a customer's response is hidden. With 1, features are traces, each with
            its own noise. Below 1, columns ``trait_…`` tell besides what customers are like, with this share
            of noise in their variance; with 0, features tell everything.

        Raises
        ------
        InputError
            If a number is below its least, or ``hidden`` outside [0, 1].
        """
        for name, number, least in (("users", users, 1), ("coupons", coupons, 1), ("seed", seed, 0)):
            if number < least:
                raise InputError(
                    f"a world needs {name} of at least {least}",
                    parameter=name,
                    value=number,
                    mend=f"Raise {name}",
                )
        if not 0 <= hidden <= 1:
            raise InputError(
                "what is hidden is a share",
                parameter="hidden",
                value=hidden,
                mend="Give a number from 0 to 1",
            )
        customers = draw_customers(_generator(seed, "customers"), users)
        return cls(customers, draw_menu(_generator(seed, "menu"), coupons, users), seed, hidden)

    def __len__(self) -> int:
        return len(self.customers)

    def __repr__(self) -> str:
        return f"World({len(self):,} users × {len(self.coupons)} coupons, seed {self.seed})"

    # ------------------------------------------------------------- what is seen

    @cached_property
    def _profile(self) -> pa.Table:
        """Ids, segments and plain features; of their own because rules need no more."""
        features = draw_features(_generator(self.seed, "features"), self.customers)
        return pa.table({"user_id": user_ids(len(self)), **features})

    @cached_property
    def table(self) -> pa.Table:
        """Every customer's id, segments and features, one row a customer."""
        table = self._profile
        for name, column in draw_browsing(_generator(self.seed, "browsing"), self.customers).items():
            table = table.append_column(name, column)
        reviews = draw_reviews(_generator(self.seed, "reviews"), self.customers)
        table = table.append_column("review", reviews)
        if self.hidden < 1:
            traits = draw_traits(_generator(self.seed, "traits"), self.customers, self.hidden)
            for name, column in traits.items():
                table = table.append_column(name, column)
        return table

    @property
    def segments(self) -> tuple[str, ...]:
        """Columns that rules may speak of."""
        return SEGMENTS

    def users_table(self, users: np.ndarray | None = None) -> pd.DataFrame:
        """Return id, segments and features of customers, the input of a prediction.

        Parameters
        ----------
        users : ndarray of int, optional
            Positions; every customer if not given.
        """
        frame: pd.DataFrame = _rows(self.table, users).to_pandas()
        return frame

    def users(self, users: np.ndarray | None = None) -> Users:
        """Return id and segments of customers."""
        return Users(_rows(self._profile.select(["user_id", *SEGMENTS]), users))

    def log(self, n: int = 20_000, seed: int = 0, *, none_share: float = 0.3) -> Log:
        """Draw a randomised log: arms drawn alike for everyone, with known propensities.

        Parameters
        ----------
        n : int
            Exposures. No customer is drawn twice as long as there are enough of them.
        seed : int
            Another seed gives another campaign in the same world.
        none_share : float
            Probability of getting no coupon, in (0, 1); the coupons share the rest alike.

        Raises
        ------
        InputError
            If ``n`` is below 1 or ``none_share`` outside (0, 1).
        """
        if not 0 < none_share < 1:
            raise InputError(
                "the share without coupon must lie strictly between 0 and 1",
                parameter="none_share",
                value=none_share,
                mend="A log needs rows with and rows without a coupon",
            )
        rng = _generator(self.seed, "log", seed)
        who = self._draw_users(n, rng)
        shares = random_shares(n, len(self.coupons), none_share)
        return self._expose(who, self.users_table(who), shares, rng, propensity=True)

    def biased_log(
        self, n: int = 20_000, seed: int = 0, *, strength: float = 1.0, propensity: bool = False
    ) -> Log:
        """Draw a log in which good customers got more and richer coupons, as a marketing team would have it.

        What decided is among the features, so the bias can be mended by adjusting for them, and cannot be
        seen without doing so.

        Parameters
        ----------
        n : int
            Exposures, as in :meth:`log`.
        seed : int
        strength : float
            How strongly the team chose; 0 is random, 1 is usual.
        propensity : bool
            Whether the log tells the true propensities; without, it passes for one in which arms were drawn
            alike for everyone.

        Raises
        ------
        InputError
            If ``n`` is below 1 or ``strength`` below 0.
        """
        if not 0 <= strength < np.inf:
            raise InputError(
                "the strength of a bias is a finite number of at least 0",
                parameter="strength",
                value=strength,
                mend="Give 1 for a usual team",
            )
        rng = _generator(self.seed, "biased", seed)
        who = self._draw_users(n, rng)
        table = self.users_table(who)
        return self._expose(
            who, table, biased_shares(table, self.coupons, strength), rng, propensity=propensity
        )

    def _draw_users(self, n: int, rng: np.random.Generator) -> np.ndarray:
        if n < 1:
            raise InputError("a log needs at least one row", parameter="n", value=n, mend="Raise n")
        return rng.choice(len(self), size=n, replace=n > len(self))

    def _expose(
        self,
        who: np.ndarray,
        table: pd.DataFrame,
        shares: np.ndarray,
        rng: np.random.Generator,
        *,
        propensity: bool,
    ) -> Log:
        arm, probability = draw_arms(shares, rng)
        outcomes = self.behaviour.draw(who, arm, rng)
        return Log(
            features=table.drop(columns="user_id"),
            user_id=table["user_id"].to_numpy(object),
            coupons=self.coupons,
            arm=arm,
            conversion=outcomes.conversion,
            cost=outcomes.cost,
            revenue=outcomes.revenue,
            propensity=probability if propensity else None,
            segments=SEGMENTS,
        )

    # ---------------------------------------------------------------- the truth

    @cached_property
    def behaviour(self) -> Behaviour:
        """How the customers respond to the menu, in closed form."""
        return Behaviour(self.customers, Offers.of(self.coupons))

    def true_response(self, users: np.ndarray | None = None) -> Response:
        """Return the true response: incremental conversions, expected cost, incremental revenue.

        The cost counts every redemption, also of those who would have bought anyway.

        Parameters
        ----------
        users : ndarray of int, optional
            Positions; every customer if not given.

        Returns
        -------
        Response
            Dense, measures ``value, cost, revenue``, float32 ``(n, J)``.
        """
        who = np.arange(len(self)) if users is None else users
        menu = np.arange(len(self.coupons))
        measures = {
            m: np.empty((len(who), len(menu)), dtype=np.float32) for m in ("value", "cost", "revenue")
        }
        step = max(1, _PAIRS_AT_ONCE // len(menu))
        for first in range(0, len(who), step):
            rows = slice(first, first + step)
            pairs = self.behaviour.expect(who[rows, None], menu)
            measures["value"][rows] = pairs.convert - pairs.convert_without
            measures["cost"][rows] = pairs.cost
            measures["revenue"][rows] = pairs.revenue - pairs.revenue_without
        return Response(measures)

    def true_worth(self, plan: pa.Table) -> dict[str, float]:
        """Return what a plan truly wins and costs in expectation.

        Parameters
        ----------
        plan : pyarrow.Table
            With ``user_id`` and ``coupon_id``, one row a given coupon.

        Returns
        -------
        dict
            ``value`` (conversions won), ``cost`` (CNY), ``revenue`` (won, CNY).

        Raises
        ------
        InputError
            If the plan names a customer or coupon that this world does not have.
        """
        who = _positions(plan, "user_id", self._profile["user_id"])
        coupon = _positions(plan, "coupon_id", pa.array(self.coupons.ids))
        pairs = self.behaviour.expect(who, coupon)
        return {
            "value": float((pairs.convert - pairs.convert_without).sum(dtype=np.float64)),
            "cost": float(pairs.cost.sum(dtype=np.float64)),
            "revenue": float((pairs.revenue - pairs.revenue_without).sum(dtype=np.float64)),
        }

    # ------------------------------------------------------------- the campaign

    def rules(self, budget_share: float = 0.3) -> tuple[Rule, ...]:
        """Return the rules of a campaign that can be met together (:func:`.campaign.campaign_rules`).

        Parameters
        ----------
        budget_share : float
            Budget as a share of what it would cost to give everyone the coupon that wins most.

        Raises
        ------
        InputError
            If ``budget_share`` is not positive.
        """
        return campaign_rules(self.coupons, self.users(), self.true_response(), budget_share)

    def instance(self, budget_share: float = 0.3, *, rules: Sequence[Rule] | None = None) -> Instance:
        """Return the campaign under the true response, which only an oracle could solve.

        Parameters
        ----------
        budget_share : float
            As in :meth:`rules`.
        rules : sequence of Rule, optional
            Instead of :meth:`rules`.
        """
        users, response = self.users(), self.true_response()
        chosen = (
            campaign_rules(self.coupons, users, response, budget_share) if rules is None else tuple(rules)
        )
        return Instance(self.coupons, users, response, chosen, Campaign(name="world", currency="CNY"))

    # ------------------------------------------------------------------ on disk

    def write(
        self, path: str | Path, *, log: Log | None = None, budget_share: float = 0.3, force: bool = False
    ) -> None:
        """Write the world as a directory.

        ``log/`` (as :meth:`Log.write`), ``users.parquet`` (ids, segments, features), ``coupons.csv``, and
        ``truth/``, an instance directory with the true response and the rules.

        Parameters
        ----------
        path : str or Path
        log : Log, optional
            A randomised one of as many rows as there are customers if not given.
        budget_share : float
            As in :meth:`rules`.
        force : bool
            Overwrite whatever is there.

        Raises
        ------
        ExistsError
            If ``path`` holds something and ``force`` is not given.
        """
        with write_directory(path, force=force, kind="world") as folder:
            (self.log(len(self)) if log is None else log).write(folder / "log")
            pq.write_table(self.table, folder / "users.parquet")
            write_coupons(self.coupons, folder)
            write_instance(self.instance(budget_share), folder / "truth")


def _generator(*key: int | str) -> np.random.Generator:
    """Return a generator of its own for every part, so that one part's draws do not shift another's."""
    return np.random.default_rng([_STREAMS[part] if isinstance(part, str) else part for part in key])


def _rows(table: pa.Table, users: np.ndarray | None) -> pa.Table:
    return table if users is None else table.take(pa.array(users))


def _positions(plan: pa.Table, column: str, known: pa.Array | pa.ChunkedArray) -> np.ndarray:
    positions = pc.index_in(plan[column].cast(known.type), value_set=known)
    if positions.null_count:
        row = int(np.flatnonzero(np.asarray(pc.is_null(positions)))[0])
        raise InputError(
            "the plan names what this world does not have",
            row=row,
            column=column,
            value=plan[column][row].as_py(),
            mend="Give a plan that was made for this world",
        )
    return np.asarray(positions)
