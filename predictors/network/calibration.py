"""Brings the trained network to scale on rows that its members never saw.

Penalties and early stopping leave effects too small, few rows leave them too large. By how much is read
off unseen rows: with b, the part of q·z that all coupons share and the rest of it, from members that have
not seen the row,

    logit P(conversion | arm j) = c + t·b(x)
                                  + 1{j given} · (a_j + d_j + r·(b(x) − mean b) + s·shared(x) + u·own_j(x))

is a logistic regression in c, t, r, s, u and d_j, and what it finds is folded back into the parameters.
That is the idea of Platt's scaling [1]_ with slopes for effects of their own. The averages a_j + d_j are
then drawn together as far as their spread is no more than chance explains [2]_: with few rows a coupon,
the luckiest would be chosen for its luck.

References
----------
.. [1] Platt, J. (1999). Probabilistic outputs for support vector machines and comparisons to regularized
   likelihood methods. Advances in Large Margin Classifiers, 61-74.
.. [2] Morris, C. N. (1983). Parametric empirical Bayes inference: theory and applications. Journal of the
   American Statistical Association, 78(381), 47-55. https://doi.org/10.1080/01621459.1983.10477920
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from couponry.predictors.network.data import NetworkData
from couponry.predictors.network.module import ResponseModule, money_link

__all__ = ["Slopes", "bring_to_scale", "shrunk", "teach_attributes", "told_unseen"]

Floats = npt.NDArray[np.float64]

_PRIOR_ROWS = 4.0  # precision of the priors: slopes 1, shifts 0
_MOST_SLOPE = 3.0
_ATTRIBUTE_PENALTY = 1.0
_LEAST_ROWS = 50
_MOST_MONEY = 300_000  # rows by which amounts are scaled: twelve numbers


@dataclass(frozen=True)
class Slopes:
    """What rescaling found.

    Attributes
    ----------
    base, shared, own : float
        Factors of the base logit, of the effects' shared part and of each coupon's own.
    by_base : float
        How the effect changes with the base logit.
    kept : float
        Share of the spread between coupons' average effects that was kept.
    """

    base: float
    shared: float
    own: float
    by_base: float
    kept: float


@torch.no_grad()
def bring_to_scale(module: ResponseModule, data: NetworkData, positive: torch.Tensor) -> Slopes:
    """Rescale base, effects and money in place.

    Parameters
    ----------
    module : ResponseModule
    data : NetworkData
    positive : Tensor of bool, shape (4,)
        Which amounts of money are never negative.
    """
    module.money_scale.copy_(_money_scale(module, data, positive))
    seen = _on_unseen_rows(module, data)
    arms = module.shape.coupons
    given = np.eye(arms + 1)[seen.arm + 1][:, 1:]
    typical = float(seen.base.mean())
    by_base = given.sum(axis=1) * (seen.base - typical)
    design = np.column_stack([np.ones(len(seen.arm)), seen.base, seen.shared, seen.own, by_base, given])
    prior = np.array([0.0, 1.0, 1.0, 1.0, 0.0, *np.zeros(arms)])
    found, covariance = _logistic(design, seen.conversion, offset=seen.average, prior=prior)
    base = float(np.clip(found[1], 1 / _MOST_SLOPE, _MOST_SLOPE))
    shared, own = (float(slope) for slope in np.clip(found[2:4], 0.0, _MOST_SLOPE))
    shift, by_base_slope = float(found[0]), float(found[4])
    module.average.add_(by_base_slope * (module.base_bias - typical))  # by_base leaves the bias out
    module.by_base.add_(by_base_slope / base)
    module.base.mul_(base)
    module.base_bias.copy_(module.base_bias * base + shift)
    _scale_vectors(module, data, shared, own)
    level = module.coupon_vectors(data.coupons, data.known)[1].mean(dim=0).cpu().numpy() + found[5:]
    drawn, kept = shrunk(level, covariance[5:, 5:])
    change = torch.as_tensor(found[5:] + drawn - level, dtype=torch.float32, device=data.known.device)
    module.average.add_(change)
    return Slopes(base, shared, own, by_base_slope, kept)


def shrunk(level: Floats, covariance: Floats) -> tuple[Floats, float]:
    """Draw estimates towards their mean by empirical Bayes.

    Parameters
    ----------
    level : ndarray of float64, shape (J,)
    covariance : ndarray of float64, shape (J, J)
        Of the estimates' errors.

    Returns
    -------
    ndarray of float64, shape (J,)
    float
        Share of the spread that was kept.
    """
    count = len(level)
    if count < 3:  # two points do not tell a spread from chance
        return level, 1.0
    centred = np.eye(count) - 1 / count
    noise = float(np.trace(centred @ covariance)) / (count - 1)
    spread = float(level.var(ddof=1))
    kept = max(0.0, 1 - (count - 3) / (count - 1) * noise / spread) if spread > 0 else 1.0
    return level.mean() + kept * (level - level.mean()), kept


@torch.no_grad()
def teach_attributes(module: ResponseModule, coupons: torch.Tensor) -> None:
    """Move from embeddings to attributes what a ridge regression over the menu explains.

    Answers for known coupons stay as they are; a new coupon, which has attributes alone, profits.
    """
    gram = coupons.T @ coupons + _ATTRIBUTE_PENALTY * torch.eye(coupons.shape[1], device=coupons.device)
    fit = torch.linalg.solve(gram, coupons.T)
    by_attribute = fit @ module.embedding
    module.attributes.add_(by_attribute)
    module.embedding.sub_(coupons @ by_attribute)
    average = fit @ module.average[:, :, None]
    module.average_by_attribute.add_(average)
    module.average.sub_((coupons @ average)[:, :, 0])


@torch.no_grad()
def told_unseen(module: ResponseModule, data: NetworkData) -> npt.NDArray[np.float32]:
    """Return every row's probabilities from members that have not seen it, none first, ``(n, J + 1)``."""
    vector, average = module.coupon_vectors(data.coupons, data.known)
    parts = []
    for batch, unseen in data.all_batches(8192):
        view = module(batch.x)
        base = module.base_logit(view)[:, :, None]
        member = torch.sigmoid(torch.cat([base, base + module.effect_logit(view, vector, average)], dim=2))
        judge = (unseen / unseen.sum(dim=0))[:, :, None]
        parts.append((judge * member).sum(dim=0).cpu().numpy())
    return np.concatenate(parts)


def _scale_vectors(module: ResponseModule, data: NetworkData, shared: float, own: float) -> None:
    """Scale what the coupons' vectors share, and each one's rest."""
    vector = module.coupon_vectors(data.coupons, data.known)[0]
    middle = vector.mean(dim=1, keepdim=True)
    module.embedding.add_(shared * middle + own * (vector - middle) - vector)


@dataclass(frozen=True)
class _Unseen:
    """Parts of the given arm's logit, from members that have not seen the row; all ``(n,)``."""

    base: Floats
    average: Floats
    shared: Floats
    own: Floats
    arm: npt.NDArray[np.int64]
    conversion: Floats


def _on_unseen_rows(module: ResponseModule, data: NetworkData) -> _Unseen:
    vector, average = module.coupon_vectors(data.coupons, data.known)
    nothing = torch.zeros_like(average)
    columns = []
    for batch, unseen in data.all_batches(8192):
        judge = unseen / unseen.sum(dim=0)
        view = module(batch.x)
        varying = module.effect_logit(view, vector, nothing)
        shared = varying.mean(dim=2)
        given = batch.arm.clamp(min=0)
        own = varying.gather(2, given.expand_as(shared)[:, :, None])[:, :, 0] - shared
        is_given = batch.arm >= 0
        parts = [
            (judge * module.base_logit(view)).sum(dim=0),
            (judge * average[:, given]).sum(dim=0) * is_given,
            (judge * shared).sum(dim=0) * is_given,
            (judge * own).sum(dim=0) * is_given,
            batch.arm,
            batch.conversion,
        ]
        columns.append(np.column_stack([part.cpu().numpy().astype(np.float64) for part in parts]))
    base, level, shared_, own_, arm, conversion = np.vstack(columns).T
    return _Unseen(base, level, shared_, own_, arm.astype(np.int64), conversion)


def _money_scale(module: ResponseModule, data: NetworkData, positive: torch.Tensor) -> torch.Tensor:
    """Return shift and slopes of every amount's parts, ``(3, 4)``, by least squares on unseen rows."""
    vector = module.coupon_vectors(data.coupons, data.known)[0]
    parts = []
    for batch, unseen in data.all_batches(8192, _MOST_MONEY):
        judge = (unseen / unseen.sum(dim=0))[:, :, None]
        view = module(batch.x)
        own = vector[:, batch.arm.clamp(min=0)] * (batch.arm >= 0)[:, None]
        user = module.money_by_user(view)
        alone = money_link(user, positive)
        pair = money_link(user + module.money_by_pair(view @ module.money_query, own), positive) - alone
        rows = [(judge * alone).sum(dim=0), (judge * pair).sum(dim=0), batch.ratio, batch.share]
        parts.append(torch.stack(rows).cpu().numpy().astype(np.float64))
    alone_, pair_, ratio, share = np.concatenate(parts, axis=1)
    found = [_line(alone_[:, m], pair_[:, m], ratio[:, m], share[:, m]) for m in range(ratio.shape[1])]
    return torch.as_tensor(np.array(found).T, dtype=torch.float32, device=data.known.device)


def _line(alone: Floats, pair: Floats, ratio: Floats, share: Floats) -> tuple[float, float, float]:
    """Return shift and two slopes of a weighted least-squares line, slopes drawn towards 1."""
    if share.sum() < _LEAST_ROWS:
        return 0.0, 1.0, 1.0
    parts = np.column_stack([alone, pair])
    middle, level = np.average(parts, axis=0, weights=share), float(np.average(ratio, weights=share))
    centred, rest = parts - middle, ratio - level
    noise = float(np.average(rest**2, weights=share))
    gram = (centred * share[:, None]).T @ centred + _PRIOR_ROWS * noise * np.eye(2)
    slopes = np.linalg.solve(gram, (centred * share[:, None]).T @ rest + _PRIOR_ROWS * noise)
    slopes = np.clip(slopes, 0.0, _MOST_SLOPE)
    return level - float(slopes @ middle), float(slopes[0]), float(slopes[1])


def _logistic(design: Floats, y: Floats, offset: Floats, prior: Floats) -> tuple[Floats, Floats]:
    """Return the most likely coefficients under a normal prior and their covariance, by Newton's method."""
    found = prior.copy()
    for _ in range(25):
        p = 1 / (1 + np.exp(-(design @ found + offset)))
        gradient = design.T @ (p - y) + _PRIOR_ROWS * (found - prior)
        hessian = (design * (p * (1 - p))[:, None]).T @ design + _PRIOR_ROWS * np.eye(len(found))
        step = np.linalg.solve(hessian, gradient)
        found -= step
        if np.abs(step).max() < 1e-8:
            break
    return found, np.asarray(np.linalg.inv(hessian), dtype=np.float64)
