"""Hold the solver's bound against HiGHS's linear optimum on a large drawn instance.

    python -m benchmarks.solver_bound --users 200000 --coupons 10 [--whole]

Two answers of HiGHS are printed. One is quick: the best fractional plan in which all users but ten thousand
have what the prices give them; the linear optimum lies between it and the bound. The other, with ``--whole``,
is the linear optimum itself, by the interior point method over everybody; for 200,000 users it takes the
better part of an hour on a busy machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from tests.solver.linear import linear_optimum, nearly_linear_optimum

import couponry as cp
from couponry.instances.generators import draw_instance


def timed(what: str, answer: Callable[[], float], bound: float) -> None:
    """Print what HiGHS found, how far it is from the bound, and the seconds."""
    start = time.perf_counter()
    found = answer()
    seconds = time.perf_counter() - start
    print(
        f"{what:<42}{found:>22.12f}   bound above it {(bound - found) / abs(found):>9.1e}   {seconds:>8.1f} s"
    )


def main() -> None:
    """Draw an instance, solve it, and print the bound beside HiGHS's optimum."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    asked.add_argument("--users", type=int, default=200_000)
    asked.add_argument("--coupons", type=int, default=10)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--gap", type=float, default=1e-4)
    asked.add_argument("--whole", action="store_true", help="the interior point method over everybody, too")
    given = asked.parse_args()
    instance = draw_instance(given.users, given.coupons, seed=given.seed)
    program = instance.program
    start = time.perf_counter()
    solution = cp.solve(instance, gap=given.gap)
    seconds = time.perf_counter() - start
    print(f"{given.users:,} users × {given.coupons} coupons, {len(program.rows)} rows, seed {given.seed}")
    print(f"value {solution.value:.12f}   bound {solution.bound:.12f}   gap {solution.gap:.1e}")
    print(f"solved in {seconds:.1f} s")
    multipliers, bound = solution.certificate.multipliers, solution.certificate.bound
    timed(
        "HiGHS, all but 10,000 users at the prices",
        lambda: nearly_linear_optimum(program, multipliers, open_users=10_000),
        bound,
    )
    if given.whole:
        timed("HiGHS, interior point over everybody", lambda: linear_optimum(program, solver="ipm"), bound)


if __name__ == "__main__":
    main()
