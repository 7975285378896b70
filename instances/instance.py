"""The instance: coupons, users' responses and rules; everything that a solve needs."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from functools import cached_property

from couponry.instances.compiler import compile_program
from couponry.instances.coupons import Coupons
from couponry.instances.errors import InputError
from couponry.instances.program import Program
from couponry.instances.response import Response
from couponry.instances.rules import Campaign, Rule
from couponry.instances.users import Users

__all__ = ["Instance"]


@dataclass(frozen=True)
class Instance:
    """Everything that a solve needs.

    Attributes
    ----------
    coupons : Coupons
    users : Users
    response : Response
    rules : tuple of Rule
    campaign : Campaign

    Raises
    ------
    InputError
        If the parts do not fit each other.
    """

    coupons: Coupons
    users: Users
    response: Response
    rules: tuple[Rule, ...] = ()
    campaign: Campaign = field(default_factory=Campaign)

    def __post_init__(self) -> None:
        if self.response.shape[0] != len(self.users):
            raise InputError(
                f"the response has {self.response.shape[0]:,} rows but there are {len(self.users):,} users",
                mend="Give one row of response a user, in the users' order",
            )
        self.response.check(len(self.coupons))
        if self.campaign.objective != "count":
            self.response.measure(self.campaign.objective)

    @cached_property
    def program(self) -> Program:
        """The integer program that the rules make; compiled on first use."""
        return compile_program(self)

    def with_program(self, program: Program, rules: tuple[Rule, ...] | None = None) -> Instance:
        """Return the same instance with another program than the one that its rules make.

        Parameters
        ----------
        program : Program
        rules : tuple of Rule, optional
            The rules that make the program, where they are others.
        """
        other = copy(self)
        other.__dict__["program"] = program
        if rules is not None:
            other.__dict__["rules"] = rules
        return other

    def __repr__(self) -> str:
        return f"Instance({len(self.users):,} users × {len(self.coupons)} coupons, {len(self.rules)} rules)"
