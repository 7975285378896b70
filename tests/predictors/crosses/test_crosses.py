"""Models of user × coupon crosses on a world whose effects follow attributes, and for coupons never shown."""

from dataclasses import replace

import numpy as np
import pytest

from couponry.predictors.crosses.content import ContentResponse
from couponry.predictors.crosses.factorisation import FactorisationMachine
from couponry.predictors.crosses.kernel import CouponKernel
from couponry.predictors.crosses.logistic import LogisticResponse
from couponry.predictors.learner import TrainingRows

KINDS = [LogisticResponse, FactorisationMachine, ContentResponse]
COUPONS = 8


def world(users, seed):
    """Draw users, eight coupons with three attributes, and probabilities; effects follow the attributes."""
    coupons = np.random.default_rng(9).normal(size=(COUPONS, 3)).astype(np.float32)
    x = np.random.default_rng(seed).normal(size=(users, 5)).astype(np.float32)
    base = (-1.0 + 0.5 * x[:, 0])[:, None]
    return x, coupons, 1 / (1 + np.exp(-np.hstack([base, base + effect_of(x, coupons)])))


def effect_of(x, coupons):
    """Return the true logits' effects, ``(n, J)``."""
    shared = (0.6 + 0.5 * x[:, 1])[:, None] + 0.3 * coupons[:, 0]
    return shared + 0.6 * x[:, 2:3] * coupons[:, 1]


def rows_of(x, coupons, probability, seed):
    """Draw a log: arms by lot, each outcome from its probability."""
    generator = np.random.default_rng(seed)
    n, arms = probability.shape
    arm = generator.integers(0, arms, n) - 1
    y = (generator.random(n) < probability[np.arange(n), arm + 1]).astype(float)
    return TrainingRows(
        x=x,
        categorical=(),
        coupons=coupons,
        arm=arm.astype(np.int32),
        conversion=y,
        cost=np.where(arm >= 0, 5.0 * y, 0.0),
        revenue=80.0 * y,
        propensity=np.full(n, 1 / arms),
        user=np.arange(n),
    )


def without(rows, coupon):
    """Return the rows, and the menu, without one coupon; the last one makes arms keep their positions."""
    kept = rows.take(rows.arm != coupon)
    return replace(kept, coupons=np.delete(rows.coupons, coupon, axis=0))


@pytest.fixture(scope="module")
def drawn():
    """Rows of 9,000 users, and 2,000 others with their probabilities."""
    x, coupons, probability = world(9000, 0)
    return rows_of(x, coupons, probability, 1), world(2000, 5)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def learner(request, drawn):
    """Each of the models, learnt without the last coupon."""
    return request.param(seed=1).fit(without(drawn[0], COUPONS - 1))


def uplift(found):
    """Return what coupons add."""
    return found.conversion[:, 1:] - found.conversion[:, :1]


def test_effects_of_known_coupons_are_recovered(learner, drawn):
    """Better than no effect and than one average a coupon, by squared error over all pairs."""
    x, coupons, probability = drawn[1]
    known = np.arange(COUPONS - 1)
    truth = (probability[:, 1:] - probability[:, :1])[:, :-1]
    found = uplift(learner.predict(x, known, coupons[:-1]))
    assert ((found - truth) ** 2).mean() < 0.4 * ((truth.mean(axis=0) - truth) ** 2).mean()
    assert ((found - truth) ** 2).mean() < 0.2 * (truth**2).mean()


def test_a_new_coupon_is_answered_from_its_attributes(learner, drawn):
    """Much better than by no effect; its money follows, too."""
    x, coupons, probability = drawn[1]
    truth = probability[:, -1] - probability[:, 0]
    found = learner.predict(x, np.array([-1, 2]), coupons[[-1, 2]])
    new = uplift(found)[:, 0]
    assert np.corrcoef(new, truth)[0, 1] > 0.8
    assert ((new - truth) ** 2).mean() < 0.45 * (truth**2).mean()
    assert found.cost[:, 1].mean() == pytest.approx(5 * probability[:, -1].mean(), rel=0.15)
    alone = learner.predict(x, np.array([2]), coupons[[2]])
    assert found.conversion[:, [0, 2]] == pytest.approx(alone.conversion, abs=1e-12)


def test_a_round_trip_changes_no_bit(learner, drawn):
    """Taken to pieces and put together it answers the same, for new coupons too."""
    x, coupons, _ = drawn[1]
    again = type(learner).from_state(learner.state())
    for known in (np.arange(COUPONS - 1), np.array([-1])):
        asked = (x, known, coupons[: len(known)])
        assert (again.predict(*asked).conversion == learner.predict(*asked).conversion).all()
        assert (again.predict(*asked).cost == learner.predict(*asked).cost).all()
    assert again.get_params() == learner.get_params()
    assert again.report() == learner.report()


def test_a_coupons_own_coefficients_are_drawn_towards_its_attributes():
    """K is the sum of what is shared, by attribute and own; a new coupon alike a known one follows it."""
    coupons = np.array([[1.0], [-1.0], [1.0]], np.float32)
    kernel = CouponKernel.of(coupons[:2], (0.5, 0.4, 0.1))
    assert kernel.root() @ kernel.root().T == pytest.approx(np.array([[1.0, 0.1], [0.1, 1.0]]), abs=1e-8)
    weights = kernel.weights(np.array([1, -1]), coupons[[1, 2]])
    assert weights[0].tolist() == [0.0, 1.0]
    # (0.5 + 0.4, 0.5 − 0.4) · K⁻¹
    assert weights[1] == pytest.approx(np.array([0.9 - 0.01, 0.1 - 0.09]) / 0.99)


def test_few_rows_shrink_the_crosses(drawn):
    """With a strong penalty all users have nearly the effect that their coupon has on average."""
    rows, (x, coupons, _) = drawn
    spread = []
    for penalty in (1e6, 3.0):
        learner = LogisticResponse(cross_penalty=penalty)
        learner.learn(rows.take(np.arange(3000)))
        p = learner.probability(x, np.arange(COUPONS), coupons)
        logit = np.log(p / (1 - p))
        spread.append((logit[:, 1:] - logit[:, :1]).std(axis=0).mean())
    assert spread[0] < 0.02 < 0.3 < spread[1]


def test_the_logistic_response_is_scikit_learns_where_they_meet(drawn):
    """Its fit without a coupon's effect, under one arm, is the ridge logistic regression."""
    from sklearn.linear_model import LogisticRegression

    rows = drawn[0].take(np.flatnonzero(drawn[0].arm == -1))
    learner = LogisticResponse(penalty=5.0, cross_penalty=1.0)
    learner.learn(rows)
    theirs = LogisticRegression(C=1 / 5.0, tol=1e-8).fit(rows.x, rows.conversion)
    assert learner.base[1:] == pytest.approx(theirs.coef_[0], abs=2e-3)
    assert np.abs(learner.effects).max() < 1e-6


def test_the_machine_is_rendles_sum_over_pairs(drawn):
    """Every pair of columns, written out."""
    rows, (x, coupons, _) = drawn
    learner = FactorisationMachine(rank=3, epochs=1)
    learner.learn(rows.take(np.arange(1000)))
    w, user, j = learner.weights, x[0].astype(float), 4
    z = np.concatenate([user, [1.0], coupons[j], np.eye(COUPONS)[j]])
    weights = np.concatenate([w["user"], w["coupon"]])
    vectors = np.vstack([w["user_vectors"], w["coupon_vectors"]])
    score = w["constant"][0] + weights @ z
    score += sum(vectors[a] @ vectors[b] * z[a] * z[b] for a in range(len(z)) for b in range(a + 1, len(z)))
    found = learner.probability(x[:1], np.array([j]), coupons[[j]])[0, 1]
    assert found == pytest.approx(1 / (1 + np.exp(-score)), abs=1e-12)


def test_the_kronecker_ridge_is_the_plain_one(drawn):
    """The same W as from all products of columns side by side."""
    from couponry.predictors.crosses.content import _kronecker_ridge

    generator = np.random.default_rng(0)
    x, z, target = (
        generator.normal(size=(50, 3)),
        generator.normal(size=(4, 2)),
        generator.normal(size=(50, 4)),
    )
    columns = np.einsum("ia,jb->ijab", x, z).reshape(200, 6)
    plain = np.linalg.solve(columns.T @ columns + 7 * np.eye(6), columns.T @ target.ravel())
    assert _kronecker_ridge(x, z, target, [7.0])[0].ravel() == pytest.approx(plain)


def test_standard_errors_hold_what_the_model_cannot_say():
    """One factor says less than effects hold: folds agree on that, and a second opinion does not."""
    x, coupons, probability = world(3000, 5)
    rows = rows_of(x, coupons, probability, 5)
    found = FactorisationMachine(rank=1, error_folds=4).fit(rows)
    answers = found.predict(x, np.arange(COUPONS), coupons)
    off = np.abs(
        answers.conversion[:, 1:] - answers.conversion[:, :1] - probability[:, 1:] + probability[:, :1]
    )
    assert (off < 1.96 * answers.conversion_error).mean() < 0.8
    assert (off < 1.96 * answers.value_error).mean() > 0.9
    again = FactorisationMachine.from_state(found.state()).predict(x, np.arange(COUPONS), coupons)
    assert (again.value_error == answers.value_error).all()
