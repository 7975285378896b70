"""``couponry demo``: everything at once, in a world whose truth is known."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from couponry.cli.console import figure, money, percent, print_table, progress_bars, say
from couponry.cli.interrupt import cancel_on_interrupt
from couponry.cli.options import Force, OutDirectory, Seed

if TYPE_CHECKING:
    from couponry.instances.instance import Instance
    from couponry.instances.progress import Report
    from couponry.instances.world import World
    from couponry.predictors.model import Model
    from couponry.solver.frontier import Frontier
    from couponry.solver.solution import Solution
    from couponry.solver.verify import Verification

__all__ = ["EXAMPLES", "demo"]

EXAMPLES = ("couponry demo --out out/demo", "couponry demo --out out/demo --users 100000 --seed 7 --force")

_EXPOSURES = 3
_HOLDOUT = 0.3
_GAP, _ROUGH_GAP = 1e-4, 1e-3
_ORACLE_SECONDS, _FRONTIER_SECONDS = 8.0, 10.0
_BUDGETS = 6


def demo(
    out: OutDirectory,
    users: Annotated[int, typer.Option("--users", metavar="N", help="Customers.", min=1000)] = 20_000,
    coupons: Annotated[int, typer.Option("--coupons", metavar="J", help="Coupons on the menu.", min=2)] = 8,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Draw a world, train on its log, predict, solve, verify and report, within a minute.

    What it makes are directories like any other: DIR/world, DIR/model, DIR/campaign and DIR/plan, on which
    the other commands can be run, and DIR/report.html.
    """
    from couponry.instances.atomic import check_free, write_directory

    check_free(out, force=force)
    began = time.perf_counter()
    with (
        cancel_on_interrupt() as cancel,
        progress_bars() as progress,
        write_directory(out, kind="demo", force=force) as folder,
    ):
        outcome = _Demo(folder, users, coupons, seed, progress, cancel).run()
    _show(outcome, time.perf_counter() - began)
    _show_commands(out)


@dataclass(frozen=True)
class _Outcome:
    """What the demo found.

    Attributes
    ----------
    truth : dict
        True conversions won by the ``plan``, by the ``oracle`` who knows every response, and at ``random``
        for the plan's money.
    """

    instance: Instance
    solution: Solution
    finding: Verification
    truth: dict[str, float]


class _Demo:
    """The steps, each writing a directory below ``folder``."""

    def __init__(
        self,
        folder: Path,
        users: int,
        coupons: int,
        seed: int,
        progress: Report | None,
        cancel: threading.Event,
    ) -> None:
        self.folder, self.seed, self.cancel = folder, seed, cancel
        self.sizes = users, coupons
        self.progress = progress

    def run(self) -> _Outcome:
        """Take all steps."""
        from couponry.cli.evaluation import judge_plan, read_holdout
        from couponry.report import write_report

        world = self._world()
        model = self._model()
        instance = self._instance(model, world)
        solution, finding = self._plan(instance)
        truth = self._truth(world, solution)
        self._step("report")
        evaluation, policies, chosen = judge_plan(model, read_holdout(self.folder / "model"), solution.plan)
        write_report(
            instance,
            solution,
            self.folder,
            evaluation=evaluation,
            policies=policies,
            chosen=chosen,
            frontier=self._frontier(instance),
            truth=truth,
        )
        return _Outcome(instance, solution, finding, truth)

    def _step(self, stage: str) -> None:
        """Say what comes next."""
        from couponry.instances.progress import Progress

        if self.progress is not None:
            self.progress(Progress(stage, 0, None))

    def _world(self) -> World:
        from couponry.instances.world import World

        self._step("world")
        world = World.draw(*self.sizes, self.seed)
        world.write(self.folder / "world", log=world.log(_EXPOSURES * len(world)))
        return world

    def _model(self) -> Model:
        from couponry.cli.train import train_and_write
        from couponry.instances.log import Log

        self._step("training")
        log = Log.read(self.folder / "world" / "log")
        folder = self.folder / "model"
        model, _ = train_and_write(log, folder, holdout=_HOLDOUT, seed=self.seed, progress=self.progress)
        return model

    def _instance(self, model: Model, world: World) -> Instance:
        from couponry.instances.files import read_rules, write_instance
        from couponry.instances.rules import Campaign
        from couponry.predictors.predict import predict

        self._give_up()
        rules = read_rules(self.folder / "world" / "truth" / "instance.toml")[1]
        campaign = Campaign(name="demo", currency="CNY")
        instance = predict(model, world.users_table(), world.coupons, rules, campaign, progress=self.progress)
        write_instance(instance, self.folder / "campaign")
        return instance

    def _plan(self, instance: Instance) -> tuple[Solution, Verification]:
        from couponry.solver.solution_files import write_solution
        from couponry.solver.solve import solve
        from couponry.solver.verify import verify

        self._give_up()
        # No time limit: the first solve on a machine compiles its kernels, which a busy one takes long for.
        solution = solve(instance, gap=_GAP, seed=self.seed, progress=self.progress, cancel=self.cancel)
        write_solution(solution, self.folder / "plan", campaign=instance.campaign)
        self._step("verify")
        return solution, verify(instance, solution.plan, solution.certificate)

    def _truth(self, world: World, solution: Solution) -> dict[str, float]:
        from couponry.solver.solve import solve

        self._step("oracle")
        true = world.instance()
        oracle = solve(true, gap=_ROUGH_GAP, time_limit=_ORACLE_SECONDS, cancel=self.cancel)
        worth = world.true_worth(solution.plan)
        value, cost = (float(true.response.measure(name).mean(dtype=float)) for name in ("value", "cost"))
        pairs = min(solution.plan.num_rows, worth["cost"] / cost)
        truth = {"plan": worth["value"], "random": pairs * value}
        if oracle.plan.num_rows:
            truth["oracle"] = world.true_worth(oracle.plan)["value"]
        return truth

    def _frontier(self, instance: Instance) -> Frontier:
        """Return as many points of the frontier as a few seconds give."""
        from couponry.solver.frontier import frontier

        stop = threading.Timer(_FRONTIER_SECONDS, self.cancel.set)
        stop.daemon = True
        stop.start()
        try:
            return frontier(
                instance, points=_BUDGETS, gap=_ROUGH_GAP, progress=self.progress, cancel=self.cancel
            )
        finally:
            stop.cancel()

    def _give_up(self) -> None:
        """End where Ctrl-C was pressed before there was a plan to keep."""
        if self.cancel.is_set():
            raise KeyboardInterrupt


def _show(outcome: _Outcome, seconds: float) -> None:
    solution, finding, truth = outcome.solution, outcome.finding, outcome.truth
    currency = outcome.instance.campaign.currency
    users = len(outcome.instance.users)
    rows = [
        ("Conversions won (predicted)", figure(solution.value), f"for {money(finding.cost, currency)}"),
        (
            "Best possible (proven)",
            figure(solution.bound),
            f"the plan is within {percent(solution.gap)} of it",
        ),
        ("Coupons given", f"{finding.given:,}", f"to {users:,} customers"),
        *_budget_rows(outcome),
        ("Rules", "all kept" if finding.ok else "BROKEN", "checked again by code that shares nothing"),
        ("Conversions won (true)", figure(truth["plan"]), "known, since the world was drawn"),
        ("  by an oracle", figure(truth.get("oracle")), "who knows every customer's true response"),
        ("  at random", figure(truth["random"]), "within the same money and number of coupons"),
    ]
    print_table(f"Demo, {seconds:.0f} s", ("", "", ""), rows)


def _budget_rows(outcome: _Outcome) -> list[tuple[str, str, str]]:
    currency = outcome.instance.campaign.currency
    prices = outcome.solution.prices
    budgets = prices[(prices["rule"] == "budget") & (prices["measure"] == "cost")]
    return [
        (
            f"Used of {row['name']}",
            percent(row["activity"] / row["upper"]),
            f"{money(row['activity'], currency)} of {money(row['upper'], currency)}",
        )
        for row in budgets.to_dict("records")
    ]


def _show_commands(out: Path) -> None:
    say()
    say("The same by hand:")
    world, rules = f"{out}/world", f"{out}/campaign/instance.toml"
    for command in (
        f"couponry train {world} --out model",
        f"couponry predict model {world}/users.parquet --rules {rules} --out campaign",
        "couponry solve campaign --out plan",
        "couponry verify campaign plan --certificate",
        "couponry report campaign plan --model model --out plan",
    ):
        say(f"  {command}")
    say("And then:")
    for command in (
        f"couponry explain {out}/campaign {out}/plan U0000000",
        f'couponry compare {out}/campaign --edit "budget x1.2" --edit "without parity"',
        f"couponry frontier {out}/campaign --out frontier.csv",
    ):
        say(f"  {command}")
    say()
    say(f"Report: {out / 'report.html'}")
