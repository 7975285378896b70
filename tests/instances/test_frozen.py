"""Users of an earlier plan who stay as they are."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.instances.small import four_users, menu, responses

from couponry.instances import (
    Exclusion,
    Freeze,
    InputError,
    Instance,
    Keep,
    Response,
    Rule,
    UserCap,
    Users,
    read_instance,
    read_plan,
    read_rules,
    rules_to_toml,
    write_instance,
    write_plan,
)
from couponry.instances.rules import Campaign


def plan(*pairs: tuple[object, str]) -> pa.Table:
    """Return a plan of these pairs."""
    return pa.table({"user_id": [user for user, _ in pairs], "coupon_id": [coupon for _, coupon in pairs]})


def frozen(instance: Instance) -> list[tuple[int, int]]:
    """Return the program's frozen pairs: row of the user, place."""
    held = instance.program.frozen
    return list(zip(held.user.tolist(), held.place.tolist(), strict=True))


def refusal(*rules: Rule) -> str:
    """Return why the four users with these rules are refused."""
    with pytest.raises(InputError) as caught:
        four_users(*rules).program  # noqa: B018
    return str(caught.value)


def test_frozen_users_may_get_nothing_more() -> None:
    """The plan's pairs are held in the users' order, and only its users have no choice left."""
    instance = four_users(UserCap(coupons=2), Freeze(plan=plan(("u3", "C"), ("u1", "B"), ("u3", "A"))))
    assert frozen(instance) == [(0, 1), (2, 0), (2, 2)]
    assert instance.program.choices.max_coupons.tolist() == [0, 2, 0, 2]


def test_without_a_freeze_nobody_is_frozen() -> None:
    """No pair is held, and everybody may choose."""
    assert frozen(four_users()) == []
    assert four_users().program.choices.max_coupons.tolist() == [1, 1, 1, 1]


def test_an_empty_plan_freezes_nobody() -> None:
    """Before the first message is sent nobody has been notified."""
    assert frozen(four_users(Freeze(plan=plan(("u1", "A")).slice(0, 0)))) == []


def test_place_in_a_shortlist() -> None:
    """In shortlists a pair is held by the place where the user has the coupon."""
    users = Users(pa.table({"user_id": [1, 2, 3, 4]}))
    coupon = np.array([[2, 0], [0, 1], [1, -1], [-1, 2]], dtype=np.int32)
    lists = {name: array[:, :2] for name, array in responses().measures.items()}
    rule = Freeze(plan=plan(("1", "A"), ("3", "B")))
    assert frozen(Instance(menu(), users, Response(lists, coupon), (rule,))) == [(0, 1), (2, 0)]


def test_a_pair_that_stands_twice_is_frozen_once() -> None:
    """A coupon is given to a user once, however often the file says so."""
    assert frozen(four_users(Freeze(plan=plan(("u1", "A"), ("u1", "A"))))) == [(0, 0)]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (
            [("u1", "A"), ("u9", "A")],
            (
                "[freeze], column 'user_id': a user of the frozen plan is not among the users (got 'u9'). "
                "Add the user, or leave the pair out of the frozen plan"
            ),
        ),
        (
            [("u1", "Z")],
            (
                "[freeze], column 'coupon_id': a coupon of the frozen plan is not among the menu (got 'Z'). "
                "Add the coupon, or leave the pair out of the frozen plan"
            ),
        ),
        (
            [("u2", "C")],
            (
                "[freeze], column 'coupon_id': a pair of the frozen plan is not eligible: the response has "
                "no value for it (got 'u2, C'). Give the pair a value and a cost, or leave it out of the "
                "frozen plan"
            ),
        ),
        (
            [("u1", "A"), ("u1", "B")],
            (
                "[freeze], column 'user_id': a user of the frozen plan has 2 coupons, at most 1 allowed "
                "(got 'u1'). Raise the user cap, or the user's own max_coupons, or leave the pairs "
                "out of the frozen plan"
            ),
        ),
    ],
)
def test_what_cannot_stay_is_refused(pairs: list[tuple[object, str]], message: str) -> None:
    """A user, coupon or pair that is gone, and too many coupons for a user, are told with the mend."""
    assert refusal(Freeze(plan=plan(*pairs))) == message


def test_coupons_that_exclude_each_other_cannot_stay() -> None:
    """B and C share a channel: a user frozen with both is refused."""
    rules = UserCap(coupons=2), Exclusion(by="channel"), Freeze(plan=plan(("u1", "B"), ("u1", "C")))
    assert refusal(*rules) == (
        "[freeze], column 'user_id': a user of the frozen plan has B and C, which exclude each other "
        "(got 'u1'). Mend the exclusion, or leave the pairs out of the frozen plan"
    )


def test_more_money_than_a_user_may_get_cannot_stay() -> None:
    """A coupon of cost 3 for one user is refused under a cap of 2.50."""
    assert refusal(UserCap(money=2.5), Freeze(plan=plan(("u2", "A"), ("u3", "C")))) == (
        "[freeze], column 'user_id': a user of the frozen plan has coupons of cost 3, at most 2.5 allowed "
        "(got 'u3'). Raise the user cap's money, or leave the pairs out of the frozen plan"
    )


def test_one_freeze_is_enough() -> None:
    """Two freeze rules are refused, even where the first names nobody."""
    nobody = Freeze(plan=plan(("u1", "A")).slice(0, 0))
    assert refusal(nobody, Freeze(plan=plan(("u1", "A")))) == (
        "[[freeze]] 2: there is more than one freeze rule. Join their plans in one"
    )


def test_a_plan_without_its_columns_is_refused() -> None:
    """A table that is no plan is told so."""
    assert "the earlier plan lacks a column" in refusal(Freeze(plan=pa.table({"user_id": ["u1"]})))


def test_toml_and_back(tmp_path: Path) -> None:
    """The plan is looked for beside the file; a rule with a table is written by write_instance alone."""
    write_plan(plan(("u1", "A")), tmp_path / "sent.csv")
    (tmp_path / "instance.toml").write_text('[freeze]\nplan = "sent.csv"\n', encoding="utf-8")
    rule = read_rules(tmp_path / "instance.toml")[1][0]
    assert isinstance(rule, Freeze)
    assert isinstance(rule.plan, pa.Table)
    assert rule.plan["coupon_id"].to_pylist() == ["A"]
    assert '[freeze]\nplan = "sent.csv"' in rules_to_toml(Campaign(), [Freeze(plan="sent.csv")])
    with pytest.raises(InputError, match=r"\[freeze\], column 'plan': the earlier plan is a table"):
        rules_to_toml(Campaign(), [rule])


def test_instance_on_disk_and_back(tmp_path: Path) -> None:
    """A frozen plan and a kept one are files of the directory, each of its own name."""
    sent, last = plan(("u3", "C")), plan(("u1", "A"), ("u2", "B"))
    write_instance(four_users(Keep(plan=last, share=0.5), Freeze(plan=sent)), tmp_path / "campaign")
    again = read_instance(tmp_path / "campaign")
    assert frozen(again) == [(2, 2)]
    assert read_plan(tmp_path / "campaign" / "keep.parquet").num_rows == 2
    assert read_plan(tmp_path / "campaign" / "freeze.parquet").num_rows == 1
