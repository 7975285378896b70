"""An instance as a Pyomo model that people read and extend."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from couponry.instances.errors import InputError, require_extra
from couponry.instances.instance import Instance
from couponry.instances.users import Users
from couponry.solver.choice_rows import cover_by_cliques
from couponry.solver.engine import Pairs
from couponry.solver.feasibility import pair_columns
from couponry.solver.integer import eligible_pairs
from couponry.solver.prices import PriceBook

if TYPE_CHECKING:
    import pyomo.environ as pyo

__all__ = ["OURS", "pair_keys", "to_pyomo"]

OURS = ("rule", "most_coupons", "exclusion", "money")
"""The model's constraints that are the instance's."""
TAKEN = {*OURS, "give", "objective", "USERS", "COUPONS", "ELIGIBLE", "USERS_IN"}


def to_pyomo(instance: Instance) -> pyo.ConcreteModel:
    """Write the integer program as a Pyomo model, for a planner to add to.

    Parameters
    ----------
    instance : Instance

    Returns
    -------
    pyomo.environ.ConcreteModel
        With the sets ``USERS``, ``COUPONS``, ``ELIGIBLE`` (pairs of ids) and ``USERS_IN[segment, value]``;
        the binary variables ``give[user, coupon]``; every measure of the response as a parameter over
        ``ELIGIBLE`` (``value``, ``cost``, …; ``measure_NAME`` where the name is taken); the constraints
        ``rule[name]``, ``most_coupons[user]``, ``exclusion[family, user]`` and ``money[user]``; and
        ``objective``. Rules that touch no eligible pair have no constraint.

    Raises
    ------
    InputError
        If a rule is no linear one: a budget at risk.
    MissingExtraError
        If Pyomo is not installed.

    Examples
    --------
    >>> model = cp.to_pyomo(instance)
    >>> gifts = [model.give[u, c] for u, c in model.ELIGIBLE if c.startswith("gift")]
    >>> model.few_gifts = pyo.Constraint(expr=sum(gifts) <= 0.1 * len(model.USERS))
    >>> cp.solve(instance, method="pyomo", model=model)
    """
    pyo = require_extra("pyomo.environ", "models")
    program = instance.program
    at_risk = [row.name for row in program.rows if row.risk is not None]
    if at_risk:
        raise InputError(
            f"rule {at_risk[0]!r} is a budget at risk, which no linear constraint says",
            mend="Drop its overspend_probability",
        )
    pairs = eligible_pairs(program, np.arange(program.n_users))
    keys = pair_keys(instance, pairs)
    model = pyo.ConcreteModel(name=instance.campaign.name)
    model.USERS = pyo.Set(initialize=instance.users.ids.to_pylist(), dimen=1)
    model.COUPONS = pyo.Set(initialize=list(instance.coupons.ids), dimen=1)
    model.ELIGIBLE = pyo.Set(initialize=keys, dimen=2)
    members = _members(instance.users)
    model.USERS_IN = pyo.Set(list(members), initialize=members, dimen=1)
    model.give = pyo.Var(model.ELIGIBLE, domain=pyo.Binary)
    _add_measures(model, instance, pairs, keys)
    give = np.array([model.give[key] for key in keys], dtype=object)
    _add_rows(model, instance, pairs, give)
    _add_choices(model, instance, pairs, give)
    classes, _, columns = pair_columns(program, pairs)
    model.objective = pyo.Objective(
        expr=_linear(columns.get(program.objective, np.ones(len(classes))), give),
        sense=pyo.maximize if program.sense > 0 else pyo.minimize,
    )
    return model


def pair_keys(instance: Instance, pairs: Pairs) -> list[tuple[Any, str]]:
    """Return the ids of each pair's user and coupon."""
    coupon = pair_columns(instance.program, pairs)[1]
    users = instance.users.ids.to_pylist()
    return [(users[i], instance.coupons.ids[j]) for i, j in zip(pairs.user, coupon, strict=True)]


def _members(users: Users) -> dict[tuple[str, Any], list[Any]]:
    """Return which users have each value of each column that can be a segment."""
    ids = np.array(users.ids.to_pylist(), dtype=object)
    members = {}
    for name in users.table.column_names:
        if name in ("user_id", "max_coupons"):
            continue
        try:
            segment = users.segment(name)
        except InputError:
            continue
        for code, label in enumerate(segment.labels):
            members[name, label] = ids[segment.codes == code].tolist()
    return members


def _add_measures(model: Any, instance: Instance, pairs: Pairs, keys: list[tuple[Any, str]]) -> None:
    pyo = require_extra("pyomo.environ", "models")
    for name, array in instance.response.measures.items():
        numbers = array[pairs.user, pairs.place].astype(np.float64).tolist()
        free = name.isidentifier() and name not in TAKEN and not hasattr(model, name)
        parameter = pyo.Param(
            model.ELIGIBLE, initialize=dict(zip(keys, numbers, strict=True)), domain=pyo.Any
        )
        model.add_component(name if free else f"measure_{name}", parameter)


def _linear(coefficients: np.ndarray, give: np.ndarray) -> Any:
    expressions = require_extra("pyomo.core.expr.numeric_expr", "models")
    return expressions.LinearExpression(
        constant=0, linear_coefs=coefficients.tolist(), linear_vars=give.tolist()
    )


def _side(limit: float) -> float | None:
    return float(limit) if math.isfinite(limit) else None


def _add_rows(model: Any, instance: Instance, pairs: Pairs, give: np.ndarray) -> None:
    pyo = require_extra("pyomo.environ", "models")
    program = instance.program
    classes, coupon, columns = pair_columns(program, pairs)
    # Frozen pairs are no variables: limits are what they leave.
    book = PriceBook(program)
    coefficients = book.coefficients(columns, classes, coupon)
    model.rule = pyo.Constraint([row.name for row in program.rows])
    for k, (row, numbers) in enumerate(zip(program.rows, coefficients, strict=True)):
        touched = np.flatnonzero(numbers)
        if len(touched):
            expression = _linear(numbers[touched], give[touched])
            model.rule[row.name] = (_side(book.lower[k]), expression, _side(book.upper[k]))


def _add_choices(model: Any, instance: Instance, pairs: Pairs, give: np.ndarray) -> None:
    """Add what one user may be given: the set X_i."""
    pyo = require_extra("pyomo.environ", "models")
    choices, ids = instance.program.choices, instance.users.ids.to_pylist()
    _, coupon, columns = pair_columns(instance.program, pairs)
    families = cover_by_cliques(choices.conflicts)
    model.most_coupons = pyo.Constraint(model.USERS)
    model.exclusion = pyo.Constraint(range(len(families)), model.USERS)
    model.money = pyo.Constraint(model.USERS)
    for i, own in _by_user(pairs):
        model.most_coupons[ids[i]] = (
            None,
            _linear(np.ones(len(own)), give[own]),
            int(choices.max_coupons[i]),
        )
        for f, family in enumerate(families):
            inside = own[family[coupon[own]]]
            if len(inside) > 1:
                model.exclusion[f, ids[i]] = (None, _linear(np.ones(len(inside)), give[inside]), 1)
        if math.isfinite(choices.money):
            model.money[ids[i]] = (None, _linear(columns["cost"][own], give[own]), float(choices.money))


def _by_user(pairs: Pairs) -> Iterator[tuple[int, np.ndarray]]:
    """Give each user with the positions of the user's pairs."""
    users, first = np.unique(pairs.user, return_index=True)
    if len(users):
        yield from zip(users.tolist(), np.split(np.arange(len(pairs.user)), first[1:]), strict=True)
