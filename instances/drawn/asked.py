"""What a caller may ask of a drawn instance, checked, as a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from couponry.instances.drawn import makers
from couponry.instances.drawn.makers import Maker
from couponry.instances.drawn.recipe import Recipe
from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.rules import Campaign

__all__ = ["DEFAULT_RULES", "RULE_NAMES", "Asked"]

DEFAULT_RULES = ("budget", "stock", "coverage", "parity")
RULE_NAMES = (
    "stock",
    "budget",
    "sms_budget",
    "target",
    "user_cap",
    "exclusion",
    "coverage",
    "parity",
    "return_floor",
    "keep",
)
"""Kinds of rule that can be asked for."""
DEFAULT_SEGMENTS = {"region": 6, "tier": 4, "age_band": 5}
COVERED = 0.35
TOLERANCE = 0.01
KEEP = 0.5


@dataclass(frozen=True)
class Asked:
    """Arguments of :func:`couponry.instances.generators.draw_instance`, which says what they mean.

    Raises
    ------
    InputError
        If a number is outside its range, or a rule or segment is not known.
    """

    users: int
    coupons: int
    seed: int
    segments: Mapping[str, int]
    rules: tuple[str, ...]
    budget_share: float
    shortlist: int | None
    eligible: float

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_shares()
        for rule in self.rules:
            if rule not in RULE_NAMES:
                raise InputError(
                    "unknown kind of rule", parameter="rules", value=rule, mend=did_you_mean(rule, RULE_NAMES)
                )
            if rule in ("coverage", "parity") and not self.segments:
                raise InputError(
                    f"{rule} needs a segment", parameter="segments", mend="Give at least one segment"
                )

    def _check_numbers(self) -> None:
        ranges: list[tuple[str, float, float, float]] = [
            ("users", self.users, 1, np.inf),
            ("coupons", self.coupons, 1, np.inf),
            *((f"segments[{name!r}]", count, 1, np.inf) for name, count in self.segments.items()),
            ("shortlist", self.coupons if self.shortlist is None else self.shortlist, 1, self.coupons),
        ]
        for name, number, least, most in ranges:
            if not least <= number <= most:
                raise InputError(
                    f"{name} must lie in [{least:g}, {most:g}]",
                    parameter=name,
                    value=number,
                    mend="Correct the number",
                )

    def _check_shares(self) -> None:
        for name, share, most in (
            ("budget_share", self.budget_share, np.inf),
            ("eligible", self.eligible, 1.0),
        ):
            if not 0 < share <= most or share == np.inf:
                raise InputError(
                    f"{name} must lie in (0, {most:g}]", parameter=name, value=share, mend="Correct the share"
                )

    @property
    def campaign(self) -> Campaign:
        """Name and currency."""
        return Campaign(name=f"drawn {self.users} × {self.coupons}", currency="CNY")

    @property
    def covered(self) -> float:
        """Share of users with a coupon in the reference plan."""
        return min(COVERED, 1.2 * self.budget_share)

    def makers(self) -> tuple[Maker, ...]:
        """Return what makes each rule, but for stock and keep."""
        names = list(self.segments)
        made: dict[str, Maker] = {
            "budget": makers.budget(self.budget_share),
            "sms_budget": makers.budget(self.budget_share / 2, channel="sms"),
            "target": makers.target,
            "user_cap": makers.user_cap(2),
            "exclusion": makers.exclusion,
            "return_floor": makers.return_floor,
        }
        if names:
            made["coverage"] = makers.coverage(names[0], COVERED)
            made["parity"] = makers.parity(names[-1], TOLERANCE)
        return tuple(made[rule] for rule in self.rules if rule in made)

    def recipe(self) -> Recipe:
        """Return the recipe that draws this block by block."""
        return Recipe(
            campaign=self.campaign,
            users=self.users,
            coupons=self.coupons,
            seed=self.seed,
            segments=self.segments,
            covered=self.covered,
            makers=self.makers(),
            keep=KEEP if "keep" in self.rules else 0.0,
            stocked=makers.stock if "stock" in self.rules else None,
            shortlist=self.shortlist,
            eligible=self.eligible,
        )
