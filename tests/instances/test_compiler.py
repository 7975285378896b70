"""Every rule's rows, on four users worked by hand, and on drawn instances against a reading of their own.

Classes follow the labels' order: of ``region`` they are east (u4), north (u1, u2), south (u3).
"""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.brute_force import Reading
from tests.drawn import instances, plans
from tests.instances.small import four_users, menu, people, responses

from couponry.instances import (
    Budget,
    Coverage,
    Exclusion,
    InputError,
    Instance,
    Keep,
    Parity,
    ReturnFloor,
    Row,
    Rule,
    Stock,
    Target,
    UserCap,
)

INF = np.inf
MENU_ROWS = 2  # A's stock and B's minimum


def rows(*rules: Rule) -> tuple[Row, ...]:
    """Return the rows that these rules make, without those of the menu."""
    return four_users(*rules).program.rows[MENU_ROWS:]


def row(rule: Rule) -> Row:
    """Return the only row that a rule makes."""
    (only,) = rows(rule)
    return only


def limits(row: Row) -> tuple[float, float]:
    """Return both sides of a row."""
    return row.lower, row.upper


def refusal(*rules: Rule) -> str:
    """Return what is said when these rules meet the four users."""
    with pytest.raises(InputError) as caught:
        four_users(*rules).program  # noqa: B018
    return str(caught.value)


def test_menu_stock() -> None:
    """A: at most 2 units; B: at least 1; C has no row."""
    first, second = four_users().program.rows
    assert (first.name, first.kind, first.rule, limits(first)) == ("stock A", "stock", -1, (-INF, 2))
    assert (second.name, limits(second)) == ("stock B", (1, INF))
    assert first.terms[0].weights().tolist() == [[1, 0, 0]]
    assert first.scope == "coupon A"


def test_budget_over_all() -> None:
    """Cost of every pair, at most 5."""
    made = row(Budget(amount=5))
    assert (made.name, made.kind, made.rule, made.measure, made.unit) == ("budget", "budget", 0, "cost", 1)
    assert limits(made) == (-INF, 5)
    assert made.terms[0].measure == "cost"
    assert made.terms[0].weights().tolist() == [[1, 1, 1]]
    assert made.scope == "all coupons"


def test_budget_over_some_coupons_and_users() -> None:
    """Revenue of B and C in the north and the east: classes east and north, not south."""
    made = row(
        Budget(
            name="app money",
            amount=5,
            measure="revenue",
            coupons={"channel": "app"},
            users={"region": ["north", "east"]},
        )
    )
    assert (made.name, made.terms[0].measure) == ("app money", "revenue")
    assert made.terms[0].weights().tolist() == [[0, 1, 1], [0, 1, 1], [0, 0, 0]]
    assert made.scope == "coupons with channel app, users with region north or east"


def test_budget_of_coupons_given() -> None:
    """The measure count is 1 a pair and needs no column."""
    program = four_users(Budget(amount=3, measure="count")).program
    assert program.rows[-1].terms[0].measure == "count"
    assert program.measures == ("value", "count")


def test_target() -> None:
    """A floor on value, with the measure in its name."""
    made = row(Target(at_least=-0.5, coupons=["B", "C"]))
    assert (made.name, made.measure, limits(made)) == ("target value", "value", (-0.5, INF))
    assert made.scope == "coupons B, C"


def test_stock_rule() -> None:
    """A and B together: between 1 and 3 units."""
    made = row(Stock(coupons=["A", "B"], at_least=1, at_most=3))
    assert (made.name, limits(made), made.terms[0].weights().tolist()) == ("stock", (1, 3), [[1, 1, 0]])
    assert limits(row(Stock(coupons=["A"], at_most=0))) == (-INF, 0)


def test_coverage() -> None:
    """Half the users of each region: ½·1 east, ½·2 north, ½·1 south."""
    made = rows(Coverage(segment="region", at_least=0.5, at_most=1.5))
    assert [one.name for one in made] == [f"coverage region={r}" for r in ("east", "north", "south")]
    assert [limits(one) for one in made] == [(0.5, 1.5), (1, 3), (0.5, 1.5)]
    assert [one.terms[0].users.tolist() for one in made] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert [one.rule for one in made] == [0, 0, 0]
    assert made[0].scope == "all coupons, users with region east"


def test_coverage_of_some_users() -> None:
    """In tier 1 the north has one user only, and tier 2 does not count."""
    made = rows(Coverage(segment="region", at_least=1, users={"tier": 1}, coupons=["C"]))
    classes = four_users(Coverage(segment="region", at_least=1, users={"tier": 1})).program.classes
    north = made[1]
    assert limits(north) == (1, INF)
    chosen = classes.table[north.terms[0].users == 1]
    assert chosen.to_dict("list") == {"tier": [1], "region": ["north"]}
    assert north.terms[0].coupons.tolist() == [0, 0, 1]


def test_coverage_passes_over_groups_without_users() -> None:
    """In tier 2 there is only the north."""
    assert [r.name for r in rows(Coverage(segment="region", at_least=1, users={"tier": 2}))] == [
        "coverage region=north"
    ]


def test_coverage_is_exact() -> None:
    """0.1 of 30 users is 3 coupons, not 3.0000000000000004."""
    users = pa.table({"user_id": [f"u{i}" for i in range(30)], "region": ["x"] * 30})
    everyone = people().__class__(users)
    instance = Instance(
        menu(),
        everyone,
        responses().take(np.zeros(30, dtype=int)),
        (Coverage(segment="region", at_least=0.1),),
    )
    assert 0.1 * 3 != 0.3
    assert instance.program.rows[-1].lower == 3.0


def test_parity_is_multiplied_out_to_whole_numbers() -> None:
    """|rate_north − rate_all| ≤ 0.1, where the north has 2 of 4 users.

    N₂/2 − N/4 within ±0.1, times 2·4/gcd(2, 4) = 4: 2·N₂ − N within ±0.4. Users of the north weigh 2 − 1 = 1,
    others −1. For the east N₁/1 − N/4, times 4: its users weigh 4 − 1 = 3, others −1.
    """
    east, north, south = rows(Parity(segment="region", tolerance=0.1))
    assert north.terms[0].users.tolist() == [-1, 1, -1]
    assert east.terms[0].users.tolist() == [3, -1, -1]
    assert south.terms[0].users.tolist() == [-1, -1, 3]
    assert (north.unit, east.unit) == (4, 4)
    assert limits(north) == (-0.4, 0.4)
    assert north.measure == "count per head, less the overall"


def test_parity_activity_is_what_the_rule_speaks_of() -> None:
    """u1, u3 and u4 get one coupon: north ½, all ¾, so −¼; east 1 less ¾."""
    east, north, _ = rows(Parity(segment="region", tolerance=0.1))
    demand = {"count": np.array([[0.0, 1, 0], [1, 0, 0], [1, 0, 0]])}
    assert north.activity(demand) / north.unit == -0.25
    assert east.activity(demand) / east.unit == 0.25


def test_parity_of_cost_within_some_users() -> None:
    """In tier 1 each region has one of three users, so each weighs 3 − 1 = 2 against −1; tier 2 weighs 0."""
    rule = Parity(segment="region", tolerance=2, measure="cost", users={"tier": 1}, coupons=["A", "B"])
    program = four_users(rule).program
    east = program.rows[MENU_ROWS]
    weight = dict(
        zip(
            map(tuple, program.classes.table[["region", "tier"]].to_numpy()), east.terms[0].users, strict=True
        )
    )
    assert weight == {("east", 1): 2, ("north", 1): -1, ("north", 2): 0, ("south", 1): -1}
    assert east.terms[0].coupons.tolist() == [1, 1, 0]
    assert (east.terms[0].measure, east.unit, east.upper) == ("cost", 3, 6)


def test_return_floor() -> None:
    """Revenue − 1.5 × cost ≥ 0 over B and C."""
    made = row(ReturnFloor(ratio=1.5, coupons={"channel": ["app"]}))
    assert (made.name, made.measure, limits(made)) == ("return floor", "revenue less 1.5 × cost", (0, INF))
    assert [term.measure for term in made.terms] == ["revenue", "cost"]
    assert [term.coupons.tolist() for term in made.terms] == [[0, 1, 1], [0, -1.5, -1.5]]


def test_keep() -> None:
    """Of four pairs, one of a user who is gone, half stay: at least 2. The three others are marked."""
    plan = pa.table({"user_id": ["u1", "u2", "u9", "u4"], "coupon_id": ["A", "B", "A", "C"]})
    program = four_users(Keep(plan=plan, share=0.5)).program
    made = program.rows[-1]
    assert (made.name, made.terms[0].measure, limits(made)) == ("keep", "kept", (2, INF))
    assert program.columns["kept"].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 1]]


def test_changed_users() -> None:
    """Of four users at most 0.6 are changed: 2. Three had something, so the sum over pairs is at most −1."""
    plan = pa.table({"user_id": ["u1", "u2", "u9", "u4"], "coupon_id": ["A", "B", "A", "C"]})
    program = four_users(Keep(plan=plan, share=0.5, changed_at_most=0.6)).program
    kept, changed = program.rows[-2:]
    assert (kept.name, limits(kept)) == ("keep", (2, INF))
    assert (changed.name, changed.terms[0].measure, limits(changed)) == (
        "keep changed",
        "changed",
        (-INF, -1),
    )
    assert (changed.limits, changed.told(-3)) == ((-INF, 2), 0)
    assert program.columns["changed"].tolist() == [[-1, 0, 0], [0, -1, 0], [1, 1, 1], [0, 0, -1]]


def test_changed_users_with_several_coupons_are_refused() -> None:
    """Whether a user with two coupons is changed is no sum over pairs; a cap of 0 or 1 is fine."""
    keep = Keep(name="calm", plan=pa.table({"user_id": ["u1"], "coupon_id": ["A"]}), changed_at_most=0.5)
    assert refusal(UserCap(coupons=2), keep) == (
        "[keep], column 'changed_at_most': users who get several coupons are changed by no sum over pairs, "
        "and 4 users may get more than one (got 0.5). Cap users at one coupon, or limit the pairs that "
        "change with share"
    )
    assert four_users(UserCap(coupons=0), keep).program.rows[-1].name == "calm changed"


def test_keep_is_there_once() -> None:
    """Two earlier plans are one too many."""
    keep = Keep(plan=pa.table({"user_id": ["u1"], "coupon_id": ["A"]}), share=1)
    assert refusal(keep, keep) == "[[keep]] 2: there is more than one keep rule. Keep one of them"


def test_names_are_unique() -> None:
    """Rows that would be called alike are numbered, also where a name was taken by hand."""
    made = rows(Budget(amount=1), Budget(amount=2, name="budget (2)"), Budget(amount=3), Budget(amount=4))
    assert [one.name for one in made] == ["budget", "budget (2)", "budget (3)", "budget (4)"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            Budget(amount=1, users={"region": "nroth"}),
            (
                "[[budget]] 2, column 'region': no user has this value of segment 'region' (got 'nroth'). "
                "Did you mean 'north'? Known: east, north, south"
            ),
        ),
        (
            Target(at_least=1, users={"regoin": "north"}),
            (
                "[[target]] 1, column 'regoin': the users have no such segment. Did you mean 'region'? "
                "Known: region, tier"
            ),
        ),
        (
            Coverage(segment="age", at_least=0.1),
            "[[coverage]] 1, column 'age': the users have no such segment. Known: region, tier",
        ),
        (
            Parity(segment="region", tolerance=0.1, measure="profit"),
            "[[parity]] 1, column 'profit': the response has no such measure. Known: value, cost, revenue",
        ),
        (
            Budget(amount=1, measure="csot"),
            (
                "[[budget]] 2, column 'csot': the response has no such measure. Did you mean 'cost'? "
                "Known: value, cost, revenue"
            ),
        ),
        (
            Stock(coupons=["D"], at_most=1),
            "[[stock]] 1, column 'coupon_id': no such coupon in the menu (got 'D'). Known: A, B, C",
        ),
        (
            ReturnFloor(ratio=1, coupons={"channel": "mail"}),
            "[[return_floor]] 1, column 'channel': no coupon has this value (got 'mail'). Known: sms, app",
        ),
        (
            Exclusion(by="brand"),
            (
                "[[exclusion]] 1, column 'brand': the menu has no such column. "
                "Known: coupon_id, kind, channel, stock, minimum"
            ),
        ),
        (
            Exclusion(coupons=["A", "D"]),
            "[[exclusion]] 1, column 'coupon_id': no such coupon in the menu (got 'D'). Known: A, B, C",
        ),
        (
            Keep(plan="nowhere.parquet", share=1),
            "nowhere.parquet, [keep]: there is no such plan. Give a plan written by 'couponry solve'",
        ),
    ],
)
def test_names_that_nothing_bears(rule: Rule, message: str) -> None:
    """Unknown segments, values, measures, coupons and columns are refused with the rule that names them."""
    assert refusal(Budget(amount=9), rule) == message


def test_return_floor_without_revenue() -> None:
    """A floor on revenue needs revenue."""
    bare = responses()
    del bare.measures["revenue"]
    instance = Instance(menu(), people(), bare, (ReturnFloor(ratio=1),))
    with pytest.raises(
        InputError, match=r"^\[\[return_floor\]\] 1, column 'revenue': the response has no such"
    ):
        instance.program  # noqa: B018


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_rows_hold_where_the_rules_do(data: st.DataObject) -> None:
    """A drawn plan keeps the rules, read one by one from their definition, where it keeps the rows."""
    instance = data.draw(instances(max_users=4, max_coupons=3))
    plan = data.draw(plans(instance))
    reading, program = Reading(instance), instance.program
    demand = {measure: np.zeros((program.n_classes, program.n_coupons)) for measure in program.measures}
    for i, j in plan:
        for measure, table in demand.items():
            held = 1.0 if measure == "count" else program.columns[measure][i, reading.place[i, j]]
            table[program.classes.codes[i], j] += held
    slack = min(
        (
            min(made.upper - made.activity(demand), made.activity(demand) - made.lower) / made.unit
            for made in program.rows
        ),
        default=INF,
    )
    if abs(slack) > 1e-6:  # at a limit to the last digit only exact sums can tell
        assert reading.keeps(plan) == (slack > 0)
    for i in range(program.n_users):
        assert program.choices.max_coupons[i] == min(reading.most(i), program.n_coupons)
    families = [sorted(family) for family in reading.families]
    wanted = {(a, b) for family in families for a in family for b in family if a != b}
    assert {tuple(pair) for pair in np.argwhere(program.choices.conflicts).tolist()} == wanted
