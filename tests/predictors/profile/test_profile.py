"""Profiles: what they say, that nothing later and nobody else is learnt from, and that they can be kept."""

import numpy as np
import pandas as pd
import pytest
from tests.predictors.profile.raw import drawn

from couponry.instances.errors import InputError
from couponry.predictors.profile.profile import UserProfile, load_profile
from couponry.predictors.profile.tables import RawTables

SETTINGS = {"words": 6, "topics": 2, "segments": 3}
USERS = [f"u{i}" for i in range(310)]
APRIL = np.datetime64("2024-04-01")


@pytest.fixture(scope="module")
def learnt():
    """Tables of three hundred users, and a profile learnt of 250 of them before April."""
    tables = drawn()
    return tables, UserProfile(**SETTINGS).fit(tables, USERS[:250], APRIL)


def test_the_columns_are_those_that_were_named(learnt):
    """One row a user in their order, also for those of whom nothing is known."""
    tables, profile = learnt
    found = profile.transform(tables, USERS[::-1], APRIL)
    assert list(found) == ["user_id", *profile.columns_]
    assert found["user_id"].tolist() == USERS[::-1]
    nobody = found.iloc[0]  # u309, in no table
    assert (nobody["frequency"], nobody["money"], nobody["rfm"]) == (0, 0, "000")
    assert np.isnan(nobody["recency"])


def test_topics_part_runners_from_tea_drinkers(learnt):
    """Runners have one topic, drinkers the other, shares add up to 1; who wrote nothing is a third group."""
    tables, profile = learnt
    found = profile.transform(tables, USERS[:250], APRIL)
    topics = found[[name for name in found if name.startswith("topic")]].to_numpy()[:200]
    assert np.allclose(topics.sum(axis=1), 1)
    main = topics.argmax(axis=1)
    assert len(set(main[::2])) == len(set(main[1::2])) == 1
    assert main[0] != main[1]
    assert found["segment"].nunique() == 3


def test_saved_and_loaded_it_says_the_same(learnt, tmp_path):
    """Bit by bit, without pickle."""
    tables, profile = learnt
    profile.save(tmp_path / "profile")
    again = load_profile(tmp_path / "profile")
    before, after = (p.transform(tables, USERS, APRIL) for p in (profile, again))
    pd.testing.assert_frame_equal(before, after, check_exact=True)
    assert {f.suffix for f in (tmp_path / "profile").iterdir() if f.is_file()} <= {
        ".json",
        ".safetensors",
        "",
    }


def test_nothing_is_learnt_of_other_users_or_later_times(learnt):
    """Others' rows, and rows from April on, may be anything."""
    tables, profile = learnt
    shouted = tables.texts.assign(
        text=np.where(tables.texts["user_id"].isin(USERS[:250]), tables.texts["text"], "x y z")
    )
    bought = tables.purchases.assign(
        amount=np.where(
            tables.purchases["user_id"].isin(USERS[:250]) & (tables.purchases["time"] < APRIL),
            tables.purchases["amount"],
            1e6,
        )
    )
    other = UserProfile(**SETTINGS).fit(RawTables(bought, shouted), USERS[:250], APRIL)
    assert other.state().facts == profile.state().facts
    for name, array in profile.state().arrays.items():
        assert np.array_equal(array, other.state().arrays[name])


def test_a_row_does_not_depend_on_the_rows_beside_it(learnt):
    """Alone or among others, a user's profile is the same."""
    tables, profile = learnt
    among = profile.transform(tables, USERS, APRIL).iloc[[3]].reset_index(drop=True)
    pd.testing.assert_frame_equal(profile.transform(tables, USERS[3:4], APRIL), among)


def test_tables_of_one_kind_are_enough():
    """Purchases alone, texts alone; then texts are asked for, or not."""
    both = drawn(100)
    bought = UserProfile().fit(RawTables(both.purchases))
    assert bought.columns_[:3] == ["recency", "frequency", "money"]
    wrote = UserProfile(words=3, topics=0, segments=0).fit(RawTables(texts=both.texts))
    assert [name.split()[0] for name in wrote.columns_] == ["word"] * 3
    with pytest.raises(InputError, match=r"column 'texts': the profile was learnt from texts too. Give them"):
        wrote.transform(RawTables(both.purchases), USERS)


def test_users_of_whom_nothing_is_known():
    """The message has the time before which nothing is."""
    with pytest.raises(InputError, match="nothing is known of these users before 2019-01-01"):
        UserProfile().fit(RawTables(drawn(50).purchases), as_of=np.datetime64("2019-01-01"))
    with pytest.raises(InputError, match=r"the tables give no columns"):
        UserProfile().fit(RawTables(texts=pd.DataFrame({"user_id": ["a"], "text": ["!"]})))


def test_a_damaged_profile_is_refused(learnt, tmp_path):
    """As a model would be; and a model is no profile."""
    learnt[1].save(tmp_path / "profile")
    head = tmp_path / "profile" / "profile.json"
    head.write_text(head.read_text().replace("recency", "decency", 1))
    with pytest.raises(InputError, match=r"profile.json: the file is damaged"):
        load_profile(tmp_path / "profile")
    with pytest.raises(
        InputError, match=r"profile.json: this is no profile directory.*couponry profile learn"
    ):
        load_profile(tmp_path)
