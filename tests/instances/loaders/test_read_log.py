"""One door to all formats."""

from pathlib import Path

import pytest
from tests.instances.loaders.data import public, write_csv
from tests.instances.loaders.test_hillstrom import three_customers

from couponry.instances import InputError
from couponry.instances.loaders import FORMATS, read_log
from couponry.instances.world import World


def test_a_format_is_read_with_its_options(tmp_path: Path) -> None:
    """Options reach the format's own reader."""
    file = write_csv(tmp_path, "h.csv", three_customers())
    log = read_log(file, "hillstrom", outcome="conversion", costs={"mens": 1, "womens": 2})
    assert log.conversion.tolist() == [0, 0, 1]
    assert log.cost.tolist() == [2, 0, 1]


def test_own_format_is_the_default(tmp_path: Path) -> None:
    """A log directory needs no format."""
    World.draw(10, 2, 0).log(5).write(tmp_path / "log")
    assert read_log(tmp_path / "log").n == 5


def test_unknown_formats_and_options_are_told(tmp_path: Path) -> None:
    """With the nearest known ones, before any file is opened."""
    with pytest.raises(
        InputError, match=r"parameter 'format': unknown format \(got 'hilstrom'\). Did you mean 'hillst"
    ):
        read_log(tmp_path / "none.csv", "hilstrom")
    with pytest.raises(
        InputError, match=r"parameter 'cost': format 'hillstrom' has no such option. Did you mean 'costs'"
    ):
        read_log(tmp_path / "none.csv", "hillstrom", cost=1)


@pytest.mark.data
@pytest.mark.parametrize(
    ("format", "name"),
    [
        ("hillstrom", "hillstrom.csv.gz"),
        ("karlan_list", "karlan_list.csv.gz"),
        ("in_vehicle", "in_vehicle_coupon.csv.gz"),
        ("open_bandit", "open_bandit_bts_men.csv.gz"),
    ],
)
def test_every_public_data_set_is_a_format(format: str, name: str) -> None:
    """Each is read, and can be split by users."""
    train, held = read_log(public(name), format).split(0.3)
    assert train.n > held.n > 1_000
    assert not set(train.user_id) & set(held.user_id)


def test_formats_are_listed() -> None:
    """Own logs and the four public data sets."""
    assert FORMATS == ("couponry", "hillstrom", "karlan_list", "in_vehicle", "open_bandit")
