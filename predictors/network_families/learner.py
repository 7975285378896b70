"""What learners of all families share: an ensemble of networks from one loop, its answers, its files."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from couponry.instances.errors import InputError
from couponry.instances.progress import Progress, Report
from couponry.predictors.amounts import Strata
from couponry.predictors.cores import spare_cores
from couponry.predictors.features import FeatureEncoder, Layout
from couponry.predictors.learner import Outcomes, TrainingRows, check_rows
from couponry.predictors.network.module import money_link
from couponry.predictors.network_families.contract import FamilyModule, Task
from couponry.predictors.network_families.device import choose_device, seeded, threads
from couponry.predictors.network_families.fit import Study
from couponry.predictors.network_families.ladders import doubts_of_ladders, ladders_of
from couponry.predictors.network_families.money import expected_amount
from couponry.predictors.network_families.scale import Scale
from couponry.predictors.network_families.settings import WATCHED, TrainSettings
from couponry.predictors.parameter_kinds import Word
from couponry.predictors.parameters import Parameters
from couponry.predictors.rising import Ladders
from couponry.predictors.second_opinion import SecondOpinion
from couponry.predictors.state import State

__all__ = ["FamilyLearner"]

_ROWS_AT_ONCE = 8192
_PLACES = ("checkpoint", "logs", "device")  # where training was done is no part of what was learnt


class FamilyLearner(Parameters):
    """Base of the families' learners; a family gives :meth:`build`.

    Parameters
    ----------
    seed : int
        Of initial weights, of who is held out and of the order of rows.
    members : int
        Networks of the ensemble, each from its own start and with its own fifth of the users held out; of
        their spread and of what a :class:`~couponry.predictors.second_opinion.SecondOpinion` doubts the
        standard error of the uplift is made. One alone has none.
    device : str, optional
        By default the GPU where there is one.
    settings : mapping
        See :class:`~couponry.predictors.network_families.settings.TrainSettings`.
    ladder_by : sequence of str, optional
        Let no response fall as the face value rises between coupons that agree in these columns of the menu,
        such as ``["kind"]``; by default responses are free.

    References
    ----------
    .. [1] Lakshminarayanan, B., Pritzel, A., & Blundell, C. (2017). Simple and scalable predictive
       uncertainty estimation using deep ensembles. NeurIPS 30. https://doi.org/10.48550/arXiv.1612.01474
    """

    layout: Layout = "standard"
    from_attributes: bool = False
    keywords: ClassVar[Callable[..., Any] | None] = TrainSettings
    parameter_kinds: ClassVar = {"watch": Word(WATCHED), "decision_estimator": Word(("dr", "ips"))}

    def __init__(
        self,
        seed: int,
        members: int,
        device: str | None,
        settings: dict[str, Any],
        ladder_by: Sequence[str] | None = None,
    ) -> None:
        self.seed = seed
        self.members = members
        self.device = choose_device(device)
        self.settings = TrainSettings(**settings)
        self.ladder_by = [ladder_by] if isinstance(ladder_by, str) else ladder_by

    @property
    def ladders(self) -> Ladders:
        """Coupons among which a larger face value never lowers the response, once fitted."""
        return self.task.ladders

    def build(self, task: Task) -> FamilyModule:
        """Return one untrained network."""
        raise NotImplementedError

    def encode(self, features: FeatureEncoder, table: pd.DataFrame) -> npt.NDArray[np.float32]:
        """Return users as this family reads them, float32 ``(n, d)``."""
        return features.encode(table, self.layout)

    def numbers(self, x: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the columns of rows that are numbers, not what a reader of its own looks at."""
        return x

    def unfitted(self) -> Self:
        """Return one of the same parameters and layout of rows, without checkpoints and logs."""
        alike = copy.copy(self)
        alike.settings = replace(self.settings, checkpoint=None, logs=None)
        return alike

    def own_state(self) -> State:
        """Return what a family remembers beside weights."""
        return State()

    def restore_own(self, state: State) -> None:
        """Take back what :meth:`own_state` gave."""

    def doubts(self, rows: TrainingRows) -> list[str]:
        """Return what is doubtful about rows for this family, before it learns from them."""
        if self.ladder_by is None or rows.offers is None:
            return []
        return doubts_of_ladders(rows.offers, self.ladder_by)

    def fit(self, rows: TrainingRows, progress: Report | None = None) -> Self:
        """Train all members."""
        check_rows(rows)
        self.menu = rows.coupons
        self.cost = Strata.of(rows.cost, rows.arm, rows.conversion, rows.arms)
        self.revenue = Strata.of(rows.revenue, rows.arm, rows.conversion, rows.arms)
        self.task = self._task(rows)
        # Batches this small gain nothing from threads, and threads that wait for one another lose a lot.
        with threads(1 if self.device.type == "cpu" else torch.get_num_threads()):
            study = Study(
                rows, (self.cost, self.revenue), self.task, self.settings, self._name(), self.device
            )
            self.modules: list[FamilyModule] = []
            self.fitted: list[dict[str, Any]] = []
            for member in range(self.members):
                module = self._start(member)
                self.fitted.append(study.train(module, member, self.seed, self._told(progress, member)))
                self.modules.append(module)
            logit, unseen = study.unseen(self.modules, self.seed)
            self.scale = Scale.fit(logit, rows.arm[unseen].astype(np.int64) + 1, rows.conversion[unseen])
        self.opinion: SecondOpinion | None = None
        if self.members > 1:
            told = torch.sigmoid(self.scale.apply(torch.from_numpy(logit))).numpy()
            numbers = replace(rows, x=self.numbers(rows.x))
            self.opinion = SecondOpinion.of(numbers, told, unseen, self.seed)
        return self

    def _start(self, member: int) -> FamilyModule:
        with seeded(self.seed * 1009 + member, torch.device("cpu")):
            return self.build(self.task).to(self.device)

    def _told(self, progress: Report | None, member: int) -> Callable[[int, str], None] | None:
        if progress is None:
            return None
        each = self.settings.epochs + self.settings.decision_epochs

        def tell(epoch: int, message: str) -> None:
            progress(Progress("training", member * each + epoch, self.members * each, message))

        return tell

    def _task(self, rows: TrainingRows) -> Task:
        never_negative = [bool((amount >= 0).all()) for amount in (rows.cost, rows.revenue)]
        return Task(
            features=rows.x.shape[1],
            attributes=rows.coupons.shape[1],
            coupons=rows.arms,
            level=tuple(_logit(rows.conversion[rows.arm == a]) for a in range(-1, rows.arms)),
            positive=tuple(bool(flag) for flag in np.repeat(never_negative, 2)),
            ladders=self._ladders(rows),
        )

    def _ladders(self, rows: TrainingRows) -> Ladders:
        if self.ladder_by is None:
            return ()
        if rows.offers is None:
            raise InputError(
                "face values are not known: the rows come without their menu", parameter="ladder_by"
            )
        return ladders_of(rows.offers, self.ladder_by)

    def _name(self) -> dict[str, Any]:
        """Return what tells this learner's checkpoints from those of another."""
        kept = {name: value for name, value in self.get_params().items() if name not in _PLACES}
        return {"family": type(self).__name__, **kept}

    @torch.no_grad()
    def predict(
        self, x: npt.NDArray[np.float32], known: npt.NDArray[np.int64], coupons: npt.NDArray[np.float32]
    ) -> Outcomes:
        """Return the members' mean outcomes and, with two or more, how far their uplifts may be off."""
        with threads(spare_cores()):
            menu, at = (torch.as_tensor(array, device=self.device) for array in (coupons, known))
            parts = [
                [
                    part.cpu().numpy()
                    for part in self._answer(torch.as_tensor(block, device=self.device), menu, at)
                ]
                for block in np.array_split(x, max(1, -(-len(x) // _ROWS_AT_ONCE)))
            ]
        p, ratio, spread = (np.concatenate(column) for column in zip(*parts, strict=True))
        doubt = None
        if self.opinion is not None:
            doubt = self.opinion.error(self.numbers(x), known, coupons, p[:, 1:] - p[:, :1])
        return Outcomes(
            p,
            expected_amount(self.cost.select_or_guess(known, coupons, self.menu), p, ratio[:, :, :2]),
            expected_amount(self.revenue.select_or_guess(known, coupons, self.menu), p, ratio[:, :, 2:]),
            spread if self.members > 1 else None,
            doubt,
        )

    def _answer(self, x: Tensor, menu: Tensor, known: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return mean probabilities, mean money ``(B, A, 4)`` and the uplift's spread ``(B, S)``."""
        probabilities, ratios = [], []
        for module in self.modules:
            answer = module.eval()(x, menu, known)
            probabilities.append(torch.sigmoid(self.scale.apply(answer.logit)))
            ratios.append(money_link(answer.money, module.positive))
        member = torch.stack(probabilities)
        uplift = member[:, :, 1:] - member[:, :, :1]
        return member.mean(dim=0), torch.stack(ratios).mean(dim=0), uplift.std(dim=0, correction=0)

    def report(self) -> dict[str, Any]:
        """Return how training went, and on what device."""
        weights = sum(p.numel() for p in self.modules[0].parameters())
        return {
            "device": str(self.device.type),
            "settings": asdict(self.settings),
            "weights": weights,
            "members": copy.deepcopy(self.fitted),
            "scale": asdict(self.scale),
        }

    def state(self) -> State:
        """Return weights and what they were trained with."""
        left_out = (*_PLACES, "encoder")
        parameters = {name: value for name, value in self.get_params().items() if name not in left_out}
        state = State(
            {
                "parameters": parameters,
                "task": asdict(self.task),
                "fitted": copy.deepcopy(self.fitted),
                "scale": asdict(self.scale),
            },
            {"menu": self.menu},
        )
        for i, module in enumerate(self.modules):
            weights = {name: p.cpu().numpy() for name, p in module.state_dict().items()}
            state.put(f"member {i}", State({}, dict(weights)))
        state.put("own", self.own_state())
        state.put("cost", self.cost.state())
        state.put("revenue", self.revenue.state())
        if self.opinion is not None:
            state.put("opinion", self.opinion.state())
        return state

    @classmethod
    def from_state(cls, state: State, device: str | None = None) -> Self:
        """Take back what :meth:`state` gave."""
        parameters: dict[str, Any] = {  # JSON has no tuples
            name: tuple(value) if isinstance(value, list) else value
            for name, value in state.facts["parameters"].items()
        }
        learner = cls(**parameters, device=device)
        facts = state.facts["task"]
        learner.task = Task(
            **facts
            | {name: tuple(facts[name]) for name in ("level", "positive")}
            | {"ladders": tuple(tuple(tuple(rung) for rung in ladder) for ladder in facts["ladders"])}
        )
        learner.menu = state.arrays["menu"]
        learner.cost = Strata.from_state(state.part("cost"))
        learner.revenue = Strata.from_state(state.part("revenue"))
        learner.scale = Scale(**state.facts["scale"])
        learner.opinion = None
        if "opinion" in state.facts:
            learner.opinion = SecondOpinion.from_state(state.part("opinion"))
        learner.fitted = state.facts["fitted"]
        learner.restore_own(state.part("own"))
        learner.modules = []
        for i in range(learner.members):
            module = learner._start(i)
            weights = state.part(f"member {i}").arrays
            module.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in weights.items()})
            learner.modules.append(module)
        return learner


def _logit(conversion: npt.NDArray[np.float64]) -> float:
    share = (conversion.sum() + 0.5) / (len(conversion) + 1)
    return float(np.log(share / (1 - share)))
