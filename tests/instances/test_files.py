"""Whole instances on disk: what is read, what is written, and what is refused with which words."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.drawn import instances
from tests.instances.small import four_users, menu, people, responses

from couponry.instances import (
    Budget,
    Campaign,
    Coupons,
    Coverage,
    ExistsError,
    InputError,
    Instance,
    Keep,
    Response,
    Stock,
    Users,
    read_instance,
    write_instance,
    write_plan,
)
from couponry.instances.rules import Rule

RULES = """
[campaign]
name = "double-11"

[[budget]]
amount = 5
[[budget]]
amount = 3
users = { region = ["north"] }
"""
MENU = "coupon_id,channel,stock\nA,sms,2\nB,app,\n"
PEOPLE = "user_id,region\nu1,north\nu2,south\n"
PAIRS = "user_id,coupon_id,value,cost\nu1,A,0.1,1\nu1,B,0.2,2\nu2,A,0.3,1\nu2,B,0.4,2\n"


def by_hand(path: Path, **changed: str | None) -> Path:
    """Write the files that somebody would write by hand; None leaves one out."""
    files = {
        "instance_toml": RULES,
        "coupons_csv": MENU,
        "users_csv": PEOPLE,
        "responses_csv": PAIRS,
        **changed,
    }
    for name, content in files.items():
        if content is not None:
            (path / ".".join(name.rsplit("_", 1))).write_text(content, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    """Return what is said when this instance is refused, with paths from the instance on."""
    with pytest.raises(InputError) as caught:
        read_instance(path)
    return str(caught.value).replace(f"{path}/", "").replace(str(path), "HERE")


def content(path: Path) -> dict[str, bytes]:
    """Return every file below a directory."""
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def grouped(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return rules kind by kind, as a file has them."""
    kinds = list(dict.fromkeys(rule.kind for rule in rules))
    return tuple(sorted(rules, key=lambda rule: kinds.index(rule.kind)))


def cells(table: pd.DataFrame) -> dict[str, list[Any]]:
    """Return a table's cells with None for every gap."""
    return {
        str(name): [None if gap else cell for cell, gap in zip(table[name], table[name].isna(), strict=True)]
        for name in table
    }


def same(one: Instance, other: Instance) -> None:
    """Assert that two instances hold the same."""
    assert one.campaign == other.campaign
    assert grouped(one.rules) == grouped(other.rules)
    assert cells(one.coupons.table) == cells(other.coupons.table)
    assert one.users.table.equals(other.users.table)
    assert list(one.response.measures) == list(other.response.measures)
    for name, array in one.response.measures.items():
        np.testing.assert_array_equal(array, other.response.measures[name])
        assert array.dtype == other.response.measures[name].dtype
    assert (one.response.coupon is None) == (other.response.coupon is None)
    if one.response.coupon is not None:
        np.testing.assert_array_equal(one.response.coupon, other.response.coupon)


# -------------------------------------------------------------------------- what is read


def test_directory_by_hand(tmp_path: Path) -> None:
    """Rules, menu, users and pairs come together."""
    instance = read_instance(by_hand(tmp_path))
    assert instance.campaign.name == "double-11"
    assert instance.rules == (Budget(amount=5), Budget(amount=3, users={"region": ["north"]}))
    assert (instance.coupons.ids, instance.coupons.stock.tolist()) == (["A", "B"], [2, np.inf])
    assert instance.users.segment("region").labels == ("north", "south")
    assert instance.response.measure("value").tolist() == [[0.1, 0.2], [0.3, 0.4]]
    assert [row.name for row in instance.program.rows] == ["stock A", "budget", "budget (2)"]


def test_rules_file_stands_for_its_directory(tmp_path: Path) -> None:
    """Naming ``instance.toml`` means the instance: rules, menu, users and pairs."""
    named = read_instance(by_hand(tmp_path) / "instance.toml")
    assert named.rules == (Budget(amount=5), Budget(amount=3, users={"region": ["north"]}))
    assert (named.coupons.ids, named.users.ids.to_pylist()) == (["A", "B"], ["u1", "u2"])
    assert named.response.measure("value").tolist() == [[0.1, 0.2], [0.3, 0.4]]
    same(named, read_instance(str(tmp_path)))


def test_long_table_alone(tmp_path: Path) -> None:
    """A table is an instance without rules."""
    instance = read_instance(by_hand(tmp_path) / "responses.csv")
    assert (instance.coupons.ids, instance.users.ids.to_pylist()) == (["A", "B"], ["u1", "u2"])
    assert (instance.rules, instance.campaign) == ((), Campaign())
    table = pa.table({"user_id": ["u1"], "coupon_id": ["A"], "value": [0.5], "cost": [1.0]})
    pq.write_table(table, tmp_path / "table.parquet")
    assert read_instance(tmp_path / "table.parquet").response.measure("cost").tolist() == [[1.0]]


def test_parquet_in_place_of_csv(tmp_path: Path) -> None:
    """Each table may be the one or the other."""
    by_hand(tmp_path, coupons_csv=None, users_csv=None)
    pq.write_table(pa.Table.from_pandas(menu().table.head(2)), tmp_path / "coupons.parquet")
    pq.write_table(
        pa.table({"user_id": ["u2", "u1"], "region": ["south", "north"]}), tmp_path / "users.parquet"
    )
    instance = read_instance(tmp_path)
    assert (instance.coupons.ids, instance.users.ids.to_pylist()) == (["A", "B"], ["u2", "u1"])


def test_earlier_plan_stands_beside_the_rules(tmp_path: Path) -> None:
    """The plan's path counts from the instance's directory, wherever one reads from."""
    by_hand(tmp_path, instance_toml='[keep]\nplan = "last/plan.csv"\nshare = 0.5\n')
    write_plan(pa.table({"user_id": ["u2"], "coupon_id": ["B"]}), tmp_path / "last" / "plan.csv")
    assert read_instance(tmp_path).program.columns["kept"].tolist() == [[0, 0], [0, 1]]


def test_instance_behind_a_url(tmp_path: Path) -> None:
    """A directory on any file system that fsspec knows is read like a local one, earlier plan and all."""
    plan = people().table.append_column("coupon_id", [["A"] * 4])
    write_instance(four_users(Keep(plan=plan, share=0.5)), tmp_path / "x")
    memory = fsspec.filesystem("memory")
    try:
        memory.put(str(tmp_path / "x"), "/campaign", recursive=True)
        same(read_instance("memory://campaign"), read_instance(tmp_path / "x"))
    finally:
        memory.rm("/campaign", recursive=True)
    with pytest.raises(InputError, match=r"^memory://campaign: there is no such instance\."):
        read_instance("memory://campaign")


# ----------------------------------------------------------------------- what is written


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    instances(), st.sampled_from([1, 2, 1000]), st.text('aé"\n ', max_size=3), st.sampled_from(["", "CNY"])
)
def test_round_trip(
    tmp_path_factory: pytest.TempPathFactory, instance: Instance, shard_rows: int, name: str, currency: str
) -> None:
    """What is written is read again: all kinds of rules, earlier plans, shortlists, gaps and objectives."""
    campaign = instance.campaign.model_copy(update={"name": name, "currency": currency})
    instance = replace(instance, campaign=campaign)
    path = tmp_path_factory.mktemp("instance") / "here"
    write_instance(instance, path, shard_rows=shard_rows)
    again = read_instance(path)
    same(again, instance)
    assert len(list((path / "users").iterdir())) == -(-len(instance.users) // shard_rows)
    write_instance(again, path, force=True, shard_rows=1000)
    same(read_instance(path), instance)


def test_files_of_an_instance(tmp_path: Path) -> None:
    """The directory is what the format says, and no more."""
    plan = pa.table({"user_id": ["u1"], "coupon_id": ["A"]})
    write_instance(four_users(Keep(plan=plan, share=1), Budget(amount=9)), tmp_path / "x")
    assert sorted(content(tmp_path)) == [
        "x/.couponry",
        "x/coupons.csv",
        "x/instance.toml",
        "x/keep.parquet",
        "x/users/part-0000.parquet",
    ]
    assert (tmp_path / "x" / "instance.toml").read_text() == (
        '[campaign]\nname = "campaign"\ncurrency = ""\nobjective = "value"\n\n'
        '[keep]\nplan = "keep.parquet"\nshare = 1.0\n\n[[budget]]\namount = 9.0\nmeasure = "cost"\n'
    )


def test_earlier_plan_that_was_a_file_is_taken_along(tmp_path: Path) -> None:
    """The directory stands for itself when the earlier plan's file is gone."""
    plan = pa.table({"user_id": ["u1"], "coupon_id": ["A"]})
    write_plan(plan, tmp_path / "plan.parquet")
    keep = Keep(plan=str(tmp_path / "plan.parquet"), share=1, changed_at_most=0.25, name="calm")
    write_instance(four_users(keep), tmp_path / "x")
    (tmp_path / "plan.parquet").unlink()
    assert read_instance(tmp_path / "x").rules == (keep.model_copy(update={"plan": plan}),)


def test_shards_of_a_size(tmp_path: Path) -> None:
    """A shard holds at least one user."""
    with pytest.raises(InputError, match=r"a shard holds at least one user \(got 0\)"):
        write_instance(four_users(), tmp_path / "x", shard_rows=0)


def test_output_that_holds_something_else(tmp_path: Path) -> None:
    """A directory with somebody's files is refused; with ``force`` those files stay."""
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ExistsError) as caught:
        write_instance(four_users(), tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: the output exists already: a directory that is not empty. "
        "Choose another place, or give force=True"
    )
    assert content(tmp_path) == {"thesis.txt": b"mine"}
    write_instance(four_users(), tmp_path, force=True)
    write_instance(four_users(), tmp_path, force=True)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    same(read_instance(tmp_path), four_users())


def test_former_shards_do_not_mix_with_new_ones(tmp_path: Path) -> None:
    """Four shards are written over by one: only its user, and only its file, are there."""
    write_instance(four_users(), tmp_path / "x", shard_rows=1)
    assert len(list((tmp_path / "x" / "users").iterdir())) == 4
    small = Instance(menu(), people().take(np.array([0])), responses().take(np.array([0])))
    write_instance(small, tmp_path / "x", force=True)
    again = read_instance(tmp_path / "x")
    assert again.users.ids.to_pylist() == ["u1"]
    assert [file.name for file in (tmp_path / "x" / "users").iterdir()] == ["part-0000.parquet"]
    same(again, small)


def test_instance_that_cannot_be_written_leaves_the_former_one(tmp_path: Path) -> None:
    """A refusal half way through loses nothing."""
    write_instance(four_users(), tmp_path / "x")
    before = content(tmp_path)
    wrong = Instance(menu(), people(cost=[1, 2, 3, 4]), responses())
    with pytest.raises(InputError, match="a segment has the name of a measure"):
        write_instance(wrong, tmp_path / "x", force=True)
    assert content(tmp_path) == before


def test_full_disk_leaves_the_former_instance(tmp_path: Path) -> None:
    """A write that the system cuts short is told, and the instance before it is whole to the last byte."""
    write_instance(four_users(Budget(amount=1)), tmp_path / "x")
    before = content(tmp_path)
    program = """
import resource, sys
import numpy as np, pandas as pd, pyarrow as pa
from couponry.instances import Coupons, InputError, Instance, Response, Users, write_instance

n = 20_000
random = np.random.default_rng(0).random((n, 5))
coupons = Coupons(pd.DataFrame({"coupon_id": list("ABCDE")}))
users = Users(pa.table({"user_id": np.arange(n)}))
instance = Instance(coupons, users, Response({"value": random, "cost": random}))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    write_instance(instance, sys.argv[1], force=True)
except InputError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "x")], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"{tmp_path / 'x'}: cannot be written: [Errno 27]")
    assert content(tmp_path) == before


# ----------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"responses_csv": PAIRS.replace("cost", "price")},
            (
                "responses.csv, column 'cost': a column is missing. "
                "Add it; columns found: user_id, coupon_id, value, price"
            ),
        ),
        (
            {"instance_toml": "[[budget]]\namount = 5\nscope = 1\n"},
            (
                "instance.toml, [[budget]] 1, column 'scope': unknown key (got 1). "
                "Known: name, coupons, users, amount, measure, overspend_probability"
            ),
        ),
        (
            {"instance_toml": RULES.replace('"north"', '"nroth"')},
            (
                "instance.toml, [[budget]] 2, column 'region': no user has this value of segment 'region' "
                "(got 'nroth'). Did you mean 'north'? Known: north, south"
            ),
        ),
        (
            {"instance_toml": RULES.replace("region", "regoin")},
            (
                "instance.toml, [[budget]] 2, column 'regoin': the users have no such segment. "
                "Did you mean 'region'? Known: region"
            ),
        ),
        (
            {"instance_toml": '[[stock]]\ncoupons = ["A", "D"]\nat_most = 1\n'},
            (
                "instance.toml, [[stock]] 1, column 'coupon_id': no such coupon in the menu (got 'D'). "
                "Known: A, B"
            ),
        ),
        (
            {"instance_toml": '[campaign]\nobjective = "profit"\n'},
            (
                "instance.toml, [campaign], column 'objective': the responses have no such measure "
                "(got 'profit'). Known: value, cost"
            ),
        ),
        (
            {"instance_toml": "[[return_floor]]\nratio = 1\n"},
            (
                "instance.toml, [[return_floor]] 1, column 'revenue': the response has no such measure. "
                "Known: value, cost"
            ),
        ),
        (
            {"instance_toml": "[[budget]]\namount = -5\n"},
            (
                "instance.toml, [[budget]] 1, column 'amount': must be greater than or equal to 0 (got -5). "
                "Correct amount"
            ),
        ),
        (
            {"coupons_csv": "coupon_id,stock\nA,2\nB,-1\n"},
            (
                "coupons.csv, row 1 (line 3), column 'stock': stock must be a number of at least 0 (got -1). "
                "Correct it, or leave the cell empty where there is no limit"
            ),
        ),
        (
            {"coupons_csv": "coupon_id\nA\nB\nA\n"},
            (
                "coupons.csv, row 2 (line 4), column 'coupon_id': this coupon stands in the menu twice "
                "(got 'A'). Give each coupon one row"
            ),
        ),
        (
            {"coupons_csv": "coupon_id\nA\n", "instance_toml": ""},
            (
                "responses.csv, row 1 (line 3), column 'coupon_id': this id is not in the menu (got 'B'). "
                "Add it there or drop the row. Known: A"
            ),
        ),
        (
            {"users_csv": f"{PEOPLE}u1,east\n"},
            (
                "users.csv, row 2 (line 4), column 'user_id': this user stands there twice, "
                "the first time 2 rows above (got 'u1'). Give each user one row"
            ),
        ),
        (
            {"users_csv": "user_id,region\nu1,north\nu2,\n"},
            (
                "users.csv, row 1 (line 3), column 'region': a user has no value in a segment that a rule "
                "mentions. Fill it, for instance with 'unknown'"
            ),
        ),
        (
            {"responses_csv": PAIRS.replace("0.3,1", "0.3,")},
            (
                "responses.csv, row 2 (line 4), column 'cost': "
                "cost of an eligible pair must be a finite number (got nan). "
                "Correct it, or leave the pair's value empty to make it not eligible"
            ),
        ),
        ({"responses_csv": ""}, "responses.csv: the file is empty. Give a line of column names and the rows"),
        ({"coupons_csv": ""}, "coupons.csv: the file is empty. Give a line of column names and the rows"),
        (
            {"instance_toml": None},
            (
                "HERE: there is no instance.toml here. "
                "An empty one means no rules; found: coupons.csv, responses.csv, users.csv"
            ),
        ),
        (
            {"coupons_csv": None},
            "HERE: there is no menu here. Add coupons.csv or coupons.parquet with a column coupon_id",
        ),
        (
            {"responses_csv": None},
            (
                "HERE: there are no responses here. "
                "Add users/part-*.parquet, or responses.csv or responses.parquet"
            ),
        ),
        (
            {"instance_toml": '[keep]\nplan = "last.parquet"\nshare = 1\n'},
            "last.parquet: there is no such plan. Give a plan written by 'couponry solve'",
        ),
    ],
)
def test_files_by_hand_that_are_refused(tmp_path: Path, changed: dict[str, str | None], message: str) -> None:
    """Each slip is told by file, row or entry, column and value, with the mend."""
    assert refusal(by_hand(tmp_path, **changed)) == message


def rewrite(file: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change a Parquet file."""
    pq.write_table(change(pq.read_table(file)), file)


def with_cell(name: str, row: int, place: int, value: float) -> Callable[[pa.Table], pa.Table]:
    """Return a change of one number in a user's list."""

    def change(table: pa.Table) -> pa.Table:
        lists = table[name].to_pylist()
        lists[row][place] = value
        return table.set_column(table.column_names.index(name), name, pa.array(lists, table[name].type))

    return change


MANY = 20  # users a shard


def sharded(path: Path) -> Path:
    """Write forty users in two shards, and return the second."""
    index = np.arange(2 * MANY) % 4
    table = (
        people().table.take(pa.array(index)).set_column(0, "user_id", [[f"u{i}" for i in range(2 * MANY)]])
    )
    instance = Instance(
        menu(), Users(table), responses().take(index), (Coverage(segment="region", at_least=0),)
    )
    write_instance(instance, path, shard_rows=MANY)
    return path / "users" / "part-0001.parquet"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_cost_that_is_not_finite(tmp_path: Path, value: float) -> None:
    """A NaN cost in row 17 of the second shard is told as just that."""
    rewrite(sharded(tmp_path / "x"), with_cell("cost", 17, 0, value))
    assert refusal(tmp_path / "x") == (
        "users/part-0001.parquet, row 17, column 'cost': cost of an eligible pair must be a finite number "
        f"(place 0 of the user's list) (got {value}). "
        "Correct it, or set the pair's value to NaN to make it not eligible"
    )


def test_segment_with_a_gap(tmp_path: Path) -> None:
    """A user whom a rule would pass over is told by shard and row."""
    region = [["north"] * 3 + [None] + ["south"] * (MANY - 4)]
    rewrite(sharded(tmp_path / "x"), lambda table: table.set_column(1, "region", region))
    assert refusal(tmp_path / "x") == (
        "users/part-0001.parquet, row 3, column 'region': a user has no value in a segment that a rule "
        "mentions. Fill it, for instance with 'unknown'"
    )


def test_duplicate_user(tmp_path: Path) -> None:
    """A user of the first shard is not a user of the second."""
    ids = [["u3", *(f"u{i}" for i in range(MANY + 1, 2 * MANY))]]
    rewrite(sharded(tmp_path / "x"), lambda table: table.set_column(0, "user_id", ids))
    assert refusal(tmp_path / "x") == (
        "users/part-0001.parquet, row 0, column 'user_id': this user stands there twice, "
        f"the first time {MANY - 3} rows above (got 'u3'). Give each user one row"
    )


def test_shards_that_disagree(tmp_path: Path) -> None:
    """A shard without a column that the first one has is named."""
    rewrite(sharded(tmp_path / "x"), lambda table: table.drop_columns(["tier"]))
    assert refusal(tmp_path / "x") == (
        "users/part-0001.parquet, column 'tier': this shard has no such column, which part-0000.parquet has. "
        "Write all shards with the same columns"
    )


def test_truncated_shard(tmp_path: Path) -> None:
    """A shard that was cut short is named."""
    file = sharded(tmp_path / "x")
    file.write_bytes(file.read_bytes()[:-10])
    message = refusal(tmp_path / "x")
    assert message.startswith("users/part-0001.parquet: the Parquet file is damaged or was cut short: ")
    assert message.endswith("Write or copy it again")


def test_shortlist_outside_the_menu(tmp_path: Path) -> None:
    """A position beyond the menu is told by shard and row."""
    coupon = np.array([[0], [1], [2], [3]], dtype=np.int32)
    lists = {name: array[:, :1] for name, array in responses().measures.items()}
    wide = Coupons(pd.DataFrame({"coupon_id": ["A", "B", "C", "D"]}))
    write_instance(Instance(wide, people(), Response(lists, coupon)), tmp_path / "x", shard_rows=3)
    (tmp_path / "x" / "coupons.csv").write_text("coupon_id\nA\nB\nC\n")
    assert refusal(tmp_path / "x") == (
        "users/part-0001.parquet, row 0, column 'coupon': a shortlist names a coupon outside the menu of 3 "
        "(got 3). Use positions from 0, and -1 for an empty place"
    )


def test_menu_that_does_not_fit_the_lists(tmp_path: Path) -> None:
    """A coupon taken out of the menu and not out of the responses is told of the users' directory."""
    sharded(tmp_path / "x")
    (tmp_path / "x" / "coupons.csv").write_text("coupon_id\nA\nB\n")
    assert refusal(tmp_path / "x") == (
        "users: the response has 3 places a user but the menu 2 coupons. "
        "Give one place a coupon, or a 'coupon' list that says which coupon each place is"
    )


def test_two_of_a_thing(tmp_path: Path) -> None:
    """Which of two menus or two responses holds cannot be known."""
    sharded(tmp_path / "x")
    (tmp_path / "x" / "responses.csv").write_text(PAIRS)
    assert (
        refusal(tmp_path / "x") == "HERE: both users/ and responses.csv are here. Remove the one out of date"
    )
    pq.write_table(pa.table({"coupon_id": ["A"]}), tmp_path / "x" / "coupons.parquet")
    assert refusal(tmp_path / "x") == (
        "HERE: both coupons.csv and coupons.parquet are here. Remove the one that is out of date"
    )


def test_no_instance(tmp_path: Path) -> None:
    """Nothing, and a file of another kind, are no instances."""
    assert refusal(tmp_path / "nothing") == (
        "HERE: there is no such instance. "
        "Give a directory with instance.toml, or a long table user_id, coupon_id, value, cost"
    )
    (tmp_path / "plan.xlsx").write_bytes(b"x")
    assert refusal(tmp_path / "plan.xlsx") == (
        "HERE: a table is a .csv or a .parquet file (got '.xlsx'). Convert it"
    )


def test_rules_of_an_instance_that_was_written(tmp_path: Path) -> None:
    """Stock over a list of coupons and a plain budget, edited by hand, are read from the same directory."""
    write_instance(four_users(Stock(coupons=["A", "B"], at_most=3)), tmp_path / "x")
    toml = tmp_path / "x" / "instance.toml"
    toml.write_text(toml.read_text().replace("at_most = 3.0", "at_most = 1"))
    assert read_instance(tmp_path / "x").rules == (Stock(coupons=["A", "B"], at_most=1),)
