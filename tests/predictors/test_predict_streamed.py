"""From a model and a file of users to shards."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.predictors.small_world import SmallWorld

import couponry as cp
from couponry.instances.errors import ExistsError, InputError
from couponry.predictors import answers
from couponry.predictors import predict_streamed as module
from couponry.predictors.model import Model
from couponry.predictors.predict import predict
from couponry.predictors.predict_streamed import predict_streamed

WORLD = SmallWorld.draw(3000, 0)
USERS = WORLD.features.assign(user_id=[f"u{i}" for i in range(3000)])
RULES = (cp.Budget(amount=600.0), cp.Coverage(segment="region", at_least=0.05))


@pytest.fixture(scope="module", params=["t", "default"])
def model(request: pytest.FixtureRequest) -> Model:
    """A T-learner over linear models, and the default."""
    return cp.train(WORLD.log(0), request.param, "sklearn")


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 2,048 users, read in steps of 1,024."""
    monkeypatch.setattr(module, "_BLOCK", 1500)
    monkeypatch.setattr(answers, "_PAIRS_AT_ONCE", 4 * 1024)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.usefixtures("small_blocks")
def test_the_numbers_are_those_of_a_prediction_in_memory(model: Model, tmp_path: Path, suffix: str) -> None:
    """To the last bit; ids, segments, menu and rules too, whatever the shards."""
    file = write(USERS, tmp_path / f"users{suffix}")
    told: list[cp.Progress] = []
    found = predict_streamed(
        model, file, tmp_path / "out", rules=RULES, shard_rows=1100, progress=told.append
    )
    assert sorted(path.name for path in (tmp_path / "out" / "users").iterdir()) == [
        f"part-000{i}.parquet" for i in range(3)
    ]
    assert [step.done for step in told] == [2048, 3000]
    expected, read = predict(model, USERS, rules=RULES), found.whole()
    assert read.response.measures.keys() == expected.response.measures.keys()
    for name, array in expected.response.measures.items():
        assert np.array_equal(read.response.measure(name), array)
    assert read.users.ids.to_pylist() == expected.users.ids.to_pylist()
    assert read.users.segment_names == expected.users.segment_names
    assert read.rules == RULES
    assert read.coupons.table.equals(expected.coupons.table)


def test_what_is_written_is_solved_block_by_block(model: Model, tmp_path: Path) -> None:
    """The instance goes straight to the streamed solver, and the plan keeps its rules."""
    predict_streamed(model, write(USERS, tmp_path / "users.parquet"), tmp_path / "out", rules=RULES)
    solution = cp.solve_streamed(tmp_path / "out", tmp_path / "plan", gap=1e-3)
    assert solution.status.value == "optimal"
    assert cp.verify_streamed(cp.open_instance(tmp_path / "out"), tmp_path / "plan").ok


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"age": np.inf}, r"users\.csv, row 2500 \(line 2502\), column 'age': a feature is infinite"),
        ({"user_id": ""}, r"users\.csv, row 2500 \(line 2502\), column 'user_id': a user has no id"),
        ({"user_id": "u2499"}, r"row 2500 \(line 2502\), column 'user_id': this user stands there twice"),
    ],
)
def test_an_unusable_cell_is_named_by_row_and_line(
    model: Model, tmp_path: Path, change: dict[str, object], told: str
) -> None:
    """Counted from the file's start, not the block's; nothing is left behind."""
    wrong = USERS.astype(dict.fromkeys(change, object))
    wrong.loc[2500, list(change)] = list(change.values())
    with pytest.raises(InputError, match=told):
        predict_streamed(model, write(wrong, tmp_path / "users.csv"), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["users.csv"]


def test_columns_and_rules_that_do_not_fit_are_told_before_the_work(model: Model, tmp_path: Path) -> None:
    """With the file that is to be mended, and nothing written."""
    lacking = write(USERS.drop(columns="age"), tmp_path / "users.parquet")
    with pytest.raises(InputError, match=r"users\.parquet, column 'age': the users lack the column 'age'"):
        predict_streamed(model, lacking, tmp_path / "out")
    file = write(USERS, tmp_path / "users.parquet")
    wrong = [cp.Coverage(segment="tier", at_least=0.1)]
    with pytest.raises(InputError, match=r"rules\.toml.*tier"):
        predict_streamed(model, file, tmp_path / "out", rules=wrong, rules_file="rules.toml")
    with pytest.raises(InputError, match="a shard holds at least one user"):
        predict_streamed(model, file, tmp_path / "out", shard_rows=0)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("small_blocks")
def test_an_interrupt_leaves_what_stood_there(model: Model, tmp_path: Path) -> None:
    """Ctrl-C after the first block: the former instance is whole, and nothing lies beside it."""
    file = write(USERS, tmp_path / "users.parquet")
    predict_streamed(model, file, tmp_path / "out")
    with pytest.raises(ExistsError):
        predict_streamed(model, file, tmp_path / "out")

    def interrupt(_: cp.Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_streamed(model, file, tmp_path / "out", rules=RULES, force=True, progress=interrupt)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "users.parquet"]
    assert cp.read_instance(tmp_path / "out").rules == ()


def write(users: pd.DataFrame, file: Path) -> Path:
    """Write a table of users by the file's suffix."""
    if file.suffix == ".csv":
        users.to_csv(file, index=False)
    else:
        users.to_parquet(file)
    return file
