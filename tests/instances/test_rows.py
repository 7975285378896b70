"""Classes of users, and sums over their demand."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.instances.small import people

from couponry.instances import Classes, InputError, Row, Term, Users


def test_without_segments_all_users_are_one_class() -> None:
    """No rule mentions a segment: one class of four."""
    classes = Classes.of(people(), [])
    assert (classes.codes.tolist(), classes.sizes.tolist(), len(classes.table)) == ([0, 0, 0, 0], [4], 1)
    assert classes.select(None, people()).tolist() == [True]


def test_classes_are_the_combinations_that_occur() -> None:
    """East 1, north 1, north 2, south 1: four of the six combinations, in the labels' order."""
    classes = Classes.of(people(), ["region", "tier"])
    assert classes.table.to_dict("list") == {
        "region": ["east", "north", "north", "south"],
        "tier": [1, 1, 2, 1],
    }
    assert classes.codes.tolist() == [1, 2, 3, 0]
    assert classes.codes.dtype == np.int32
    assert classes.sizes.tolist() == [1, 1, 1, 1]


def test_sizes_count_users() -> None:
    """Two users live in the north."""
    assert Classes.of(people(), ["region"]).sizes.tolist() == [1, 2, 1]


def test_selection_of_classes() -> None:
    """All conditions hold, each with alternatives."""
    users = people()
    classes = Classes.of(users, ["region", "tier"])
    assert classes.select({"region": ["north", "east"]}, users).tolist() == [True, True, True, False]
    assert classes.select({"region": ["north"], "tier": [1]}, users).tolist() == [False, True, False, False]
    assert classes.select({"region": ["south"], "tier": [2]}, users).tolist() == [False] * 4
    assert classes.select({}, users).tolist() == [True] * 4
    with pytest.raises(InputError, match=r"no user has this value of segment 'tier' \(got 3\)"):
        classes.select({"tier": [3]}, users)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("xyz"), st.integers(0, 2), st.booleans()), min_size=1, max_size=12))
def test_every_user_has_the_values_of_its_class(rows: list[tuple[str, int, bool]]) -> None:
    """A class's row of the table holds the segment values of each of its users; sizes add up."""
    columns = {"a": [r[0] for r in rows], "b": [r[1] for r in rows], "c": [r[2] for r in rows]}
    users = Users(pa.table({"user_id": list(range(len(rows))), **columns}))
    classes = Classes.of(users, ["a", "b", "c"])
    seen = [tuple(classes.table.iloc[code]) for code in classes.codes]
    assert seen == rows
    assert classes.sizes.tolist() == np.bincount(classes.codes, minlength=len(classes.table)).tolist()
    assert len(classes.table) == len(set(rows))


@pytest.mark.parametrize("values", [40, 1500])
def test_classes_of_many_values(values: int) -> None:
    """With few combinations or with millions classes are those that occur, in the labels' order."""
    # 1,500 × 1,500 combinations are far more than there are users; 40 × 40 are fewer.
    rng = np.random.default_rng(values)
    one, two = (np.concatenate([np.arange(values), rng.integers(0, values, 2000)]) for _ in range(2))
    users = Users(pa.table({"user_id": np.arange(len(one)), "one": one, "two": rng.permutation(two)}))
    classes = Classes.of(users, ["one", "two"])
    seen = pd.DataFrame({name: users.table[name].to_numpy() for name in ("one", "two")})
    order = {name: {v: at for at, v in enumerate(users.segment(name).labels)} for name in ("one", "two")}
    ranked = seen.apply(lambda column: column.map(order[column.name]))
    assert classes.codes.tolist() == ranked.groupby(["one", "two"]).ngroup().tolist()
    assert classes.codes.dtype == np.int32
    assert classes.sizes.tolist() == ranked.groupby(["one", "two"]).size().tolist()
    assert classes.table.iloc[classes.codes].astype(int).to_numpy().tolist() == seen.to_numpy().tolist()


def test_activity_sums_weighted_demand() -> None:
    """1·1·5 + 1·2·6 + 2·1·7 + 2·2·8 = 63 of cost, less half of it for count: 63 − ½·(1 + 2 + 2 + 4)."""
    cost = Term("cost", np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    count = Term("count", np.array([-0.5, -1.0]), np.array([1.0, 2.0]))
    row = Row("r", "budget", 0, "cost", (cost, count), -np.inf, 63)
    demand = {"cost": np.array([[5.0, 6.0], [7.0, 8.0]]), "count": np.ones((2, 2))}
    assert cost.weights().tolist() == [[1, 2], [2, 4]]
    assert row.activity(demand) == 63 - 4.5


def test_table_of_no_segments_has_one_empty_row() -> None:
    """The table has a row a class, also where there are no columns."""
    pd.testing.assert_index_equal(Classes.of(people(), []).table.index, pd.RangeIndex(1))
