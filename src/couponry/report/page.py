"""The page: every section that there is something to say in, rendered into one file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import couponry
from couponry.instances.errors import require_extra
from couponry.report.allocation import Allocation
from couponry.report.formats import Formats
from couponry.report.rule_lines import RuleLine
from couponry.report.segments import legend, segment_tables
from couponry.report.summary import Summary
from couponry.report.tables import coupon_table, segment_table
from couponry.solver.solution import Infeasibility, Solution, Status
from couponry.solver.words import amount_words

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["SECTIONS", "render"]

SECTIONS = {
    "clashes": "What clashes",
    "budget": "Budget",
    "frontier": "What other budgets would bring",
    "rules": "Rules and their prices",
    "coupons": "Who gets what, by coupon",
    "segments": "Who gets what, by segment",
    "doubts": "What is doubtful about the log",
    "predictors": "How good the predictions are",
    "chosen": "What the chosen pairs bring",
    "policies": "Value on held-out users",
    "truth": "Against the truth",
    "solve": "The solve",
}
_KINDS = {
    "budget": ("Budgets", "No more than so much."),
    "target": ("Targets", "At least so much."),
    "stock": ("Stock", "Units of a coupon, between its minimum and its stock."),
    "coverage": ("Coverage", "Coupons in every group: at least, or at most, so many a head."),
    "parity": ("Parity", "In every group: per head no further from the overall figure than the tolerance."),
    "return_floor": ("Return", "Extra revenue must make up for cost so many times."),
    "keep": ("Stability", "So many pairs of the earlier plan stay, or so few users are changed."),
}
_PROOFS = {
    "prices": "Proven by prices: weighed with them, no plan can meet these rules taken together.",
    "enumeration": "Proven by trying every plan.",
    "search": "Found by a complete search with two different models.",
    "counts": "Found by counting: no number of coupons that the rules allow can be shared out so equally.",
}
_MOST_LINES = 14


@dataclass(frozen=True)
class RuleGroup:
    """The rules of one kind: those to show, and the rest, none of which binds."""

    heading: str
    explanation: str
    first: list[RuleLine]
    rest: list[RuleLine]


def render(
    solution: Solution, summary: Summary, allocation: Allocation | None, parts: Mapping[str, Any]
) -> str:
    """Return the page.

    Parameters
    ----------
    solution : Solution
    summary : Summary
    allocation : Allocation or None
        None where there is no plan.
    parts : mapping
        Further sections by name: ``frontier, doubts, predictors, chosen, policies, truth``; None is left
        out.
    """
    parts = {name: part for name, part in parts.items() if part}
    present = {name for name in parts if name in SECTIONS} | {"solve"}
    context: dict[str, Any] = dict(parts)
    if solution.infeasibility is not None:
        present.add("clashes")
        context |= {"infeasibility": solution.infeasibility, "proof": _proof(solution.infeasibility)}
    if allocation is not None:
        context |= _plan_context(summary, allocation)
        present |= {"coupons", "rules"}
        present |= {
            name
            for name in ("budget", "segments")
            if (summary.budgets if name == "budget" else context[name])
        }
    environment = _environment(summary.formats)
    return environment.get_template("report.html.j2").render(
        context,
        summary=summary,
        settled=solution.status is Status.OPTIMAL,
        sections={name: heading for name, heading in SECTIONS.items() if name in present},
        facts=_facts(solution, summary.formats),
        style=_style(),
        version=couponry.__version__,
    )


def _plan_context(summary: Summary, allocation: Allocation) -> dict[str, Any]:
    return {
        "coupon_table": coupon_table(summary, allocation),
        "segments": [
            segment_table(table, summary.formats) for table in segment_tables(allocation, summary.formats)
        ],
        "legend": legend(allocation),
        "rule_groups": _grouped(summary.rules),
    }


def _grouped(lines: list[RuleLine]) -> list[RuleGroup]:
    groups = []
    for kind, (heading, explanation) in _KINDS.items():
        own = [line for line in lines if line.kind == kind]
        if own:
            first = own if len(own) <= _MOST_LINES else [line for line in own if line.state != "room"]
            if not first:
                first = own[:_MOST_LINES]
            shown = {id(line) for line in first}
            groups.append(
                RuleGroup(heading, explanation, first, [line for line in own if id(line) not in shown])
            )
    return groups


def _facts(solution: Solution, formats: Formats) -> list[tuple[str, str]]:
    """Return the statistics of the solve that are there, in words."""
    stats = solution.stats
    phases = stats.get("seconds_by_phase") or {}
    memory = stats.get("peak_memory_mb")
    sources = {"prices": "the prices alone prove it", "search": "tightened by branch and bound"}
    facts = [
        ("Method", stats.get("method")),
        ("Users", _count(stats.get("users"), formats)),
        ("Coupons", _count(stats.get("coupons"), formats)),
        ("Rows", _count(stats.get("rows"), formats)),
        ("Passes over the data", _count(stats.get("passes"), formats)),
        ("Users settled last", _count(stats.get("core_users"), formats)),
        ("Bound", sources.get(str(stats.get("bound_source")))),
        ("Time", formats.seconds(stats.get("seconds")) if stats.get("seconds") is not None else None),
        ("Time by phase", ", ".join(f"{name} {formats.seconds(s)}" for name, s in phases.items())),
        ("Peak memory", f"{formats.count(memory)} MB" if memory is not None else None),
        ("Seed", stats.get("seed")),
    ]
    return [(name, str(text)) for name, text in facts if text not in (None, "")]


def _count(value: float | None, formats: Formats) -> str | None:
    return None if value is None else formats.count(value)


def _proof(infeasibility: Infeasibility) -> str:
    return _PROOFS.get(infeasibility.proof, infeasibility.proof)


def _environment(formats: Formats) -> Environment:
    jinja2 = require_extra("jinja2", "report")
    environment: Environment = jinja2.Environment(
        loader=jinja2.PackageLoader("couponry.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {
        "css": lambda share: f"{100 * share:.2f}%",
        "percent": formats.percent,
        "share": formats.share,
        "sentence": lambda words: words[:1].upper() + words[1:] + ("" if words.endswith(".") else "."),
        "activity": lambda line: amount_words(line.kind, line.measure, line.activity, formats),
        "allowed": lambda line: _allowed(line, formats),
    }
    return environment


def _allowed(line: RuleLine, formats: Formats) -> str:
    lower, upper = math.isfinite(line.lower), math.isfinite(line.upper)
    low, high = (amount_words(line.kind, line.measure, limit, formats) for limit in (line.lower, line.upper))
    if lower and upper and line.lower == -line.upper:
        return f"within ± {high}"
    if lower and upper:
        return f"{low} to {high}"
    sides = [f"at least {low}"] if lower else []
    sides += [f"at most {high}"] if upper else []
    return ", ".join(sides)


@cache
def _style() -> str:
    from importlib.resources import files

    return (files("couponry.report") / "templates" / "report.css").read_text(encoding="utf-8")
