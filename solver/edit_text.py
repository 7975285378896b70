"""Edits in words.

An edit is written as text, the same on the command line and in Python::

    budget x1.2                 the budget times 1.2 (also ×1.2)
    budget -10%                 a tenth less
    budget sms 50000            the budget named "sms" set to an amount
    parity age_band 0.05        also: target, coverage, return floor, keep
    stock C3 x2                 the menu's stock of a coupon
    user cap 2                  at most two coupons a user
    user cap money 30           at most so much cost a user
    without C3                  a coupon is given to nobody
    without parity              a rule is dropped
    with coverage segment = "region", at_least = 0.05      a rule is added, in the words of instance.toml
"""

from __future__ import annotations

import re
import tomllib

from couponry.instances.errors import InputError, did_you_mean
from couponry.instances.instance_toml import RULE_KINDS, parse_rules
from couponry.instances.rules import Rule
from couponry.solver.edits import (
    AddRule,
    Amount,
    CapUsers,
    ChangeRule,
    ChangeStock,
    Edit,
    Remove,
    label_key,
)

__all__ = ["parse_edit"]

_AMOUNT = re.compile(r"(?P<what>.+?)\s+(?P<amount>[x×*]?\s*\d[\d_,.]*(e-?\d+)?|[+-]\s*\d[\d.]*\s*%)")
_MEND = "Write for instance 'budget x1.2', 'budget 50000', 'without C3', 'user cap 2' or 'parity 0.05'"


def parse_edit(text: str) -> Edit:
    """Read an edit from text; the module's docstring has the forms.

    Raises
    ------
    InputError
        If the text is none of them.
    """
    words = text.strip()
    if words.startswith("without "):
        return Remove(words.removeprefix("without ").strip())
    if words.startswith("with "):
        return AddRule(_parse_rule(words.removeprefix("with ").strip()))
    found = _AMOUNT.fullmatch(words)
    if found is None:
        raise InputError("this edit cannot be read", value=text, mend=_MEND)
    what, amount = " ".join(found["what"].split()), _parse_amount(found["amount"], text)
    if label_key(what) in ("user_cap", "user_cap_money"):
        return _parse_cap(what, amount, text)
    if label_key(what).startswith("stock_"):
        return ChangeStock(what.split(maxsplit=1)[1], amount)
    return ChangeRule(what, amount)


def _parse_amount(written: str, text: str) -> Amount:
    digits = written.replace(" ", "").replace(",", "").replace("_", "")
    try:
        if digits.endswith("%"):
            return Amount(1 + float(digits[:-1]) / 100, relative=True)
        if digits[0] in "x×*":
            return Amount(float(digits[1:]), relative=True)
        return Amount(float(digits))
    except ValueError:
        raise InputError("this edit's number cannot be read", value=text, mend=_MEND) from None


def _parse_cap(what: str, amount: Amount, text: str) -> CapUsers:
    if amount.relative:
        raise InputError("a user cap is set to a number", value=text, mend="Write 'user cap 2'")
    if label_key(what) == "user_cap_money":
        return CapUsers(money=amount.number)
    if amount.number != int(amount.number):
        raise InputError("a user gets a whole number of coupons", value=text, mend="Write 'user cap 2'")
    return CapUsers(coupons=int(amount.number))


def _parse_rule(text: str) -> Rule:
    kind, _, body = text.partition(" ")
    if kind not in RULE_KINDS:
        raise InputError("unknown kind of rule", value=kind, mend=did_you_mean(kind, RULE_KINDS))
    inside = body.strip().removeprefix("{").removesuffix("}")
    try:
        document = tomllib.loads(f"{kind} = {{ {inside} }}")
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"the rule cannot be read: {error}",
            value=text,
            mend="Write it as in instance.toml, such as: with target at_least = 500, measure = 'count'",
        ) from error
    return parse_rules(document)[1][0]
