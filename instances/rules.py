"""The ten rules that finance and planners write.

A rule checks itself when it is made, and raises :class:`couponry.instances.InputError`; whether the
segments, coupons and measures that it names exist is checked when it meets an instance
(:mod:`couponry.instances.compiler`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

import pyarrow as pa
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from couponry.instances.errors import InputError
from couponry.instances.rule_errors import rule_error

__all__ = [
    "Budget",
    "Campaign",
    "Coverage",
    "Exclusion",
    "Freeze",
    "Keep",
    "Parity",
    "ReturnFloor",
    "Rule",
    "Stock",
    "Target",
    "UserCap",
    "entry_name",
    "naming",
]

SINGLE = ("user_cap", "keep", "freeze")  # kinds that a rules file gives once, as [kind]


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


Scalar = str | int | float | bool
Finite = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_number)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), BeforeValidator(_number)]
Risk = Annotated[float, Field(gt=0, le=0.5, allow_inf_nan=False), BeforeValidator(_number)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), BeforeValidator(_number)]
WholeNotNegative = Annotated[int, Field(ge=0), BeforeValidator(_number)]


def _as_lists(value: Any) -> Any:
    """Read ``{region = "north"}`` as ``{region = ["north"]}``."""
    if not isinstance(value, Mapping):
        return value
    return {key: item if isinstance(item, list | tuple) else [item] for key, item in value.items()}


Attributes = Annotated[dict[str, list[Scalar]], BeforeValidator(_as_lists)]
CouponSelector = list[str] | Attributes


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)
    kind: ClassVar[str]

    @model_validator(mode="wrap")
    @classmethod
    def _told(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Raise InputError, as all bad input does."""
        try:
            return handler(data)
        except ValidationError as error:
            raise rule_error(error, cls.kind, cls.model_fields, data) from None


class Campaign(_Frozen):
    """What a campaign is called and what it is for.

    Attributes
    ----------
    name : str
    currency : str
        Unit of every cost and amount, such as ``"CNY"``.
    objective : str
        The measure that is optimised.
    sense : {"maximise", "minimise"}
    """

    kind: ClassVar[str] = "campaign"
    name: str = "campaign"
    currency: str = ""
    objective: str = "value"
    sense: Literal["maximise", "minimise"] = "maximise"

    @model_validator(mode="before")
    @classmethod
    def _turned_round(cls, data: Any) -> Any:
        """Read ``objective = { minimise = "cost" }``."""
        if isinstance(data, Mapping) and isinstance(data.get("objective"), Mapping):
            turned = dict(data["objective"])
            if len(turned) != 1 or next(iter(turned)) not in ("maximise", "minimise"):
                raise InputError(
                    "objective is a measure, or one measure with its direction",
                    column="objective",
                    value=data["objective"],
                    mend='Write objective = "value", or objective = { minimise = "cost" }',
                )
            sense, measure = turned.popitem()
            return {**data, "objective": measure, "sense": sense}
        return data


class _Rule(_Frozen):
    name: str | None = None


class _Scoped(_Rule):
    """A rule that may speak of some coupons and some users only."""

    coupons: CouponSelector | None = None
    users: Attributes | None = None


class Budget(_Scoped):
    """Σ measure ≤ amount over some coupons and users.

    The measure ``"liability"`` is the face value of all that is given: what it would cost were every coupon
    redeemed. With ``overspend_probability`` redemptions are taken as random, and the spend, not only the
    expected cost, stays within the amount but for this probability (:mod:`couponry.instances.risk`).
    """

    kind: ClassVar[str] = "budget"
    amount: NotNegative
    measure: str = "cost"
    overspend_probability: Risk | None = None

    @model_validator(mode="after")
    def _random_is_cost(self) -> Budget:
        if self.overspend_probability is not None and self.measure != "cost":
            raise InputError(
                "only a budget of cost can be overspent by chance",
                column="overspend_probability",
                value=self.overspend_probability,
                mend=f"Leave it out, or leave out measure = {self.measure!r}",
            )
        return self


class Target(_Scoped):
    """Σ measure ≥ at_least over some coupons and users."""

    kind: ClassVar[str] = "target"
    at_least: Finite
    measure: str = "value"


class Stock(_Rule):
    """Units of the chosen coupons together lie within [at_least, at_most]."""

    kind: ClassVar[str] = "stock"
    coupons: CouponSelector
    at_most: NotNegative | None = None
    at_least: NotNegative | None = None

    @model_validator(mode="after")
    def _some_side(self) -> Stock:
        return _check_sides(self, self.at_least, self.at_most)


class UserCap(_Rule):
    """At most ``coupons`` coupons a user, and expected cost of at most ``money`` a user."""

    kind: ClassVar[str] = "user_cap"
    coupons: WholeNotNegative = 1
    money: NotNegative | None = None


class Exclusion(_Rule):
    """A user gets at most one of a family: of each value of a menu column, or of a list of coupons."""

    kind: ClassVar[str] = "exclusion"
    by: str | None = None
    coupons: list[str] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Exclusion:
        if (self.by is None) == (self.coupons is None):
            raise InputError(
                "an exclusion speaks of a column of the menu or of some coupons",
                mend="Give either by = COLUMN or coupons = [IDS], not both",
            )
        return self


class Coverage(_Scoped):
    """In every group of a segment: units per head within [at_least, at_most]."""

    kind: ClassVar[str] = "coverage"
    segment: str
    at_least: NotNegative | None = None
    at_most: NotNegative | None = None

    @model_validator(mode="after")
    def _some_side(self) -> Coverage:
        return _check_sides(self, self.at_least, self.at_most)


class Parity(_Scoped):
    """In every group of a segment: measure per head within ± tolerance of the overall one."""

    kind: ClassVar[str] = "parity"
    segment: str
    tolerance: NotNegative
    measure: str = "count"


class ReturnFloor(_Scoped):
    """Σ revenue ≥ ratio × Σ cost."""

    kind: ClassVar[str] = "return_floor"
    ratio: NotNegative


class Keep(_Rule):
    """Stay near an earlier plan: keep a share of its pairs, change at most a share of the users, or both.

    ``plan`` is a plan file, or a table with ``user_id`` and ``coupon_id``. Of ``share``, pairs whose user or
    coupon is gone count as given up. ``changed_at_most`` is a share of the instance's users, of whom each may
    get one coupon at most: changed is who gets anything else than before, also who had nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
    kind: ClassVar[str] = "keep"
    plan: str | pa.Table
    share: Share | None = None
    changed_at_most: Share | None = None

    @model_validator(mode="after")
    def _some_limit(self) -> Keep:
        if self.share is None and self.changed_at_most is None:
            raise InputError(
                "the rule has no limit",
                mend="Give share, of the earlier pairs that stay, or changed_at_most, of the users",
            )
        return self


class Freeze(_Rule):
    """Users of an earlier plan, notified already, stay as they are: exactly those coupons, and no other.

    ``plan`` is a plan file, or a table with ``user_id`` and ``coupon_id``. What these users take counts in
    every rule and in the objective.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
    kind: ClassVar[str] = "freeze"
    plan: str | pa.Table


Rule = Budget | Target | Stock | UserCap | Exclusion | Coverage | Parity | ReturnFloor | Keep | Freeze

AnyRule = TypeVar("AnyRule")


def entry_name(rules: Sequence[Rule], position: int) -> str:
    """Return how a rules file names the rule at ``position``: ``[[budget]] 2``, or ``[keep]``."""
    kind = rules[position].kind
    count = sum(rule.kind == kind for rule in rules[: position + 1])
    return f"[{kind}]" if kind in SINGLE and count == 1 else f"[[{kind}]] {count}"


@contextmanager
def naming(rules: Sequence[Rule], position: int) -> Iterator[None]:
    """Say in an input error raised within which rule it is about."""
    try:
        yield
    except InputError as error:
        raise error.located(row=entry_name(rules, position)) from None


def _check_sides(rule: AnyRule, at_least: float | None, at_most: float | None) -> AnyRule:
    if at_least is None and at_most is None:
        raise InputError("the rule has no limit", mend="Give at_least, at_most, or both")
    if at_least is not None and at_most is not None and at_least > at_most:
        raise InputError(
            f"at_least is above at_most, {at_most:g}",
            column="at_least",
            value=at_least,
            mend="Lower it or raise at_most",
        )
    return rule
