"""Earlier plans laid beside users who are read part by part."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.instances.on_disk import drawn, opened

from couponry.instances import InputError, aligned_plan
from couponry.instances.aligned_plan import AlignedPlan, align, ids_of
from couponry.instances.kept import earlier_pairs
from couponry.instances.plan import write_plan
from couponry.instances.shards import PartSource

USERS = 600
MENU = [f"C{j:02}" for j in range(6)]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> PartSource:
    """Return six hundred users in shards of seventy."""
    return opened(drawn(USERS), tmp_path_factory.mktemp("users") / "a", 70).source


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every Parquet file for one whose rows must be in order."""
    monkeypatch.setattr(aligned_plan, "HELD", 0)


def name(user: int) -> str:
    """Return the id of the user at a position."""
    return f"u{user:07d}"


def table(*pairs: tuple[int | str, str]) -> pa.Table:
    """Return a plan; numbers are users' positions."""
    ids = [name(user) if isinstance(user, int) else user for user, _ in pairs]
    return pa.table({"user_id": ids, "coupon_id": [coupon for _, coupon in pairs]})


def found(plan: AlignedPlan, source: PartSource) -> list[tuple[int, str]]:
    """Return the pairs that a reading of all users finds, by their positions."""
    reader, pairs = plan.reader(), []
    for part in source.read(["user_id"]):
        earlier = reader(part.first, len(part), ids_of(part))
        assert (np.diff(earlier.user) >= 0).all()
        pairs += zip((part.first + earlier.user).tolist(), earlier.coupon.to_pylist(), strict=True)
    return pairs


def test_ids_are_as_thought(source: PartSource) -> None:
    """The first user of all and the last are called as these tests call them."""
    parts = [ids_of(part) for part in source.read(["user_id"])]
    assert (parts[0][0].as_py(), parts[-1][-1].as_py()) == (name(0), name(USERS - 1))


@pytest.mark.parametrize("held", [0, 1 << 18])
def test_pairs_are_found_with_their_users(
    source: PartSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    """Users at both ends of shards, two coupons a user, a pair twice, a user and a coupon that are gone."""
    monkeypatch.setattr(aligned_plan, "HELD", held)
    given_pairs = [
        (0, "C01"),
        (69, "C02"),
        (69, "C00"),
        (70, "gone"),
        ("zoe", "C01"),
        (599, "C05"),
        (599, "C05"),
    ]
    write_plan(table(*given_pairs), tmp_path / "plan.parquet")
    plan = align(str(tmp_path / "plan.parquet"), source)
    assert plan.needs_ids == (held == 0)
    assert (plan.pairs, plan.users) == (6, 4)
    assert plan.gone.to_pylist() == [{"user_id": "zoe", "coupon_id": "C01"}]
    assert sorted(found(plan, source)) == [(0, "C01"), (69, "C00"), (69, "C02"), (70, "gone"), (599, "C05")]


def test_a_small_plan_may_have_any_order(source: PartSource, tmp_path: Path) -> None:
    """Rows turned round, as a CSV file: the pairs are the same."""
    turned = table((500, "C01"), (3, "C02"), (200, "C00"))
    write_plan(turned, tmp_path / "plan.csv")
    for plan in (str(tmp_path / "plan.csv"), turned):
        assert found(align(plan, source), source) == [(3, "C02"), (200, "C00"), (500, "C01")]


def test_parts_are_read_out_of_step(source: PartSource, tmp_path: Path, large: None) -> None:
    """Some runs of users only, whose parts begin elsewhere than when the plan was laid beside them."""
    write_plan(table(*((user, "C01") for user in range(0, USERS, 3))), tmp_path / "plan.parquet")
    reader = align(str(tmp_path / "plan.parquet"), source).reader()
    ids = pa.concat_arrays([ids_of(part) for part in source.read(["user_id"])])
    for first, last in ((10, 60), (60, 200), (333, 340), (341, 342), (500, 600)):
        earlier = reader(first, last - first, ids.slice(first, last - first))
        assert (first + earlier.user).tolist() == [user for user in range(first, last) if user % 3 == 0]


def test_ranges_hold_everybody_who_had_something(
    source: PartSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Users 75 and 400: shards between them need not be read."""
    monkeypatch.setattr(aligned_plan, "NEAR", 100)
    write_plan(table((75, "C01"), (400, "C02")), tmp_path / "plan.parquet")
    assert align(str(tmp_path / "plan.parquet"), source).ranges == [(0, 100), (400, 500)]
    monkeypatch.setattr(aligned_plan, "HELD", 0)
    assert align(str(tmp_path / "plan.parquet"), source).ranges == [(70, 140), (350, 420)]


@pytest.mark.parametrize(
    ("pairs", "row", "user"),
    [
        ([(5, "C01"), (3, "C01")], 1, name(3)),
        ([(5, "C01"), (300, "C01"), (4, "C01"), (500, "C01")], 2, name(4)),
        ([(5, "C01"), (6, "C01"), (5, "C02")], 2, name(5)),
        ([(599, "C01"), (0, "C01")], 0, name(599)),
    ],
)
def test_rows_in_another_order_are_refused(
    source: PartSource, tmp_path: Path, large: None, pairs: list[tuple[int, str]], row: int, user: str
) -> None:
    """Within a shard, over shards, a user who comes again, a plan turned round: row and user are told."""
    write_plan(table(*pairs), tmp_path / "plan.parquet")
    with pytest.raises(InputError) as caught:
        align(str(tmp_path / "plan.parquet"), source)
    assert str(caught.value) == (
        f"{tmp_path / 'plan.parquet'}, row {row}, column 'user_id': the rows of the earlier plan do not "
        f"follow the order of the users (got {user!r}). Sort them as the users are; a plan of up to 0 rows "
        "may have any order"
    )


@pytest.mark.parametrize("look", [1, 2, 50])
def test_many_gone_on_end(
    source: PartSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: None, look: int
) -> None:
    """Twenty users who are gone stand between two: only who looks far finds the second, others say so."""
    monkeypatch.setattr(aligned_plan, "LOOK", look)
    pairs = [(5, "C01"), *((f"gone {i}", "C01") for i in range(20)), (6, "C01")]
    write_plan(table(*pairs), tmp_path / "plan.parquet")
    if look > 20:
        plan = align(str(tmp_path / "plan.parquet"), source)
        assert (plan.pairs, plan.gone.num_rows) == (22, 20)
        return
    with pytest.raises(
        InputError, match="row 21, column 'user_id': the rows of the earlier plan do not follow"
    ):
        align(str(tmp_path / "plan.parquet"), source)


def test_too_many_gone_in_all(
    source: PartSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: None
) -> None:
    """More of them than are looked up at the end: it is said how many, and from which row on."""
    monkeypatch.setattr(aligned_plan, "GONE", 3)
    write_plan(
        table((5, "C01"), *((f"gone {i}", "C01") for i in range(4)), (6, "C01")), tmp_path / "plan.parquet"
    )
    with pytest.raises(
        InputError, match="row 1: more than 3 rows of the earlier plan name users who are gone"
    ):
        align(str(tmp_path / "plan.parquet"), source)


def test_what_cannot_be_read_is_refused(
    source: PartSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: None
) -> None:
    """No file, no column, a CSV file that is too large to be held."""
    with pytest.raises(InputError, match="there is no such plan"):
        align(str(tmp_path / "nowhere.parquet"), source)
    pq.write_table(pa.table({"user_id": ["a"]}), tmp_path / "narrow.parquet")
    for plan in (str(tmp_path / "narrow.parquet"), pa.table({"user_id": ["a"]})):
        with pytest.raises(InputError, match="column 'coupon_id'"):
            align(plan, source)
    write_plan(table((1, "C01")), tmp_path / "plan.csv")
    monkeypatch.setattr(aligned_plan, "CSV_BYTES", 10)
    with pytest.raises(InputError, match="a CSV file of this size cannot be read along with the users"):
        align(str(tmp_path / "plan.csv"), source)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    pairs=st.lists(
        st.tuples(st.integers(0, USERS + 20), st.sampled_from([*MENU, "gone", "lost"])), max_size=60
    ),
    group=st.integers(1, 20),
)
def test_drawn_plans_are_those_read_whole(
    source: PartSource, tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[int, str]], group: int
) -> None:
    """Whatever the plan, ordered or held, some users gone: pairs are those of a plan in core."""
    folder = tmp_path_factory.mktemp("drawn")
    ordered = table(*sorted(pairs, key=lambda pair: pair[0]))
    pq.write_table(ordered, folder / "plan.parquet", row_group_size=group)
    instance = drawn(USERS)
    whole, user, _ = earlier_pairs(instance, ordered)
    expected = sorted(
        zip(user[user >= 0].tolist(), whole["coupon_id"].filter(user >= 0).to_pylist(), strict=True)
    )
    with pytest.MonkeyPatch.context() as patch:
        for held in (0, 1 << 18):
            patch.setattr(aligned_plan, "HELD", held)
            plan = align(str(folder / "plan.parquet"), source)
            assert sorted(found(plan, source)) == expected
            assert plan.pairs == whole.num_rows
            assert plan.users == len(set(user[user >= 0].tolist()))
            assert plan.gone.num_rows == int((user < 0).sum())
