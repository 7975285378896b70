"""A small campaign with every kind of rule, solved, and its report: made once for all tests here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from couponry.instances import (
    Budget,
    Campaign,
    Coupons,
    Coverage,
    Exclusion,
    Instance,
    Parity,
    Response,
    ReturnFloor,
    Rule,
    Target,
    UserCap,
    Users,
)
from couponry.predictors.evaluate import Evaluation, uplift_by_quantile
from couponry.report import write_report
from couponry.solver.frontier import frontier
from couponry.solver.solution import Solution
from couponry.solver.solve import solve

_SCRIPT = "<script>alert('x')</script>"
_LONG = "SMS" + "x" * 80


@dataclass(frozen=True)
class Reported:
    """A report on disk and what it was written from."""

    instance: Instance
    solution: Solution
    page: Path

    @property
    def html(self) -> str:
        """The page's text."""
        return self.page.read_text(encoding="utf-8")


def _tiny(rules: tuple[Rule, ...] = (), **campaign: str) -> Instance:
    """Return three users and two coupons whose sums are easy.

    ====  ======  =======  =======  ======  ======
    user  region  value A  value B  cost A  cost B
    ====  ======  =======  =======  ======  ======
    u1    north   0.5      0.25     10      4
    u2    north   0.125    0.5      10      6
    u3    south   0.25     none     8       none
    ====  ======  =======  =======  ======  ======
    """
    menu = pd.DataFrame(
        {
            "coupon_id": ["A", "B"],
            "kind": ["threshold_off", "free_shipping"],
            "face_value": [30.0, np.nan],
            "threshold": [200.0, np.nan],
            "stock": [2.0, np.nan],
        }
    )
    value = np.array([[0.5, 0.25], [0.125, 0.5], [0.25, np.nan]])
    cost = np.array([[10.0, 4.0], [10.0, 6.0], [8.0, 1.0]])
    users = pa.table({"user_id": ["u1", "u2", "u3"], "region": ["north", "north", "south"]})
    response = Response({"value": value, "cost": cost, "revenue": 100 * value})
    return Instance(
        Coupons(menu), Users(users), response, rules, Campaign(**({"currency": "CNY"} | campaign))
    )


def _pairs(*given: tuple[str, str]) -> pa.Table:
    """Return a plan of (user, coupon)."""
    return pa.table({"user_id": [user for user, _ in given], "coupon_id": [coupon for _, coupon in given]})


def _campaign(users: int = 400, seed: int = 0, rules: tuple[Rule, ...] | None = None) -> Instance:
    """Draw a campaign with six coupons, some of hostile names, and every kind of rule but Keep."""
    rng = np.random.default_rng(seed)
    menu = pd.DataFrame(
        {
            "coupon_id": ["满200减30", "10 % off", _SCRIPT, "Free shipping", "=SUM(A1:A9)", _LONG],
            "kind": ["threshold_off", "percent_off", "gift", "free_shipping", "fixed_off", "percent_off"],
            "face_value": [30, 10, 15, np.nan, 8, 20],
            "threshold": [200, np.nan, np.nan, np.nan, np.nan, np.nan],
            "channel": ["app", "app", "app", "app", "app", "sms"],
            "stock": [60, np.nan, 50, np.nan, np.nan, 80],
            "minimum": [np.nan, np.nan, 20, np.nan, np.nan, np.nan],
        }
    )
    table = pa.table(
        {
            "user_id": [f"u{i:04d}" for i in range(users)],
            "region": rng.choice(["north", "east", "south & west"], users, p=[0.5, 0.3, 0.2]),
            "age_band": rng.choice(["18-25", "26-35", "36+"], users),
        }
    )
    taste = rng.gamma(2, 0.03, (users, 1)) * rng.uniform(0.1, 1.3, (users, 6))
    value = (taste * np.array([1.3, 0.9, 0.8, 0.5, 0.7, 1.1])).astype(np.float32)
    price = np.array([30, 18, 15, 8, 10, 25]) * (0.08 + value + rng.uniform(0, 0.15, (users, 6)))
    response = Response(
        {"value": value, "cost": price.astype(np.float32), "revenue": (120 * value).astype(np.float32)}
    )
    if rules is None:
        rules = (
            Budget(amount=800),
            Budget(name="text messages", amount=150, coupons={"channel": "sms"}),
            UserCap(coupons=2, money=15),
            Exclusion(by="kind"),
            Coverage(segment="region", at_least=0.2),
            Parity(segment="age_band", tolerance=0.05),
            ReturnFloor(ratio=1.5),
            Target(at_least=10),
        )
    return Instance(Coupons(menu), Users(table), response, rules, Campaign(name="Double 11", currency="CNY"))


def _policy_values() -> pd.DataFrame:
    """Return the values of three policies, as an evaluation hands them over."""
    return pd.DataFrame(
        {
            "policy": ["this plan", "rank by predicted response", "random 满减"],
            "snips": [0.0121, 0.0112, 0.0071],
            "snips_se": [0.0009, 0.0008, 0.0007],
            "dr": [0.0119, 0.0111, 0.0072],
            "dr_se": [0.0008, 0.0008, 0.0006],
            "share": [0.3, 0.3, 0.3],
        }
    )


def _evaluation() -> Evaluation:
    """Judge random scores by drawn outcomes of two coupons, the way a model is judged."""
    rng = np.random.default_rng(1)
    tables = []
    for name in ("满200减30", _LONG):
        uplift, treated = rng.normal(0.03, 0.02, 2000), rng.random(2000) < 0.5
        outcome = (rng.random(2000) < 0.1 + uplift * treated).astype(float)
        tables.append(uplift_by_quantile(outcome, uplift, treated).assign(coupon_id=name))
    deciles = pd.concat(tables, ignore_index=True)
    coupons = deciles.groupby("coupon_id", as_index=False, sort=False)[["predicted", "observed"]].mean()
    return Evaluation(
        4000, 0.3, coupons.assign(treated=1000), deciles, pd.DataFrame(), 0.01, _policy_values()
    )


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Instance]:
    """Three users and two coupons, with the rules given."""
    return _tiny


@pytest.fixture(scope="session")
def pairs() -> Callable[..., pa.Table]:
    """A plan of the pairs given."""
    return _pairs


@pytest.fixture(scope="session")
def draw_campaign() -> Callable[..., Instance]:
    """A drawn campaign, with the rules given."""
    return _campaign


def _chosen() -> pd.DataFrame:
    """Return what the plan's pairs were predicted to bring and brought, as an evaluation hands it over."""
    rows = [("all", "all"), ("coupon", "C0"), *(("predicted value", str(k + 1)) for k in range(5))]
    predicted = np.array([0.06, 0.06, 0.10, 0.08, 0.06, 0.04, 0.02])
    return pd.DataFrame(
        {
            "by": [by for by, _ in rows],
            "group": [group for _, group in rows],
            "pairs": [1000, 1000, 200, 200, 200, 200, 200],
            "given": [150, 150, 30, 30, 30, 30, 30],
            "without": [300, 300, 60, 60, 60, 60, 60],
            "predicted": predicted,
            "realised": 0.7 * predicted,
            "standard_error": [0.01, 0.01, 0.03, 0.03, 0.02, 0.02, 0.01],
            "cost_predicted": 3.0,
            "cost_realised": 3.1,
            "cost_standard_error": 0.2,
        }
    )


@pytest.fixture(scope="session")
def policy_values() -> pd.DataFrame:
    """Values of three policies."""
    return _policy_values()


@pytest.fixture(scope="session")
def solved() -> tuple[Instance, Solution]:
    """A campaign and its plan."""
    instance = _campaign()
    return instance, solve(instance, gap=1e-3)


@pytest.fixture(scope="session")
def reported(solved: tuple[Instance, Solution], tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """A report with every section that a feasible plan can have."""
    instance, solution = solved
    page = write_report(
        instance,
        solution,
        tmp_path_factory.mktemp("report"),
        evaluation=_evaluation(),
        frontier=frontier(instance, [400, 800, 1600], gap=1e-2),
        policies=_policy_values(),
        chosen=_chosen(),
        truth={"plan": 9.0, "oracle": 12.0, "random": 3.0},
        doubts=["column 'visits <30 days>' tells the outcome by itself"],
    )
    return Reported(instance, solution, page)


@pytest.fixture(scope="session")
def contradiction(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """A report on rules that no plan can meet: 50 conversions for 10 CNY."""
    instance = _campaign(rules=(Budget(amount=10), Target(at_least=50)))
    solution = solve(instance)
    return Reported(instance, solution, write_report(instance, solution, tmp_path_factory.mktemp("clash")))
