"""highspy and ortools carry a HiGHS each; only some pairs of versions can share a process."""

import subprocess
import sys

import pytest

HIGHS = """
import highspy
highs = highspy.Highs()
highs.setOptionValue("output_flag", False)
x = highs.addVariable(ub=3.0)
highs.maximize(2 * x)
assert highs.getInfo().objective_function_value == 6.0
"""

ORTOOLS = """
from ortools.linear_solver import pywraplp
from ortools.math_opt.python import mathopt
from ortools.sat.python import cp_model
model = mathopt.Model()
y = model.add_variable(lb=0.0, ub=3.0)
model.maximize(2 * y)
assert abs(mathopt.solve(model, mathopt.SolverType.GLOP).objective_value() - 6.0) < 1e-9
"""


@pytest.mark.parametrize(
    "program", [HIGHS + ORTOOLS, ORTOOLS + HIGHS], ids=["highspy-first", "ortools-first"]
)
def test_highspy_and_ortools_work_in_one_process(program: str) -> None:
    """Whichever of the two is imported first, both load and solve 2x over x ≤ 3 to 6."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
