"""What is said of a log on the command line reaches its format's reader."""

from pathlib import Path

import pytest

from couponry.cli.log_options import read_log
from couponry.instances.errors import InputError

HILLSTROM = (
    "recency,history_segment,history,mens,womens,zip_code,newbie,channel,segment,visit,conversion,spend\n"
    '10,"2) $100 - $200",142.44,1,0,Surburban,0,Phone,Womens E-Mail,0,0,0\n'
    '6,"3) $200 - $350",329.08,1,1,Rural,1,Web,Mens E-Mail,1,0,0\n'
    '7,"2) $100 - $200",180.65,0,1,Surburban,1,Web,No E-Mail,1,1,30\n'
)


@pytest.fixture
def hillstrom(tmp_path: Path) -> Path:
    """Return three rows in the form of the e-mail trial."""
    (tmp_path / "trial.csv").write_text(HILLSTROM)
    return tmp_path / "trial.csv"


def test_costs_by_coupon_and_outcome(hillstrom: Path) -> None:
    """Each arm costs what was said, none costs nothing, and the asked column counts as conversion."""
    log = read_log(hillstrom, "hillstrom", costs=["mens=0.1", "womens = 0.25"], outcome="conversion")
    assert log.cost.tolist() == [0.25, 0.1, 0]
    assert log.conversion.tolist() == [0, 0, 1]
    assert read_log(hillstrom, "hillstrom", outcome="visit").conversion.tolist() == [0, 1, 1]


def test_menu_beside_a_flat_log(tmp_path: Path) -> None:
    """A flat log takes its menu from the file that is named."""
    (tmp_path / "log.csv").write_text("user_id,arm,conversion,age\nu1,A,1,30\nu2,,0,40\n")
    (tmp_path / "menu.csv").write_text("coupon_id,kind\nA,gift\nB,gift\n")
    log = read_log(tmp_path / "log.csv", "couponry", menu=tmp_path / "menu.csv")
    assert log.coupons.ids == ["A", "B"]
    assert log.arm.tolist() == [0, -1]


def test_one_cost_for_all(tmp_path: Path) -> None:
    """A plain number is the one cost of a format that has one for all its arms."""
    names = "timestamp,item_id,position,click,propensity_score," + ",".join(
        f"user_feature_{k}" for k in range(4)
    )
    rows = ["2019-11-24 00:00:25+00:00,0,1,0,0.5,a,b,c,d", "2019-11-24 01:00:25+00:00,1,2,1,0.5,a,b,c,d"]
    (tmp_path / "bandit.csv").write_text("\n".join([names, *rows]))
    assert read_log(tmp_path / "bandit.csv", "open_bandit", costs=["0.5"]).cost.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("text", ["mens", "mens=", "=0.1=2", "mens=inf", "mens=nan", "mens=-0.1"])
def test_cost_that_cannot_be(hillstrom: Path, text: str) -> None:
    """A cost without a number of at least 0 is refused as it was written."""
    with pytest.raises(InputError, match="a cost is a coupon and an amount of money of at least 0") as caught:
        read_log(hillstrom, "hillstrom", costs=[text])
    assert caught.value.value == text
