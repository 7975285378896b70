"""Ridge penalties found from the data: how far each group of coefficients strays from nought.

A generalised linear model near its optimum is a quadratic form ½b'Ab − r'b; with b ~ N(0, V), V block by
block v_g times a known matrix, the marginal likelihood of the v_g has the fixed point of MacKay [1]_:
v_g = b'K⁻¹b / (coefficients of the group that the data determine).

Where many rows of coefficients share K, it can be learnt as well [2]_: coupons that appeal to the same people
then learn from one another. Steps are those of the MM algorithm for components of variance [3]_, K drawn
towards what was expected by an inverse Wishart prior. A normal prior draws all coefficients of a group alike;
where few are large and most are nought, Student's t leaves the few alone, a scale mixture of normals [4]_.

References
----------
.. [1] MacKay, D. J. C. (1992). Bayesian interpolation. Neural Computation, 4(3), 415-447.
   https://doi.org/10.1162/neco.1992.4.3.415
.. [2] Bonilla, E. V., Chai, K. M. A., & Williams, C. K. I. (2007). Multi-task Gaussian process prediction.
   Advances in Neural Information Processing Systems 20.
.. [3] Zhou, H., Hu, L., Zhou, J., & Lange, K. (2019). MM algorithms for variance components models. Journal
   of Computational and Graphical Statistics, 28(2), 350-361. https://doi.org/10.1080/10618600.2018.1529601
.. [4] West, M. (1987). On scale mixtures of normal distributions. Biometrika, 74(3), 646-648.
   https://doi.org/10.1093/biomet/74.3.646
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, cholesky
from scipy.linalg.lapack import dpotri, dtrtri

__all__ = ["Group", "heavy_tailed", "penalty", "posterior", "solved", "tune"]

Floats = npt.NDArray[np.float64]

_LEAST, _MOST = 1e-6, 4.0
_ABSENT = 1e-9
_ROUNDS, _ENOUGH = 12, 0.1
_FREEDOM, _ROUNDS_OF_TAILS = 1.0, 3


@dataclass(frozen=True)
class Group:
    """Coefficients that share a variance.

    Attributes
    ----------
    at : ndarray of int64, shape (f, k)
        Positions; coefficients of one row are correlated by ``inverse``, rows are independent.
    inverse : ndarray of float64, shape (k, k)
        Inverse of the rows' correlation: of mean variance 1.
    seen, alike : float
        As if so many coefficients of variance ``alike`` had been seen before: a few coefficients alone would
        often say that there is no variance at all.
    absent : bool
        The coefficients are held at nought.
    rest : ndarray of float64, shape (2, m)
        Entries of r and of A's diagonal of coefficients that were left out because these seemed larger; of
        many coefficients of noise the largest alone would tell of a variance.
    expected : ndarray of float64, shape (k, k), optional
        The correlation is to be learnt, as if k rows of this one had been seen; else it is known.
    precision : ndarray of float64, shape (f, k), optional
        What the prior's precision of each coefficient is multiplied by; absent, by 1.
    """

    at: npt.NDArray[np.int64]
    inverse: Floats
    seen: float = 0.0
    alike: float = 0.0
    absent: bool = False
    rest: Floats = field(default_factory=lambda: np.zeros((2, 0)))
    expected: Floats | None = None
    precision: Floats | None = None

    def unlearnt(self) -> Group:
        """Return the group with the correlation that was expected."""
        if self.expected is None:
            return self
        return replace(self, inverse=np.asarray(np.linalg.inv(self.expected), dtype=np.float64))

    def left_out(self, variance: float) -> tuple[float, float]:
        """Return the sum of squares of what was left out, and how many of it the data determine."""
        right, size = self.rest
        told = variance * size / (1 + variance * size)
        return float(np.square(told * right / size).sum()), float(told.sum())


def penalty(groups: list[Group], variance: Floats, size: int) -> Floats:
    """Return the prior's precision, float64 ``(size, size)``; coefficients of no group are free."""
    precision = np.zeros((size, size))
    for group, v in zip(groups, variance, strict=True):
        block = group.inverse / v
        if group.precision is not None:
            root = np.sqrt(group.precision)
            block = block * root[:, :, None] * root[:, None, :]
        precision[group.at[:, :, None], group.at[:, None, :]] += block
    precision[np.diag_indices(size)] += 1e-8
    return precision


def posterior(gram: Floats, right: Floats, precision: Floats) -> tuple[Floats, Floats]:
    """Return mean and covariance of the coefficients."""
    factor = cholesky(gram + precision, lower=True)
    lower, _ = dpotri(factor, lower=1)  # a third of the work of solving for the identity
    covariance: Floats = lower + lower.T
    covariance[np.diag_indices(len(lower))] = lower.diagonal()
    return covariance @ right, covariance


def solved(gram: Floats, right: Floats, precision: Floats) -> Floats:
    """Return the coefficients' mean alone, which takes no inverse."""
    return np.asarray(cho_solve((cholesky(gram + precision, lower=True), True), right))


def _with_variances(gram: Floats, right: Floats, precision: Floats) -> tuple[Floats, Floats]:
    """Return mean and variances of the coefficients, for which the factor's inverse is enough."""
    factor = cholesky(gram + precision, lower=True)
    inverse, _ = dtrtri(factor, lower=1)
    return np.asarray(cho_solve((factor, True), right)), np.square(inverse).sum(axis=0)


def tune(
    gram: Floats, right: Floats, groups: list[Group], variance: Floats, rounds: int | None = None
) -> tuple[list[Group], Floats, Floats, Floats]:
    """Return correlations and variances of most evidence, and the coefficients' mean and covariance."""
    variance, groups = np.where([group.absent for group in groups], _ABSENT, variance), list(groups)
    for _ in range(_ROUNDS if rounds is None else rounds):
        mean, covariance = posterior(gram, right, penalty(groups, variance, len(right)))
        former = variance.copy()
        for g, group in enumerate(groups):
            if group.absent:
                variance[g] = _ABSENT
                continue
            b = mean[group.at]
            blocks = covariance[group.at[:, :, None], group.at[:, None, :]]
            told = b.size - float(np.einsum("kl,fkl->", group.inverse, blocks)) / former[g]
            square = float(np.einsum("fk,kl,fl->", b, group.inverse, b)) + group.seen * group.alike
            others, known = group.left_out(former[g])
            variance[g] = np.clip(
                (square + others) / max(told + group.seen + known, 1e-3),
                max(_LEAST, former[g] / 10),
                min(_MOST, former[g] * 10),
            )
        moved = np.abs(np.log(variance / former)).max(initial=0.0)
        for g, group in enumerate(groups):
            if group.expected is not None:
                inverse, step = _learnt(group, former[g], mean, covariance)
                groups[g], moved = replace(group, inverse=inverse), max(moved, step)
        if moved < _ENOUGH:
            break
    return groups, variance, mean, covariance


def heavy_tailed(
    gram: Floats, right: Floats, groups: list[Group], variance: Floats, some: list[int]
) -> Floats:
    """Return the coefficients, those of ``some`` groups under Student's t with one degree of freedom.

    By EM over the coefficients' scales, from the normal prior on; the groups' variances follow.
    """
    groups, variance = list(groups), variance.copy()
    for _ in range(_ROUNDS_OF_TAILS):
        mean, unsure = _with_variances(gram, right, penalty(groups, variance, len(right)))
        for g in some:
            group = groups[g]
            square = np.square(mean[group.at]) + unsure[group.at]
            precision = (_FREEDOM + 1) / (_FREEDOM + square / variance[g])
            others, known = group.left_out(variance[g])
            size = float((precision * square).sum()) + group.seen * group.alike + others
            variance[g] = np.clip(size / (square.size + group.seen + known), _LEAST, _MOST)
            groups[g] = replace(group, precision=precision)
    return solved(gram, right, penalty(groups, variance, len(right)))


def _learnt(group: Group, variance: float, mean: Floats, covariance: Floats) -> tuple[Floats, float]:
    """Return the inverse correlation of a group after one step, and how far the step was.

    With S = vK and half = S^½, S becomes half·X·half, where X·told·X = square: ``told`` is how much of each
    direction the data determine, ``square`` what was found in it, both in units of S. Without correlation
    this is the fixed point above, half a step of it in logarithms.
    """
    assert group.expected is not None
    b, k = mean[group.at], group.at.shape[1]
    blocks = covariance[group.at[:, :, None], group.at[:, None, :]].sum(axis=0)
    half = _power(group.inverse / variance, -0.5)
    back = _power(group.inverse / variance, 0.5)
    told = (len(b) + k) * np.eye(k) - back @ blocks @ back
    square = back @ (b.T @ b + k * variance * group.expected) @ back
    root = _power(told, 0.5)
    step = _power(root @ square @ root, 0.5)
    found = half @ np.linalg.solve(root, np.linalg.solve(root, step).T) @ half
    found *= k / np.trace(found)
    inverse: Floats = np.asarray(np.linalg.inv((found + found.T) / 2), dtype=np.float64)
    return (inverse + inverse.T) / 2, float(np.abs(found - half @ half / variance).max())


def _power(matrix: Floats, power: float) -> Floats:
    """Return a power of a symmetric positive definite matrix."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return np.asarray((vectors * np.maximum(values, 1e-12) ** power) @ vectors.T)
