"""Logs in couponry's own forms."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.instances.loaders.data import write_csv

from couponry.instances import InputError
from couponry.instances.loaders.couponry_log import read_couponry_log
from couponry.instances.world import World


def exposures(**changed: Any) -> pd.DataFrame:
    """Return three exposures of two users."""
    columns: dict[str, Any] = {
        "user_id": ["007", "008", "007"],
        "arm": ["01", None, "02"],
        "conversion": [1, 0, 1],
        "cost": [2.5, 0, 1],
        "region": ["north", "south", "north"],
        "visits": [3, 1, 4],
    }
    return pd.DataFrame({**columns, **changed})


def menu(folder: Path, name: str = "coupons.csv") -> Path:
    """Write a menu of two coupons."""
    return write_csv(folder, name, pd.DataFrame({"coupon_id": ["01", "02"], "channel": ["sms", "app"]}))


@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_flat_file_with_a_menu_beside_it(tmp_path: Path, name: str) -> None:
    """Ids keep their zeros, an empty arm is no coupon, other columns are features."""
    menu(tmp_path)
    log = read_couponry_log(write_csv(tmp_path, name, exposures()), segments="region")
    assert log.user_id.tolist() == ["007", "008", "007"]
    assert log.coupons.ids == ["01", "02"]
    assert log.arm.tolist() == [0, -1, 1]
    assert log.cost.tolist() == [2.5, 0, 1]
    assert log.revenue.tolist() == [0, 0, 0]
    assert log.propensity is None
    assert list(log.features) == ["region", "visits"]
    assert log.segments == ("region",)


def test_flat_parquet_with_a_menu_elsewhere(tmp_path: Path) -> None:
    """The menu may have any name and place."""
    exposures().to_parquet(tmp_path / "log.parquet")
    log = read_couponry_log(tmp_path / "log.parquet", coupons=menu(tmp_path, "menu.csv"))
    assert log.arm.tolist() == [0, -1, 1]
    assert log.segments == ()


def test_world_directory_and_log_directory_are_read(tmp_path: Path) -> None:
    """A world's directory stands for the log in it; segments are its own, or those asked for."""
    World.draw(40, 3, 0).write(tmp_path / "world")
    for path in (tmp_path / "world", tmp_path / "world" / "log"):
        log = read_couponry_log(path)
        assert log.n == 40
        assert log.segments == ("region", "tier", "age_band")
    assert read_couponry_log(tmp_path / "world", segments="tier, device").segments == ("tier", "device")
    assert read_couponry_log(tmp_path / "world", segments=["tier"]).segments == ("tier",)


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    """A menu, a column, an arm, a segment, the file itself, a directory's files."""
    file = write_csv(tmp_path, "log.csv", exposures())
    with pytest.raises(
        InputError, match=r"log.csv: the log has no menu. Give coupons=FILE, or put coupons.csv"
    ):
        read_couponry_log(file)
    menu(tmp_path)
    with pytest.raises(
        InputError, match=r"parameter 'segments': .*\(got 'regions'\). Did you mean 'region'\?"
    ):
        read_couponry_log(file, segments="regions")
    with pytest.raises(InputError, match=r"none.csv: there is no such file"):
        read_couponry_log(tmp_path / "none.csv")
    unknown = write_csv(tmp_path, "b.csv", exposures(arm=["01", "03", None]))
    with pytest.raises(InputError, match=r"b.csv, row 1.*, column 'arm': .*\(got '03'\)"):
        read_couponry_log(unknown)
    short = write_csv(tmp_path, "c.csv", exposures().drop(columns="conversion"))
    with pytest.raises(InputError, match=r"c.csv, column 'conversion': a column is missing"):
        read_couponry_log(short)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"a log directory lacks this file"):
        read_couponry_log(tmp_path / "empty")


def test_directory_takes_no_second_menu(tmp_path: Path) -> None:
    """It has its own."""
    World.draw(10, 2, 0).log(5).write(tmp_path / "log")
    with pytest.raises(InputError, match=r"parameter 'coupons': a log directory has a menu of its own"):
        read_couponry_log(tmp_path / "log", coupons=menu(tmp_path))
