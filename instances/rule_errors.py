"""A rule that cannot be, told in the words of couponry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from couponry.instances.errors import InputError, did_you_mean

__all__ = ["rule_error"]

_SELECTORS = {
    "coupons": ("must be a list of coupon ids, or { COLUMN = VALUE }", 'Write coupons = { channel = "sms" }'),
    "users": ("must be { SEGMENT = VALUE }", 'Write users = { region = ["north", "east"] }'),
}


def rule_error(error: ValidationError, kind: str, keys: Iterable[str], given: object) -> InputError:
    """Return what pydantic found as an input error about the first thing to mend.

    Parameters
    ----------
    error : ValidationError
    kind : str
        What was to be made, such as ``"budget"``.
    keys : iterable of str
        The keys that it knows.
    given : object
        What it was to be made of.
    """
    found = error.errors(include_url=False)
    first = min(found, key=lambda one: one["type"] != "extra_forbidden")
    key = str(first["loc"][0]) if first["loc"] else None
    if first["type"] == "extra_forbidden":
        return InputError("unknown key", column=key, value=first["input"], mend=did_you_mean(key, keys))
    if first["type"] == "missing":
        return InputError(
            f"a {kind} needs {key}", column=key, mend=f"Add {key} = …, beside {', '.join(_given(given))}"
        )
    if key in _SELECTORS and not (kind == "user_cap" and key == "coupons"):
        problem, mend = _SELECTORS[key]
        value = given.get(key) if isinstance(given, Mapping) else first["input"]
        return InputError(problem, column=key, value=value, mend=mend)
    return InputError(
        _problem(first),
        column=key,
        value=first["input"] if key else None,
        mend=f"Correct {key}" if key else f"Keys of a {kind}: {', '.join(keys)}",
    )


def _given(given: object) -> list[str]:
    return [str(key) for key in given] if isinstance(given, Mapping) and given else ["the rest"]


def _problem(first: ErrorDetails) -> str:
    context: Mapping[str, Any] = first.get("ctx", {})
    if first["type"] == "value_error":
        return str(context["error"])
    return first["msg"].replace("Input should be", "must be")
