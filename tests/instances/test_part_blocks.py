"""Blocks of parts with what earlier plans and chance ask for: as in memory, whatever the shards."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.instances.on_disk import drawn

from couponry.instances import Budget, Coupons, Freeze, InputError, Instance, Keep, Response, Rule, UserCap
from couponry.instances import aligned_plan as module
from couponry.instances.files import write_instance
from couponry.instances.streamed import open_instance

USERS = 1500


def earlier(seed: int) -> pa.Table:
    """Return a plan in the users' order: pairs of two users in three, some of them gone, one coupon gone."""
    rng = np.random.default_rng(seed)
    users = np.flatnonzero(rng.random(USERS) < 2 / 3)
    ids = [f"u{user:07d}" if rng.random() < 0.95 else f"gone {user}" for user in users]
    return pa.table({"user_id": ids, "coupon_id": [f"C{rng.integers(0, 7):02}" for _ in users]})


def asked(*rules: Rule, **options: object) -> Instance:
    """Return drawn users whose costs may vary, under further rules."""
    given = drawn(USERS, rules=("budget",), **options)
    menu = Coupons(given.coupons.table.assign(face_value=1e3, max_discount=1e3))
    return Instance(menu, given.users, given.response, (*given.rules, *rules), given.campaign)


def frozen(instance: Instance) -> Freeze:
    """Return a freeze of what every seventh user could get first."""
    usable, shortlist = instance.response.eligible(), instance.response.coupon
    may = instance.program.choices.max_coupons > 0
    users = [user for user in range(0, USERS, 7) if usable[user].any() and may[user]]
    places = [int(usable[user].argmax()) for user in users]
    coupons = places if shortlist is None else shortlist[users, places].tolist()
    ids = [instance.coupons.ids[coupon] for coupon in coupons]
    return Freeze(plan=pa.table({"user_id": instance.users.ids.take(pa.array(users)), "coupon_id": ids}))


@pytest.mark.parametrize("held", [0, 1 << 18])
@pytest.mark.parametrize("options", [{}, {"shortlist": 3, "eligible": 0.8}])
def test_blocks_hold_what_the_program_in_memory_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int, options: dict[str, object]
) -> None:
    """Kept and changed pairs, frozen users, variances; from plans that are held or read along."""
    monkeypatch.setattr(module, "HELD", held)
    users = drawn(USERS).users
    plain = asked(
        Budget(amount=50.0, overspend_probability=0.1, coupons=["C01", "C02"]),
        UserCap(coupons=1),
        Keep(plan=earlier(1), share=0.3, changed_at_most=0.9),
        **options,
    )
    one = replace(plain, users=type(users)(users.table.drop_columns("max_coupons")))
    instance = replace(one, rules=(*one.rules, frozen(one)))
    program = instance.program
    for rows in (211, 700):
        write_instance(instance, tmp_path / str(rows), shard_rows=rows)
        streamed = open_instance(tmp_path / str(rows)).program
        assert repr(streamed.rows) == repr(program.rows)
        assert streamed.measures == program.measures
        assert len(streamed.frozen) == len(program.frozen)
        for _ in range(2):  # again from the start
            for ours, theirs in zip(streamed.blocks(512), program.blocks(512), strict=True):
                np.testing.assert_array_equal(ours.max_coupons, theirs.max_coupons)
                for measure, column in theirs.columns.items():
                    np.testing.assert_array_equal(ours.columns[measure], column)
        ours, theirs = zip(*streamed.frozen_pairs(), strict=True), zip(*program.frozen_pairs(), strict=True)
        for mine, whole in zip(list(ours)[:2], list(theirs)[:2], strict=True):
            np.testing.assert_array_equal(np.concatenate(mine), np.concatenate(whole))
        taken = np.array([0, 210, 211, 699, 1499])
        np.testing.assert_array_equal(
            streamed.take(taken).columns["kept"], program.take(taken).columns["kept"]
        )


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        (
            lambda: (Keep(plan=earlier(1), changed_at_most=0.5), UserCap(coupons=2)),
            "[keep], column 'changed_at_most': users who get several coupons are changed by no sum",
        ),
        (
            lambda: (Freeze(plan=earlier(1)),),
            "[freeze], column 'user_id': a user of the frozen plan is not among",
        ),
        (
            lambda: (Freeze(plan=pa.table({"user_id": ["u0000003"], "coupon_id": ["C99"]})),),
            "[freeze], column 'coupon_id': a coupon of the frozen plan is not among the menu (got 'C99')",
        ),
        (
            lambda: (
                Freeze(plan=pa.table({"user_id": ["u0000003"] * 3, "coupon_id": ["C00", "C01", "C02"]})),
            ),
            "[freeze], column 'user_id': a user of the frozen plan has 3 coupons, at most",
        ),
        (
            lambda: (Freeze(plan=earlier(1)), Freeze(plan=earlier(1))),
            "[[freeze]] 2: there is more than one freeze rule",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused_as_in_memory(tmp_path: Path, rules: object, problem: str) -> None:
    """Users and coupons who are gone, too many coupons a user, two freezes: rule, value and mend are told."""
    instance = asked(*rules())  # type: ignore[operator]
    instance = replace(instance, users=drawn(USERS, rules=("budget",)).users)
    write_instance(instance, tmp_path / "a", shard_rows=400)
    with pytest.raises(InputError) as caught:
        list(open_instance(tmp_path / "a").program.frozen_pairs())
    assert problem in str(caught.value)


def test_costs_above_the_face_value_are_told_with_their_place(tmp_path: Path) -> None:
    """User 900 stands in row 100 of the third shard: an expected cost of 2,000 of a coupon worth 1,000."""
    instance = asked(Budget(amount=50.0, overspend_probability=0.1))
    cost = instance.response.measures["cost"].copy()
    cost[900, 2] = 2000.0
    cost[:, 2] = np.where(np.isnan(instance.response.measures["value"][:, 2]), np.nan, cost[:, 2])
    value = instance.response.measures["value"].copy()
    value[900, 2] = 1.0
    cost[900, 2] = 2000.0
    response = Response({**instance.response.measures, "value": value, "cost": cost})
    write_instance(replace(instance, response=response), tmp_path / "a", shard_rows=400)
    with pytest.raises(InputError) as caught:
        list(open_instance(tmp_path / "a").program.blocks(512))
    assert (
        "part-0002.parquet, row 100, column 'cost': cost of a user of a coupon whose spend is at risk"
        in str(caught.value)
    )


def test_a_plan_on_disk_is_not_read_when_the_instance_is_opened(tmp_path: Path) -> None:
    """The rule names the file; what is laid beside the users comes from it, Parquet being copied as it is."""
    pq.write_table(earlier(1), tmp_path / "last.parquet")
    instance = asked(Keep(plan=str(tmp_path / "last.parquet"), share=0.2))
    write_instance(instance, tmp_path / "a")
    assert (tmp_path / "a" / "keep.parquet").read_bytes() == (tmp_path / "last.parquet").read_bytes()
    rule = open_instance(tmp_path / "a").rules[-1]
    assert isinstance(rule, Keep)
    assert rule.plan == str(tmp_path / "a" / "keep.parquet")
