"""Collaborative filtering on redemptions and users whose tastes are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import ExistsError, InputError
from couponry.predictors.collaborative.columns import CollaborativeColumns
from couponry.predictors.collaborative.factors import MatrixFactors
from couponry.predictors.collaborative.learner import UserNeighbours
from couponry.predictors.collaborative.neighbours import ItemNeighbours
from couponry.predictors.collaborative.redemptions import Redemptions
from couponry.predictors.train import train


def tastes(users=600, seed=0):
    """Draw what users took of twelve items, six of each of two tastes; each user has one taste."""
    generator = np.random.default_rng(seed)
    taste = generator.random(users) < 0.5
    fits = np.equal.outer(taste, np.arange(12) < 6)
    counts = generator.poisson(np.where(fits, 1.5, 0.1))
    row, column = np.nonzero(counts)
    table = pd.DataFrame(
        {"user_id": [f"u{i}" for i in row], "item": [f"i{j}" for j in column], "count": counts[row, column]}
    )
    return taste, table


def test_counts_of_a_user_and_item_are_added():
    """Rows of users asked for come in their order, and one without history has none."""
    table = pd.DataFrame({"user_id": ["b", "a", "b"], "item": ["x", "y", "x"]})
    found = Redemptions.of(table)
    assert list(found.items) == ["x", "y"]
    assert found.of_users(["a", "c", "b"]).toarray().tolist() == [[0, 1], [0, 0], [2, 0]]


def test_cosines_are_those_by_hand():
    """Two items that one of two takers shares: cos = 1/√2·√1, shrunk by 1/(1 + shrink)."""
    counts = sparse.csr_matrix(np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))
    alike = ItemNeighbours(shrink=1.0).fit(counts).alike
    assert alike[0, 1] == pytest.approx(1 / np.sqrt(2) * 1 / 2)
    assert alike[0, 0] == alike[0, 2] == 0
    scores = ItemNeighbours(shrink=1.0).fit(counts).scores(sparse.csr_matrix([[1.0, 0.0, 0.0]]))
    assert scores[0] == pytest.approx([0.0, np.log(2), 0.0])


@pytest.mark.parametrize(
    "make", [lambda: MatrixFactors(rank=2), ItemNeighbours], ids=["factors", "neighbours"]
)
def test_a_new_users_taste_is_seen_from_few_redemptions(make):
    """Who took one item of a taste is expected to take the others of it before those of the other taste."""
    model = make().fit(Redemptions.of(tastes()[1]).counts)
    items = list(Redemptions.of(tastes()[1]).items)
    first = np.array([int(item[1:]) < 6 for item in items])
    history = np.zeros((1, 12))
    history[0, items.index("i2")] = 2.0
    score = model.scores(sparse.csr_matrix(history))[0]
    others = first & (np.array(items) != "i2")
    assert score[others].min() > score[~first].max()
    again = type(model).from_state(model.state())
    assert (again.scores(sparse.csr_matrix(history)) == model.scores(sparse.csr_matrix(history))).all()


def test_factors_lower_the_error_of_biases_alone():
    """On items held back of users seen by their others."""
    _, table = tastes()
    counts = Redemptions.of(table).counts
    hidden = counts.toarray()
    hidden[:, 3] = 0
    seen = sparse.csr_matrix(hidden)
    truth = np.log1p(counts.toarray()[:, 3])
    errors = []
    for rank in (0, 2):
        model = MatrixFactors(rank=rank).fit(counts)
        errors.append(((model.scores(seen)[:, 3] - truth) ** 2).mean())
    assert errors[1] < 0.8 * errors[0]


def test_columns_stand_beside_features_and_tell_the_taste():
    """One row a user asked for, also an unknown one; the same after a round trip."""
    taste, table = tastes()
    columns = CollaborativeColumns(rank=2, items=["i1", "i8", "none such"]).fit(table)
    users = [*(f"u{i}" for i in range(600)), "stranger"]
    found = columns.transform(table, users)
    assert len(found) == 601
    assert "redeemed: level i8" in found
    assert not any("none such" in name for name in found)
    assert found["redeemed: taken"].iloc[-1] == 0
    near = found["redeemed: near i1"] - found["redeemed: near i8"]
    assert np.corrcoef(near[:600], taste)[0, 1] > 0.7
    pd.testing.assert_frame_equal(
        CollaborativeColumns.from_state(columns.state()).transform(table, users), found
    )


def test_columns_are_attached_row_by_row_whatever_the_index():
    """To a log or a table of users whose index is not 0, 1, …, some of whom stand in several rows."""
    _, table = tastes()
    columns = CollaborativeColumns(rank=2, items=["i1"]).fit(table)
    log = SmallWorld.draw(50, 0).log(0)
    log = replace(
        log, features=log.features.set_axis(range(100, 150)), user_id=log.user_id[[7] * 25 + [3] * 25]
    )
    plain = columns.transform(table, log.user_id)
    wide = columns.attach(log, table)
    users = log.features.assign(user_id=log.user_id)
    for found in (wide.features, columns.attach(users, table)):
        pd.testing.assert_frame_equal(found[list(plain.columns)], plain)
        assert found["age"].tolist() == log.features["age"].tolist()
    joined = users.join(columns.transform(table, users["user_id"]))
    assert joined["redeemed: taken"].tolist() == plain["redeemed: taken"].tolist()
    with pytest.raises(InputError, match="is there already"):
        columns.attach(wide, table)
    with pytest.raises(InputError, match="column 'user_id': the users lack a column"):
        columns.attach(log.features, table)


def test_columns_are_saved_and_read(tmp_path):
    """The same to the last bit; what is something else is refused, and so is asking before learning."""
    _, table = tastes(100)
    columns = CollaborativeColumns(rank=2).fit(table)
    columns.save(tmp_path / "columns")
    read = CollaborativeColumns.load(tmp_path / "columns")
    pd.testing.assert_frame_equal(read.transform(table, ["u1", "u2"]), columns.transform(table, ["u1", "u2"]))
    with pytest.raises(ExistsError):
        columns.save(tmp_path / "columns")
    with pytest.raises(InputError, match="this is no collaborative directory"):
        CollaborativeColumns.load(tmp_path)
    for ask in (lambda new: new.transform(table, ["u1"]), lambda new: new.save(tmp_path / "new")):
        with pytest.raises(InputError, match=r"these columns have learnt nothing yet\. Call fit first"):
            ask(CollaborativeColumns())


def test_a_model_learns_more_with_the_columns():
    """Where a coupon works on those of one taste, past redemptions tell whom."""
    taste, table = tastes(4000)
    world = SmallWorld.draw(4000, 0)
    log = world.log(0)
    generator = np.random.default_rng(4)
    chance = 0.2 + 0.4 * (taste & (log.arm >= 0))
    bought = (generator.random(4000) < chance).astype(float)
    log = replace(log, conversion=bought, cost=np.where(log.arm >= 0, bought, 0.0), revenue=bought)
    columns = CollaborativeColumns(rank=2, items=["i1", "i8"]).fit(table)
    wide = replace(log, features=log.features.join(columns.transform(table, [f"u{i}" for i in range(4000)])))
    value = train(wide, "t", "sklearn").predict_response(wide.features).measure("value")
    plain = train(log, "t", "sklearn").predict_response(log.features).measure("value")
    truth = 0.4 * taste[:, None]
    assert ((value - truth) ** 2).mean() < 0.4 * ((plain - truth) ** 2).mean()


def test_user_neighbours_are_better_than_no_effect():
    """A baseline: it finds some of the differences between users, and most of the averages."""
    world, others = SmallWorld.draw(8000, 0), SmallWorld.draw(1500, 1)
    model = train(world.log(0), "neighbours")
    value = model.predict_response(others.features).measure("value")
    assert ((value - others.value) ** 2).mean() < 0.4 * (others.value**2).mean()
    for j in range(3):
        assert np.corrcoef(value[:, j], others.value[:, j])[0, 1] > 0.4


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pd.DataFrame({"user_id": ["a"]}), "column 'item': the redemptions lack a column"),
        (pd.DataFrame({"user_id": [], "item": []}), "there are no redemptions"),
        (
            pd.DataFrame({"user_id": ["a"], "item": ["x"], "count": [-1]}),
            r"row 0, column 'count': a count is a finite number of at least 0 \(got -1\)",
        ),
        (
            pd.DataFrame({"user_id": ["a", "b"], "item": ["x", "y"], "count": [1, "x"]}),
            r"row 1, column 'count': a count is a finite number of at least 0 \(got 'x'\)\. Correct",
        ),
        (
            pd.DataFrame({"user_id": ["a", "b"], "item": ["x", np.nan]}),
            r"row 1, column 'item': a redemption has no item\. Correct the row or drop it",
        ),
        (
            pd.DataFrame({"user_id": [None, "b"], "item": ["x", "y"]}),
            "row 0, column 'user_id': a redemption has no user",
        ),
    ],
)
def test_tables_that_cannot_be_used_are_refused(table, words):
    """With the place and the mend."""
    with pytest.raises(InputError, match=words):
        Redemptions.of(table)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: MatrixFactors(rank=-1), "too small to factorise with"),
        (lambda: UserNeighbours(neighbours=5000), "Give a number from 1 to 4000"),
    ],
)
def test_parameters_that_cannot_be_are_refused(make, words):
    """Before any training."""
    with pytest.raises(InputError, match=words):
        make()
