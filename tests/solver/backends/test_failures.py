"""A back end that fails or says what is not so: one of our exceptions, never a wrong answer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.instances.small import four_users

from couponry.instances import BackendError, Budget
from couponry.solver.backends import cpsat, cvxpy, pdlp
from couponry.solver.backends.linear import LinearProgram, Relaxed
from couponry.solver.clock import Clock
from couponry.solver.highs import Answer
from couponry.solver.integer import PairProgram
from couponry.solver.solution import Status
from couponry.solver.solve import solve


@pytest.mark.parametrize("module", [pdlp, cvxpy])
def test_false_word_of_a_linear_back_end(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a back end calls infeasible what fractions of plans keep, that is an error with its word."""
    method = module.__name__.rpartition(".")[2]

    def claims(problem: LinearProgram, clock: Clock, *, precision: float) -> Relaxed:
        return Relaxed(np.ones(problem.shape[0]), None, True, "infeasible")

    monkeypatch.setattr(module, "solve_linear", claims)
    with pytest.raises(BackendError) as caught:
        solve(four_users(Budget(amount=4)), method=method)
    assert str(caught.value) == f"{method} says 'infeasible', but fractions of plans keep all rules"


@pytest.mark.parametrize("module", [pdlp, cvxpy])
def test_true_word_needs_our_proof(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is right but its multipliers prove nothing, our own prices do."""

    def claims(problem: LinearProgram, clock: Clock, *, precision: float) -> Relaxed:
        return Relaxed(np.zeros(problem.shape[0]), None, True, "infeasible")

    monkeypatch.setattr(module, "solve_linear", claims)
    solution = solve(four_users(Budget(amount=1.5)), method=module.__name__.rpartition(".")[2])
    assert solution.status is Status.INFEASIBLE
    assert solution.infeasibility is not None
    assert solution.infeasibility.proof == "prices"


@pytest.mark.parametrize("module", [pdlp, cvxpy])
def test_useless_multipliers_still_bound(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a back end answers, the bound holds and the plan keeps the rules."""

    def nonsense(problem: LinearProgram, clock: Clock, *, precision: float) -> Relaxed:
        rows, columns = problem.shape
        return Relaxed(np.full(rows, np.nan), np.full(columns, 0.5), False, "optimal")

    monkeypatch.setattr(module, "solve_linear", nonsense)
    solution = solve(four_users(Budget(amount=4)), method=module.__name__.rpartition(".")[2])
    assert solution.value <= 1.1 + 1e-12
    assert solution.bound >= 1.1 - 1e-12


def test_false_word_of_an_integer_back_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a search says that there is no plan and enumeration finds one, that is an error."""

    def claims(self: PairProgram, clock: Clock, **limits: Any) -> tuple[None, Answer]:
        return None, Answer(None, np.inf, True, False)

    monkeypatch.setattr(cpsat.CpSatProgram, "solve", claims)
    with pytest.raises(BackendError) as caught:
        solve(four_users(Budget(amount=4)), method="cpsat")
    assert str(caught.value) == "cpsat says that no plan exists, but there is one"


def test_cvxpy_failure_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error inside CVXPY is told as a failure of it."""

    def fails(self: Any, **options: Any) -> None:
        raise cvxpy.cvx.SolverError("the solver broke")

    monkeypatch.setattr(cvxpy.cvx.Problem, "solve", fails)
    with pytest.raises(BackendError, match="CVXPY failed: the solver broke"):
        solve(four_users(Budget(amount=4)), method="cvxpy")


def test_pdlp_failure_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error inside OR-Tools is told as a failure of PDLP."""

    def fails(*given: Any, **options: Any) -> None:
        raise RuntimeError("INTERNAL: out of luck")

    monkeypatch.setattr(pdlp.mathopt, "solve", fails)
    with pytest.raises(BackendError, match="PDLP failed: INTERNAL: out of luck"):
        solve(four_users(Budget(amount=4)), method="pdlp")
