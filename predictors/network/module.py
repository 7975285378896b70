"""The network's layers.

A trunk turns user features into a representation, shared by all arms. A base head reads the outcome without a
coupon off it. A coupon is a vector, made of its attributes and of an embedding of its own; an arm's head is
that vector applied to a query of the representation, so that with p = P(conversion | arm)

    logit p_none(x) = b(x),   logit p_j(x) = b(x) + a_j + r·b(x) + q(x)·z_j,   z_j = A·attributes_j + e_j.

The effect a_j + r·b(x) + q(x)·z_j is thus a parameter in its own right that can be held small, not a
difference of two large heads [1]_ [2]_. Heads of money, given a conversion or none, are built alike.

All members of an ensemble are computed together: every parameter has a leading axis of length K.

References
----------
.. [1] Shalit, U., Johansson, F. D., & Sontag, D. (2017). Estimating individual treatment effect:
   generalization bounds and algorithms. ICML, PMLR 70, 3076-3085.
.. [2] Curth, A., & van der Schaar, M. (2021). On inductive biases for heterogeneous treatment effect
   estimation. NeurIPS 34.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = [
    "MONEY",
    "ResponseModule",
    "Shape",
    "money_link",
    "money_ratio",
    "money_ratios_of_all",
]

# Expected money by outcome: name and whether it is given a conversion (1) or none (0).
MONEY: tuple[tuple[str, int], ...] = (("cost", 0), ("cost", 1), ("revenue", 0), ("revenue", 1))


_SOFTPLUS_ONE = 0.5413248546129181  # softplus of it is 1


@dataclass(frozen=True)
class Shape:
    """Sizes of a network.

    Attributes
    ----------
    features, attributes : int
        Columns of encoded users and coupons.
    coupons : int
        J, coupons with an embedding of their own.
    members : int
        K, networks of the ensemble.
    width, depth_width, rank : int
        Units of the two trunk layers, length of a coupon's vector.
    """

    features: int
    attributes: int
    coupons: int
    members: int = 8
    width: int = 32
    depth_width: int = 16
    rank: int = 8


class ResponseModule(nn.Module):
    """K networks side by side.

    Parameters
    ----------
    shape : Shape
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        k, d, c = shape.members, shape.features, shape.attributes
        view = shape.depth_width + d  # the features themselves stay in view: linear effects need no trunk
        self.first = _weight(k, d, shape.width)
        self.first_bias = nn.Parameter(torch.zeros(k, 1, shape.width))
        self.second = _weight(k, shape.width, shape.depth_width)
        self.second_bias = nn.Parameter(torch.zeros(k, 1, shape.depth_width))
        self.base = nn.Parameter(torch.zeros(k, view, 1))
        self.base_bias = nn.Parameter(torch.zeros(k, 1))
        self.query = nn.Parameter(torch.randn(k, view, shape.rank) * (0.1 / view**0.5))
        self.embedding = nn.Parameter(torch.randn(k, shape.coupons, shape.rank) * 0.3)
        self.attributes = nn.Parameter(torch.randn(k, c, shape.rank) * (0.3 / max(1, c) ** 0.5))
        self.average = nn.Parameter(torch.zeros(k, shape.coupons))
        self.by_base = nn.Parameter(torch.zeros(k, 1, 1), requires_grad=False)
        self.average_by_attribute = nn.Parameter(torch.zeros(k, c, 1))
        self.money = nn.Parameter(torch.zeros(k, view, len(MONEY)))
        self.money_bias = nn.Parameter(torch.zeros(k, 1, len(MONEY)))
        self.money_query = nn.Parameter(torch.randn(k, view, shape.rank) * (0.1 / view**0.5))
        self.money_by_coupon = nn.Parameter(torch.zeros(k, shape.rank, len(MONEY)))
        # Shift, and how much of the users' and the coupons' part to believe; found after training.
        scale = torch.tensor([[0.0], [1.0], [1.0]]).expand(3, len(MONEY)).clone()
        self.money_scale = nn.Parameter(scale, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the view of every user that all heads read, ``(K, B, view)``.

        Parameters
        ----------
        x : Tensor, shape (B, d) or (K, B, d)
        """
        x = x.expand(self.shape.members, -1, -1) if x.dim() == 2 else x
        hidden = nn.functional.silu(torch.baddbmm(self.first_bias, x, self.first))
        hidden = nn.functional.silu(torch.baddbmm(self.second_bias, hidden, self.second))
        return torch.cat([hidden, x], dim=2)

    def coupon_vectors(self, coupons: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Return every coupon's vector ``(K, S, rank)`` and average effect ``(K, S)``.

        Parameters
        ----------
        coupons : Tensor, shape (S, c)
        known : Tensor of int, shape (S,)
            Whose embedding each coupon has; −1 for none (its attributes alone speak).
        """
        old = (known >= 0).to(coupons.dtype)
        at = known.clamp(min=0)
        z = coupons.expand(self.shape.members, -1, -1)
        vector = z @ self.attributes + self.embedding[:, at] * old[:, None]
        return vector, (z @ self.average_by_attribute)[:, :, 0] + self.average[:, at] * old

    def base_logit(self, view: Tensor) -> Tensor:
        """Return the logit of a conversion without a coupon, ``(K, B)``."""
        return (view @ self.base)[:, :, 0] + self.base_bias

    def effect_logit(self, view: Tensor, vector: Tensor, average: Tensor) -> Tensor:
        """Return what every coupon adds to the logit, ``(K, B, S)``."""
        level = average[:, None, :] + self.by_base * (view @ self.base)
        return level + (view @ self.query) @ vector.transpose(1, 2)

    def money_by_user(self, view: Tensor) -> Tensor:
        """Return the users' part of each amount of :data:`MONEY` before its link, ``(K, B, 4)``."""
        return view @ self.money + self.money_bias

    def money_by_pair(self, query: Tensor, vector: Tensor) -> Tensor:
        """Return what a coupon's own vector adds to it, ``(K, B, 4)``.

        Parameters
        ----------
        query : Tensor, shape (K, B, rank)
            The view times ``money_query``.
        vector : Tensor, shape (K, B, rank) or (K, 1, rank)
            Of each row's coupon, or of one coupon for all; zeros for none.
        """
        return (query * vector) @ self.money_by_coupon


def money_ratio(module: ResponseModule, user: Tensor, pair: Tensor, positive: Tensor) -> Tensor:
    """Return amounts relative to their stratum's mean; 1 for everybody where nothing is learnt.

    Parameters
    ----------
    module : ResponseModule
    user, pair : Tensor, shape (…, 4)
        The two parts before the link.
    positive : Tensor of bool, shape (4,)
        Which amounts are never negative: their link is softplus, the others' linear.
    """
    alone, whole = money_link(user, positive), money_link(user + pair, positive)
    shift, by_user, by_pair = module.money_scale
    ratio = shift + by_user * alone + by_pair * (whole - alone)
    return torch.where(positive, ratio.clamp(min=0), ratio)


def money_ratios_of_all(
    module: ResponseModule, view: Tensor, vector: Tensor, positive: Tensor, columns: list[int]
) -> Tensor:
    """Return the members' mean of :func:`money_ratio` under none and all coupons, ``(B, S + 1, columns)``.

    Parameters
    ----------
    module : ResponseModule
    view : Tensor, shape (K, B, view)
    vector : Tensor, shape (K, S, rank)
    positive : Tensor of bool, shape (4,)
    columns : list of int
        Which amounts of :data:`MONEY` are asked for.
    """
    (k, b, _), s, c = view.shape, vector.shape[1], len(columns)
    if not c:  # no amount varies
        return view.new_ones((b, s + 1, 0))
    some = positive[columns]
    user = (view @ module.money[:, :, columns] + module.money_bias[:, :, columns])[:, :, None]
    # One product for all coupons: a coupon's vector is folded into the weights.
    by_coupon = vector.transpose(1, 2)[:, :, :, None] * module.money_by_coupon[:, :, None, columns]
    pair = ((view @ module.money_query) @ by_coupon.reshape(k, -1, s * c)).reshape(k, b, s, c)
    alone, whole = money_link(user, some), money_link(user + pair, some)
    shift, by_user, by_pair = module.money_scale[:, columns]
    none = shift + by_user * alone
    ratio = torch.cat([none, none + by_pair * (whole - alone)], dim=2)
    return torch.where(some, ratio.clamp(min=0), ratio).mean(dim=0)


def money_link(raw: Tensor, positive: Tensor) -> Tensor:
    """Return softplus where an amount is never negative, else the number itself; both 1 at 0."""
    return torch.where(positive, nn.functional.softplus(raw + _SOFTPLUS_ONE), raw + 1)


def _weight(members: int, rows: int, columns: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(members, rows, columns) * (2.0 / max(1, rows)) ** 0.5 * 0.7)
