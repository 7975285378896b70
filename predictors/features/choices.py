"""What a caller may choose for a column, and for which kinds of column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from couponry.instances.errors import InputError, did_you_mean
from couponry.predictors.features.date_formats import check_date_format

__all__ = ["KINDS", "Choice", "Clip", "Kind", "Missing", "Unseen", "check_choice", "choices_of"]

Kind = Literal["number", "money", "category", "flag", "date", "text", "events", "series"]
Missing = Literal["indicator", "median", "mean", "most_frequent", "interpolate", "drop_rows", "drop_column"]
Unseen = Literal["other", "missing", "refuse"]
Clip = tuple[float, float]

KINDS: tuple[Kind, ...] = get_args(Kind)
_DROPS = ("drop_rows", "drop_column")
_MISSING: dict[str, tuple[str, ...]] = {
    "number": ("indicator", "median", "mean", "interpolate", *_DROPS),
    "money": ("indicator", "median", "mean", "interpolate", *_DROPS),
    "flag": ("indicator", "median", "mean", "interpolate", *_DROPS),
    "date": ("indicator", "median", "mean", *_DROPS),
    "category": ("indicator", "most_frequent", *_DROPS),
    "text": ("indicator", *_DROPS),
    "events": ("indicator", *_DROPS),
    "series": ("indicator", "interpolate", *_DROPS),
}
_CLIPPED = ("number", "money", "date")
_NOT_FEATURES = ("coupon", "ignore")


@dataclass(frozen=True)
class Choice:
    """What is chosen for one column.

    Attributes
    ----------
    kind : str, optional
        One of :data:`KINDS`; or ``"coupon"``, a column of the log that describes the coupon given and not the
        user, or ``"ignore"``. Without it the kind is read off the cells.
    missing : str
        What becomes of gaps. ``"indicator"``: the median and a column that marks them (a slot of their own
        in a category; NaN for trees). ``"median"``, ``"mean"``, ``"most_frequent"``: that alone.
        ``"interpolate"``: what training rows had about the same time; in a series, between its neighbours.
        ``"drop_rows"``: training does without such rows. ``"drop_column"``: without the column.
    unseen : {"other", "missing", "refuse"}
        What a category that training never saw is taken for.
    clip : tuple of two floats, optional
        Quantiles of the training rows, such as ``(0.01, 0.99)``, to which numbers are pulled in.
    format : str, optional
        How dates are written, in the words of :meth:`datetime.datetime.strptime`, such as ``"%d/%m/%Y"``;
        without it, as ISO 8601 has them. A column that has one is of dates.
    time : str, optional
        For ``"interpolate"``: the column that holds the time. In a series, a column of lists as long.
    """

    kind: str | None = None
    missing: Missing = "indicator"
    unseen: Unseen = "other"
    clip: Clip | None = None
    time: str | None = None
    format: str | None = None

    @property
    def is_feature(self) -> bool:
        """Whether the column says something of the user."""
        return self.kind not in _NOT_FEATURES


def choices_of(columns: Mapping[str, Any] | None) -> dict[str, Choice]:
    """Read what a caller chose: for each column a kind, or a table of choices.

    Raises
    ------
    InputError
        If a key or a value is not known.
    """
    return {str(name): _choice(str(name), given) for name, given in (columns or {}).items()}


def check_choice(name: str, kind: str, choice: Choice) -> None:
    """Refuse what a column of this kind cannot have.

    Raises
    ------
    InputError
        Naming the column, the choice and what there is to choose from.
    """
    if choice.missing not in _MISSING[kind]:
        raise InputError(
            f"gaps of a column of kind {kind} cannot be filled so",
            column=name,
            value=choice.missing,
            mend=f"Choose one of: {', '.join(_MISSING[kind])}",
        )
    if choice.clip is not None and kind not in _CLIPPED:
        raise InputError(
            f"a column of kind {kind} has no quantiles to be clipped at",
            column=name,
            value=list(choice.clip),
            mend="Take clip away, or name another kind",
        )
    if choice.unseen != "other" and kind != "category":
        raise InputError(
            f"a column of kind {kind} has no unseen categories",
            column=name,
            value=choice.unseen,
            mend="Take unseen away, or say kind = 'category'",
        )
    if choice.format is not None and kind != "date":
        raise InputError(
            f"a column of kind {kind} has no format of dates",
            column=name,
            value=choice.format,
            mend="Take format away, or say kind = 'date'",
        )
    if choice.time is not None and choice.missing != "interpolate":
        raise InputError(
            "a time is of no use here", column=name, value=choice.time, mend="Say missing = 'interpolate' too"
        )


def _choice(name: str, given: Any) -> Choice:
    if isinstance(given, Choice):
        return given
    table = {"kind": given} if isinstance(given, str) else given
    if not isinstance(table, Mapping):
        raise InputError(
            "a column's choices are a kind or a table",
            column=name,
            value=given,
            mend="Write for instance {'kind': 'money', 'missing': 'mean'}",
        )
    known = [field.name for field in fields(Choice)]
    for key in table:
        if key not in known:
            raise InputError("no such choice", column=name, value=key, mend=did_you_mean(key, known))
    _check_word(name, "unknown kind of feature", table.get("kind"), (*KINDS, *_NOT_FEATURES))
    _check_word(name, "unknown way to fill gaps", table.get("missing"), get_args(Missing))
    _check_word(name, "unknown way to take unseen categories", table.get("unseen"), get_args(Unseen))
    _check_word(name, "a time is the name of a column", table.get("time"), None)
    if table.get("format") is not None:
        check_date_format(name, table["format"])
        table = {"kind": "date", **table}
    clip = table.get("clip")
    return Choice(**{**table, "clip": None if clip is None else _clip(name, clip)})


def _check_word(name: str, problem: str, word: object, known: Sequence[str] | None) -> None:
    if word is None or (isinstance(word, str) and (known is None or word in known)):
        return
    raise InputError(problem, column=name, value=word, mend=did_you_mean(word, known) if known else None)


def _clip(name: str, given: Any) -> Clip:
    pair = tuple(given) if isinstance(given, list | tuple) else ()
    numbers = all(isinstance(q, int | float) and not isinstance(q, bool) for q in pair)
    if len(pair) != 2 or not numbers or not 0 <= pair[0] < pair[1] <= 1:
        raise InputError(
            "clip is two quantiles, the lower first, within 0 and 1",
            column=name,
            value=given,
            mend="Write for instance [0.01, 0.99]",
        )
    return (float(pair[0]), float(pair[1]))
