"""The groups of a segment: their sizes, their totals in a plan, and an instance that weights them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from couponry.instances.instance import Instance
from couponry.instances.response import Response
from couponry.instances.rows import COUNT
from couponry.instances.rules import Campaign

__all__ = ["Groups"]

WEIGHTED = "fair"


@dataclass(frozen=True)
class Groups:
    """The users of an instance by the values of one segment.

    Attributes
    ----------
    instance : Instance
    segment : str
    measure : str
        What is shared out.
    labels : tuple
        The segment's values.
    codes : ndarray of int32, shape (n,)
        Each user's group.
    sizes : ndarray of float64, shape (G,)
        Users of each.
    """

    instance: Instance
    segment: str
    measure: str
    labels: tuple[object, ...]
    codes: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, instance: Instance, segment: str, measure: str) -> Groups:
        """Group an instance's users.

        Raises
        ------
        InputError
            If there is no such segment or measure.
        """
        column = instance.users.segment(segment)
        if measure != COUNT:
            instance.response.measure(measure)
        sizes = np.bincount(column.codes, minlength=len(column.labels)).astype(np.float64)
        return cls(instance, segment, measure, column.labels, column.codes, sizes)

    def numbers(self) -> np.ndarray:
        """Return the measure of every pair, float64 ``(n, S)``."""
        response = self.instance.response
        if self.measure == COUNT:
            return np.ones(response.shape)
        return response.measure(self.measure).astype(np.float64)

    def typical(self) -> np.ndarray:
        """Return the mean size of the measure over each group's eligible pairs, ``(G,)``."""
        eligible = self.instance.response.eligible()
        size = np.where(eligible, np.abs(self.numbers()), 0.0).sum(axis=1)
        sums = np.bincount(self.codes, weights=size, minlength=len(self.sizes))
        counts = np.bincount(self.codes, weights=eligible.sum(axis=1), minlength=len(self.sizes))
        return np.asarray(sums / np.maximum(counts, 1.0))

    def weighted(self, weights: np.ndarray) -> Instance:
        """Return the instance whose objective is the measure times the weight of the user's group."""
        response = self.instance.response
        name = WEIGHTED
        while name in response.measures:
            name += "_"
        weighted = self.numbers()
        weighted *= weights[self.codes][:, None]
        campaign = Campaign(
            name=self.instance.campaign.name, currency=self.instance.campaign.currency, objective=name
        )
        measures = {**response.measures, name: weighted}
        return replace(self.instance, response=Response(measures, response.coupon), campaign=campaign)

    def totals(self, plan: pa.Table) -> np.ndarray:
        """Return the measure's total in each group, float64 ``(G,)``, under a plan of this instance."""
        user = pc.index_in(plan["user_id"], value_set=self.instance.users.ids).to_numpy()
        ids = pa.array(self.instance.coupons.ids, pa.string())
        coupon = pc.index_in(plan["coupon_id"], value_set=ids).to_numpy()
        response = self.instance.response
        if self.measure == COUNT:
            numbers = np.ones(len(user))
        else:
            listed = response.coupon
            place = coupon if listed is None else (listed[user] == coupon[:, None]).argmax(axis=1)
            numbers = response.measure(self.measure)[user, place].astype(np.float64)
        return np.bincount(self.codes[user], weights=numbers, minlength=len(self.sizes))
