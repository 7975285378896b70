"""Campaign and rules as text."""

import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from couponry.instances import (
    Budget,
    Campaign,
    Coverage,
    Exclusion,
    Freeze,
    InputError,
    Keep,
    Parity,
    ReturnFloor,
    Rule,
    Stock,
    Target,
    UserCap,
    read_rules,
    rules_to_toml,
    write_plan,
)
from couponry.instances.instance_toml import RULE_KINDS, parse_rules

EVERY_KIND = """
[campaign]
name = "double-11"
currency = "CNY"
objective = { minimise = "cost" }

[[budget]]
amount = 1_200_000.00
[[budget]]
amount = 300_000
measure = "revenue"
coupons = { channel = "sms" }
users = { region = ["north", "east"], tier = 1 }
name = "sms money"

[[stock]]
coupons = ["A", "B"]
at_most = 100

[user_cap]
coupons = 2
money = 30.00

[[exclusion]]
by = "kind"

[[coverage]]
segment = "region"
at_least = 0.05
at_most = 0.5
[[parity]]
segment = "age_band"
measure = "count"
tolerance = 0.02
[[return_floor]]
ratio = 1.5
[[target]]
measure = "value"
at_least = 50_000
[keep]
plan = "last/plan.csv"
share = 0.9
[freeze]
plan = "last/sent.csv"
"""
KNOWN = (
    "Known: campaign, budget, target, stock, user_cap, exclusion, coverage, parity, return_floor, "
    "keep, freeze"
)
KEYS = "Keys of a budget: name, coupons, users, amount, measure, overspend_probability"
PLAN = pa.table({"user_id": ["1"], "coupon_id": ["A"]})


def write(path: Path, content: str) -> Path:
    """Return a rules file with this content."""
    (path / "rules.toml").write_text(content, encoding="utf-8")
    return path / "rules.toml"


def refusal(path: Path, content: str) -> str:
    """Return what is said when these rules are refused, without directories."""
    with pytest.raises(InputError) as caught:
        read_rules(write(path, content))
    return str(caught.value).replace(f"{path}/", "")


def test_every_kind_by_hand(tmp_path: Path) -> None:
    """Each key arrives in its rule; the earlier plans are read from beside the file."""
    write_plan(PLAN, tmp_path / "last" / "plan.csv")
    write_plan(PLAN, tmp_path / "last" / "sent.csv")
    campaign, rules = read_rules(write(tmp_path, EVERY_KIND))
    assert campaign == Campaign(name="double-11", currency="CNY", objective="cost", sense="minimise")
    assert rules == (
        Budget(amount=1_200_000),
        Budget(
            name="sms money",
            amount=300_000,
            measure="revenue",
            coupons={"channel": ["sms"]},
            users={"region": ["north", "east"], "tier": [1]},
        ),
        Stock(coupons=["A", "B"], at_most=100),
        UserCap(coupons=2, money=30),
        Exclusion(by="kind"),
        Coverage(segment="region", at_least=0.05, at_most=0.5),
        Parity(segment="age_band", measure="count", tolerance=0.02),
        ReturnFloor(ratio=1.5),
        Target(measure="value", at_least=50_000),
        Keep(plan=PLAN, share=0.9),
        Freeze(plan=PLAN),
    )
    assert {rule.kind for rule in rules} == set(RULE_KINDS)


def test_text_reads_as_one_would_write_it() -> None:
    """Rules are written short, one table each, selections on one line."""
    rules = (
        Budget(amount=1.5, coupons=["A"], users={"region": ["north", "östlich"], "a key": [1, True]}),
        UserCap(),
        Budget(name="all", amount=1e16),
    )
    assert rules_to_toml(Campaign(name='the "big" day', objective="cost", sense="minimise"), rules) == (
        """[campaign]
name = "the \\"big\\" day"
currency = ""
objective = { minimise = "cost" }

[[budget]]
coupons = ["A"]
users = { region = ["north", "östlich"], "a key" = [1, true] }
amount = 1.5
measure = "cost"

[[budget]]
name = "all"
amount = 1e+16
measure = "cost"

[user_cap]
coupons = 1
"""
    )


@pytest.mark.parametrize("content", ["", "# nothing yet\n", '[campaign]\nname = "campaign"\n'])
def test_no_rules(tmp_path: Path, content: str) -> None:
    """An empty file is a campaign without rules."""
    assert read_rules(write(tmp_path, content)) == (Campaign(), ())


def test_one_or_many(tmp_path: Path) -> None:
    """A lone budget may be written with single brackets, and several caps with double ones."""
    content = "[budget]\namount = 1\n[[user_cap]]\ncoupons = 1\n[[user_cap]]\nmoney = 2\n"
    rules = read_rules(write(tmp_path, content))[1]
    assert rules == (Budget(amount=1), UserCap(coupons=1), UserCap(money=2))
    assert parse_rules(tomllib.loads(rules_to_toml(Campaign(), rules))) == (Campaign(), rules)


NAMES = st.one_of(st.none(), st.text("aé\"'\\\n\t=]#\x7f", max_size=4))
NUMBERS = st.floats(0, 1e300)
SCALARS = st.one_of(
    st.text('ab"\n', max_size=3), st.integers(-(2**62), 2**62), st.booleans(), st.floats(-9, 9)
)
SELECTION = st.dictionaries(st.text('a.b "é', max_size=3), st.lists(SCALARS, max_size=3), max_size=2)
COUPONS = st.one_of(st.lists(st.text("AB'\"", max_size=2), max_size=3), SELECTION)
SCOPE = {"coupons": st.one_of(st.none(), COUPONS), "users": st.one_of(st.none(), SELECTION), "name": NAMES}
WORDS = st.text('abé "', min_size=1, max_size=4)
SIDES = (
    st.tuples(NUMBERS, NUMBERS)
    .map(sorted)
    .flatmap(
        lambda sides: st.sampled_from(
            [{"at_least": sides[0]}, {"at_most": sides[1]}, {"at_least": sides[0], "at_most": sides[1]}]
        )
    )
)


def with_sides(model: type[Any], **keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw rules that have a lower or an upper limit, or both."""
    return st.builds(lambda sides, **others: model(**sides, **others), SIDES, **keys)


RULES: st.SearchStrategy[Rule] = st.one_of(
    st.builds(Budget, amount=NUMBERS, measure=WORDS, **SCOPE),
    st.builds(Target, at_least=st.floats(-1e9, 1e9), measure=WORDS, **SCOPE),
    with_sides(Stock, coupons=COUPONS, name=NAMES),
    st.builds(UserCap, coupons=st.integers(0, 99), money=st.one_of(st.none(), NUMBERS), name=NAMES),
    st.builds(Exclusion, by=WORDS, name=NAMES),
    st.builds(Exclusion, coupons=st.lists(WORDS, max_size=3), name=NAMES),
    with_sides(Coverage, segment=WORDS, **SCOPE),
    st.builds(Parity, segment=WORDS, tolerance=NUMBERS, measure=WORDS, **SCOPE),
    st.builds(ReturnFloor, ratio=NUMBERS, **SCOPE),
    st.builds(Keep, plan=WORDS, share=st.floats(0, 1), name=NAMES),
    st.builds(Keep, plan=WORDS, changed_at_most=st.floats(0, 1), name=NAMES),
    st.builds(Keep, plan=WORDS, share=st.floats(0, 1), changed_at_most=st.floats(0, 1)),
)


@given(
    st.builds(
        Campaign,
        name=WORDS,
        currency=st.text("¥€", max_size=2),
        objective=WORDS,
        sense=st.sampled_from(["maximise", "minimise"]),
    ),
    st.lists(RULES, max_size=6),
)
def test_round_trip(campaign: Campaign, rules: list[Rule]) -> None:
    """What is written is read again, every field of every rule; rules stand kind by kind."""
    kinds = list(dict.fromkeys(rule.kind for rule in rules))
    grouped = tuple(sorted(rules, key=lambda rule: kinds.index(rule.kind)))
    text = rules_to_toml(campaign, rules)
    assert parse_rules(tomllib.loads(text)) == (campaign, grouped)
    assert rules_to_toml(campaign, grouped) == text


def test_plan_that_is_a_table_has_no_text() -> None:
    """A rules file cannot hold a plan, only name one."""
    with pytest.raises(InputError) as caught:
        rules_to_toml(Campaign(), [Keep(plan=PLAN, share=1)])
    assert str(caught.value) == (
        "[keep], column 'plan': the earlier plan is a table, and a rules file names a file. "
        "Write the plan with write_plan and give the rule its path, or write the whole instance"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "[[budget]]\namount = 1\n[[budget]]\namout = 2\n",
            (
                "rules.toml, [[budget]] 2, column 'amout': unknown key (got 2). Did you mean 'amount'? "
                "Known: name, coupons, users, amount, measure, overspend_probability"
            ),
        ),
        (
            "[[budgets]]\namount = 1\n",
            f"rules.toml, column 'budgets': unknown key. Did you mean 'budget'? {KNOWN}",
        ),
        (
            'objective = "value"\n',
            f"rules.toml, column 'objective': unknown key. {KNOWN}",
        ),
        (
            '[campaign]\nobjectif = "value"\n',
            (
                "rules.toml, [campaign], column 'objectif': unknown key (got 'value'). "
                "Did you mean 'objective'? Known: name, currency, objective, sense"
            ),
        ),
        (
            "[[budget]]\namount = -5\n",
            (
                "rules.toml, [[budget]] 1, column 'amount': must be greater than or equal to 0 (got -5). "
                "Correct amount"
            ),
        ),
        (
            "[user_cap]\nmoney = nan\n",
            "rules.toml, [user_cap], column 'money': must be a finite number (got nan). Correct money",
        ),
        (
            '[[coverage]]\nsegment = "region"\n',
            "rules.toml, [[coverage]] 1: the rule has no limit. Give at_least, at_most, or both",
        ),
        (
            "budget = 5\n",
            f"rules.toml, [budget]: must be a table (got 5). {KEYS}",
        ),
        (
            "budget = [5]\n",
            f"rules.toml, [[budget]] 1: must be a table (got 5). {KEYS}",
        ),
        (
            '[keep]\nplan = "last.parquet"\nshare = 0.9\n',
            "last.parquet: there is no such plan. Give a plan written by 'couponry solve'",
        ),
    ],
)
def test_refusals(tmp_path: Path, content: str, message: str) -> None:
    """What is wrong is told by file, entry, key and value, with the mend."""
    assert refusal(tmp_path, content) == message


def test_text_that_is_not_toml(tmp_path: Path) -> None:
    """A slip of syntax is told with its line."""
    message = refusal(tmp_path, "[[budget]]\namount = 1,5\n")
    assert message.startswith("rules.toml: not TOML: ")
    assert "at line 2" in message
    assert message.endswith(". Correct the line")


def test_no_file(tmp_path: Path) -> None:
    """A path without a file is named."""
    with pytest.raises(InputError, match=r"rules\.toml: there is no such file\. Check the path"):
        read_rules(tmp_path / "rules.toml")
