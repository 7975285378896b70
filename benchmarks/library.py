"""Solve the library's named instances, and keep what is better than the best known.

    python benchmarks/library.py                                   # all that are small, nothing is kept
    python benchmarks/library.py --names alike-5k nine-20k --keep  # update instances/library/best_known.toml
    python benchmarks/library.py --names easy-10m --describe --keep  # rows and fingerprint, without solving

Every plan is judged by ``couponry.verify``, which recomputes the bound from the multipliers by code of its
own; a plan that breaks a rule, or a bound that it does not confirm, is not kept.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

import couponry as cp
from couponry.instances import library
from couponry.instances.drawn.makers import earlier_plan
from couponry.instances.library.best_known import PATH, Known, improved, read_known, write_known
from couponry.instances.library.fingerprint import recipe_fingerprint

LARGEST = 200_000


def solved(name: str, *, method: str, gap: float, time_limit: float | None, seed: int) -> tuple[Known, float]:
    """Solve one instance and return what is now known of it, and the seconds that the solve took."""
    instance = library.make(name)
    start = time.perf_counter()
    solution = cp.solve(instance, method=method, gap=gap, time_limit=time_limit, seed=seed)
    seconds = time.perf_counter() - start
    if math.isnan(solution.value):
        return Known(rows=len(instance.program.rows), fingerprint=library.fingerprint(instance)), seconds
    found = cp.verify(instance, solution.plan, solution.certificate)
    if not found.ok or found.certificate is None:
        raise SystemExit(f"{name}: the plan is refused: {found.words()}")
    by_search = solution.stats["bound_source"] == "search"
    limit = "" if time_limit is None else f", time_limit={time_limit:g}"
    return Known(
        rows=len(instance.program.rows),
        fingerprint=library.fingerprint(instance),
        value=solution.value,
        bound=solution.bound if by_search else max(solution.bound, found.certificate.bound),
        bound_by="search" if by_search else "prices",
        found_by=f"couponry {cp.__version__}, method={method!r}, gap={gap:g}{limit}, seed={seed}",
    ), seconds


def described(name: str) -> Known:
    """Return rows and fingerprint of an instance without holding all of it."""
    recipe = library.entry(name).recipe
    plan = recipe.attained()
    first = recipe.block(0)
    earlier = earlier_plan(first.plan, first.users.ids, list(recipe.menu.table["coupon_id"]))
    for block in recipe.drawn():
        plan.add(block.plan, block.codes)
    # Every group has users in the first block, so its program has all rows.
    keep = (cp.Keep(plan=earlier, share=recipe.keep),) if recipe.keep else ()
    rules = (*recipe.rules(plan), *keep)
    part = cp.Instance(cp.Coupons(recipe.stocked_menu(plan)), first.users, first.response, rules)
    return Known(rows=len(part.program.rows), fingerprint=recipe_fingerprint(recipe))


def line(name: str, known: Known, seconds: float) -> str:
    """Return one row of what is printed."""
    gap = math.nan if known.gap is None else known.gap
    value = math.nan if known.value is None else known.value
    return (
        f"{name:<16}{known.rows or 0:>6}{value:>20.9f}{known.bound or math.nan:>20.9f}{gap:>10.1e}"
        f"  {known.bound_by:<8}{seconds:>9.1f}"
    )


def main() -> None:
    """Solve the instances asked for, print a table, and keep what is better if asked to."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--names", nargs="+", choices=library.names(), metavar="NAME")
    asked.add_argument("--method", default="auto")
    asked.add_argument("--gap", type=float, default=1e-6)
    asked.add_argument("--time-limit", type=float)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--keep", action="store_true", help="update the table")
    asked.add_argument("--describe", action="store_true", help="rows and fingerprint alone")
    asked.add_argument("--table", type=Path, default=PATH, help="the table to compare with and to update")
    given = asked.parse_args()
    names = given.names or [n for n in library.names() if library.entry(n).recipe.users <= LARGEST]
    print(f"{'instance':<16}{'rows':>6}{'value':>20}{'bound':>20}{'gap':>10}  {'bound by':<8}{'seconds':>9}")
    for name in names:
        if given.describe:
            new, seconds = described(name), math.nan
        else:
            new, seconds = solved(
                name, method=given.method, gap=given.gap, time_limit=given.time_limit, seed=given.seed
            )
        print(line(name, new, seconds))
        sys.stdout.flush()
        if given.keep:
            table = read_known(given.table)
            table[name] = improved(table.get(name, Known()), new)
            ordered = {each: table[each] for each in library.names() if each in table}
            write_known(ordered, given.table)


if __name__ == "__main__":
    main()
