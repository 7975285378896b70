"""A solution on disk: ``plan.parquet``, ``certificate.json``, ``summary.json``.

The plan is for campaign tooling, the certificate for whoever doubts the bound, the summary for people and
scripts. Together they give back the :class:`~couponry.solver.solution.Solution`, so that explaining and
reporting need no second solve.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from couponry.instances.atomic import write_directory
from couponry.instances.errors import InfeasibleError, InputError, NoSolutionError
from couponry.instances.plan import read_plan, write_plan
from couponry.solver.solution import Cell, Certificate, Solution, Status, StoppedBy, StreamedSolution

if TYPE_CHECKING:
    from couponry.instances.instance import Instance
    from couponry.instances.rules import Campaign

__all__ = [
    "PLAN",
    "check_same_rows",
    "read_certificate",
    "read_certificate_record",
    "read_solution",
    "write_records",
    "write_solution",
]

_COLUMNS = (
    "name",
    "rule",
    "position",
    "measure",
    "scope",
    "activity",
    "lower",
    "upper",
    "price",
    "words",
)
_FURTHER = ("position", "scope")
PLAN, _CERTIFICATE, _SUMMARY = "plan.parquet", "certificate.json", "summary.json"
_MEND = "Write it again with 'couponry solve'"


def write_solution(
    solution: Solution, path: str | Path, *, campaign: Campaign, csv: bool = False, force: bool = False
) -> None:
    """Write a solution as a directory, aside first and then renamed.

    Parameters
    ----------
    solution : Solution
    path : str or Path
    campaign : Campaign
        Of the instance: the certificate names the objective that it proves.
    csv : bool
        Write the plan as ``plan.csv`` too.
    force : bool
        Overwrite what stands there.

    Raises
    ------
    InfeasibleError, NoSolutionError
        If there is no plan to write; a former plan stays.
    ExistsError
        If ``path`` holds something and ``force`` is not given.
    """
    if solution.status is Status.INFEASIBLE:
        raise InfeasibleError(
            solution.infeasibility.words if solution.infeasibility else solution.stopped_by.words
        )
    if solution.status is Status.NO_SOLUTION:
        raise NoSolutionError(f"There is no plan to write. {solution.stopped_by.words}")
    with write_directory(path, kind="plan", force=force) as folder:
        write_plan(solution.plan, folder / PLAN)
        if csv:
            write_plan(solution.plan, folder / "plan.csv")
        write_records(solution, folder, campaign)


def write_records(solution: Solution | StreamedSolution, folder: Path, campaign: Campaign) -> None:
    """Write the certificate and the summary beside a plan."""
    _write_json(folder / _CERTIFICATE, _certificate_record(solution, campaign))
    _write_json(folder / _SUMMARY, _summary_record(solution))


def read_solution(path: str | Path) -> Solution:
    """Read what :func:`write_solution` wrote.

    Raises
    ------
    InputError
        If a file is missing, damaged, or speaks of other rows than its neighbour.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError("there is no such plan directory", file=folder, mend=_MEND)
    summary = _read_json(folder / _SUMMARY)
    file = folder / _SUMMARY
    prices = _prices(_entry(summary, "rules", list, file), file)
    certificate = read_certificate(folder)
    if list(certificate.names) != list(prices["name"]):
        raise InputError(
            "the certificate and the summary speak of different rows", file=folder / _CERTIFICATE, mend=_MEND
        )
    return Solution(
        status=_member(Status, summary, "status", file),
        stopped_by=_member(StoppedBy, summary, "stopped_by", file),
        value=_number(summary, "value", file, np.nan),
        bound=_number(summary, "bound", file, certificate.bound),
        gap=_number(summary, "gap", file, np.inf),
        plan=read_plan(folder),
        prices=prices,
        certificate=certificate,
        stats=_entry(summary, "stats", dict, file),
    )


def read_certificate(path: str | Path) -> Certificate:
    """Read ``certificate.json`` of a plan directory.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    file = Path(path) / _CERTIFICATE
    record = read_certificate_record(path)
    unproven = np.inf if _entry(record, "sense", str, file) == "maximise" else -np.inf
    multipliers = _entry(record, "multipliers", dict, file)
    return Certificate(
        names=tuple(multipliers),
        multipliers=np.array([_number(multipliers, name, file) for name in multipliers], dtype=np.float64),
        bound=_number(record, "certificate_bound", file, unproven),
        deviations=_numbers(record.get("deviations") or {}, file),
        cells=tuple(_cell(cell, file, unproven) for cell in record.get("cells") or ()),
    )


def _cell(record: Any, file: Path, unproven: float) -> Cell:
    record = record if isinstance(record, dict) else {}
    infeasible = _entry(record, "infeasible", bool, file)
    deviations = {}
    for name, sides in _entry(record, "deviations", dict, file).items():
        low, high = sides if isinstance(sides, list) and len(sides) == 2 else (None, None)
        ends = {"least": low, "most": high}
        deviations[name] = _number(ends, "least", file), _number(ends, "most", file, np.inf)
    return Cell(
        deviations=deviations,
        multipliers=_numbers(_entry(record, "multipliers", dict, file), file),
        bound=_number(record, "bound", file, -unproven if infeasible else unproven),
        infeasible=infeasible,
    )


def _numbers(record: dict[str, Any], file: Path) -> dict[str, float]:
    return {name: _number(record, name, file) for name in record}


def read_certificate_record(path: str | Path) -> dict[str, Any]:
    """Read ``certificate.json`` as it stands, for a check that trusts nothing in it.

    Raises
    ------
    InputError
        If it is missing or is no JSON object.
    """
    return _read_json(Path(path) / _CERTIFICATE)


def check_same_rows(instance: Instance, certificate: Certificate) -> None:
    """Refuse a certificate that was made for other rules than the instance's.

    Raises
    ------
    InputError
        Naming the first row that only one of them has.
    """
    own = [row.name for row in instance.program.rows]
    if own == list(certificate.names):
        return
    differing = [name for name in own if name not in certificate.names]
    differing += [name for name in certificate.names if name not in own]
    raise InputError(
        "the plan was made for other rules than this instance has",
        value=differing[0] if differing else "the rows' order",
        mend="Solve the instance again, or give the instance that the plan was made for",
    )


def _certificate_record(solution: Solution | StreamedSolution, campaign: Campaign) -> dict[str, Any]:
    certificate = solution.certificate
    return {
        "objective": campaign.objective,
        "sense": campaign.sense,
        "value": solution.value,
        "bound": solution.bound,
        "gap": solution.gap,
        "bound_source": solution.stats.get("bound_source"),
        "certificate_bound": certificate.bound,
        "multipliers": dict(zip(certificate.names, certificate.multipliers.tolist(), strict=True)),
        **_risk_record(certificate),
    }


def _risk_record(certificate: Certificate) -> dict[str, Any]:
    """Return what only a certificate with budgets at risk has; a cell without an upper end has ``null``."""
    if not certificate.cells:
        return {}
    return {
        "deviations": dict(certificate.deviations),
        "cells": [
            {
                "deviations": {name: list(sides) for name, sides in cell.deviations.items()},
                "multipliers": dict(cell.multipliers),
                "bound": cell.bound,
                "infeasible": cell.infeasible,
            }
            for cell in certificate.cells
        ],
    }


def _summary_record(solution: Solution | StreamedSolution) -> dict[str, Any]:
    """Return the summary with what else the solution knows: where rows come from, and all statistics."""
    summary = solution.summary()
    for rule, row in zip(summary["rules"], solution.prices.to_dict("records"), strict=True):
        rule |= {name: row[name] for name in _FURTHER}
    return summary | {"stats": solution.stats}


def _prices(rules: list[Any], file: Path) -> pd.DataFrame:
    rules = [rule if isinstance(rule, dict) else {} for rule in rules]
    absent = {"activity": np.nan, "lower": -np.inf, "upper": np.inf, "price": np.nan}
    columns: dict[str, Any] = {
        name: [_entry(rule, name, str, file) for rule in rules]
        for name in ("name", "rule", "measure", "scope", "words")
    }
    columns["position"] = np.array([_entry(rule, "position", int, file) for rule in rules], dtype=np.int64)
    for name, otherwise in absent.items():
        columns[name] = np.array([_number(rule, name, file, otherwise) for rule in rules], dtype=np.float64)
    return pd.DataFrame(columns)[[*_COLUMNS]]


def _write_json(file: Path, record: dict[str, Any]) -> None:
    text = json.dumps(_plain(record), indent=2, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")


def _read_json(file: Path) -> dict[str, Any]:
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("a plan directory lacks this file", file=file, mend=_MEND) from None
    except (OSError, ValueError) as error:
        raise InputError(f"the file cannot be read: {error}", file=file, mend=_MEND) from error
    if not isinstance(record, dict):
        raise InputError("the file does not hold what 'couponry solve' writes", file=file, mend=_MEND)
    return record


def _entry(record: dict[str, Any], key: str, kind: type, file: Path) -> Any:
    if not isinstance(record.get(key), kind):
        raise InputError(
            "the file lacks an entry, or it is of another kind", file=file, column=key, mend=_MEND
        )
    return record[key]


def _number(record: dict[str, Any], key: str, file: Path, absent: float | None = None) -> float:
    value = record.get(key)
    if value is None and absent is not None and key in record:
        return absent
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise InputError("not a number", file=file, column=key, value=value, mend=_MEND)
    return float(value)


def _member(kind: type, record: dict[str, Any], key: str, file: Path) -> Any:
    try:
        return kind(record.get(key))
    except ValueError:
        raise InputError("unknown word", file=file, column=key, value=record.get(key), mend=_MEND) from None


def _plain(value: Any) -> Any:
    """Return what JSON can hold: numpy's numbers as Python's own, NaN and infinities as None."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
