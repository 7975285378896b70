"""The trials of a search: each setting is trained once, and judged on users that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from couponry.instances.errors import InputError
from couponry.instances.log import Log
from couponry.instances.progress import Progress, Report
from couponry.predictors.search_scores import Scorer
from couponry.predictors.search_settings import Settings
from couponry.predictors.train import train

__all__ = ["Trial", "Trials"]


@dataclass(frozen=True)
class Trial:
    """One candidate.

    Attributes
    ----------
    options : dict
        By the names of the space, such as ``base_options.trees``; empty for the defaults.
    score : float
        On the held-out users; larger is better. NaN where training failed.
    failure : str
        Why it failed, else empty.
    """

    options: dict[str, Any]
    score: float
    failure: str = ""


class Trials:
    """What was tried, and what is to be tried.

    Parameters
    ----------
    settings : Settings
    seen : Log
        To train on.
    scored : callable
    seed : int
        Of every training.
    most : int
        Trials at most.
    listed : mapping from key to setting, optional
        All settings that there are besides the defaults, where they can be counted.
    progress : callable, optional
    name : str
        Of the score.
    """

    def __init__(
        self,
        settings: Settings,
        seen: Log,
        scored: Scorer,
        seed: int,
        most: int,
        listed: Mapping[str, dict[str, Any]] | None,
        progress: Report | None,
        name: str,
    ) -> None:
        self.settings, self.seen, self.scored, self.seed = settings, seen, scored, seed
        self.listed, self.progress, self.name = listed, progress, name
        self._made: dict[str, Trial] = {}
        there = most if listed is None else len({settings.key({}), *listed})
        self.most = min(most, there)

    @property
    def made(self) -> tuple[Trial, ...]:
        """Trials in the order in which they were made."""
        return tuple(self._made.values())

    @property
    def ended(self) -> bool:
        """Whether as many were made as were asked for, or as there are."""
        return len(self._made) >= self.most

    @property
    def untried(self) -> list[dict[str, Any]]:
        """Settings that were not tried, where they can be counted."""
        return [setting for key, setting in (self.listed or {}).items() if key not in self._made]

    def tried(self, setting: dict[str, Any]) -> bool:
        """Return whether the same was tried before."""
        return self.settings.key(setting) in self._made

    def score(self, setting: dict[str, Any]) -> float:
        """Return the score of a setting, trained where it was not tried before."""
        key = self.settings.key(setting)
        if key not in self._made:
            self._made[key] = self._trained(setting)
            self._tell()
        return self._made[key].score

    def _trained(self, setting: dict[str, Any]) -> Trial:
        options = self.settings.fixed | self.settings.options(setting)
        try:
            fitted = train(self.seen, self.settings.model, seed=self.seed, **options)
        except InputError as error:  # options that do not go together are no reason to end a search
            return Trial(setting, float("nan"), str(error))
        return Trial(setting, self.scored(fitted))

    def _tell(self) -> None:
        if self.progress is None:
            return
        best = max((t.score for t in self.made if not np.isnan(t.score)), default=float("nan"))
        words = f"best {self.name} {best:.5f}"
        self.progress(Progress("searching", len(self.made), self.most, words))
