"""Parameters of learners, in scikit-learn's form."""

from dataclasses import dataclass

import pytest
from sklearn.base import clone

from couponry.instances.errors import InputError
from couponry.predictors.parameters import Parameters


@dataclass(frozen=True)
class Pace:
    """Keywords that a learner hands on."""

    rate: float = 0.1
    steps: int = 5


class Runner(Parameters):
    """Keeps its keywords in objects of its own, as learners do."""

    keywords = Pace

    def __init__(self, base: str = "a", *, seed: int = 0, extras: dict | None = None, **pace):
        self.both = (base, seed)
        self.pace = Pace(**pace)


def test_parameters_are_those_of_the_constructor_and_of_what_it_hands_on():
    """Given ones and defaults alike."""
    assert Runner.parameter_names() == ("base", "seed", "extras", "rate", "steps")
    given = Runner("b", steps=7).get_params()
    assert given == {"base": "b", "seed": 0, "extras": None, "rate": 0.1, "steps": 7}


def test_setting_changes_the_learner_itself():
    """What the constructor made of a parameter follows it, and the others stay."""
    runner = Runner("b", steps=7).set_params(seed=3, rate=0.5)
    assert runner.both == ("b", 3)
    assert runner.pace == Pace(0.5, 7)
    assert runner.get_params()["steps"] == 7


def test_scikit_learn_can_clone_it():
    """The copy has equal parameters and mutable ones of its own."""
    runner = Runner(extras={"trees": 5}, steps=2)
    copy = clone(runner)
    assert copy is not runner
    assert copy.get_params() == runner.get_params()
    assert copy.get_params()["extras"] is not runner.get_params()["extras"]


def test_an_unknown_parameter_is_refused():
    """With the nearest known one."""
    with pytest.raises(
        InputError, match=r"parameter 'step': this model has no such parameter. Did you mean 'steps'"
    ):
        Runner().set_params(step=1)
    with pytest.raises(InputError, match="parameter 'stride': this model has no such parameter"):
        Runner(stride=1)
