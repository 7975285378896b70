"""Other packages' models, as their own documents use them; nothing tuned, one thread.

Every model is a function of training features, arms (0 for none), outcomes and held-out features, and
returns effects ``(n, J)``. Those of packages that are not installed are left out.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np

Model = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]

_TREES: dict[str, Any] = {
    "n_estimators": 100,
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_child_samples": 200,
    "n_jobs": 1,
    "verbose": -1,
    "random_state": 0,
}


def peers(arms: int) -> dict[str, tuple[str, Model]]:
    """Return models by name, each with its package, that can tell so many coupons from none."""
    found: dict[str, tuple[str, Model]] = {}
    for package, module, models in (
        ("scikit-uplift", "sklift", _sklift(arms)),
        ("causalml", "causalml", _causalml(arms)),
        ("econml", "econml", _econml()),
    ):
        if importlib.util.find_spec(module):
            found |= {name: (package, model) for name, model in models.items()}
    return found


def is_wanted(name: str, parts: list[str]) -> bool:
    """Tell whether one of the parts is in a peer's name."""
    return any(part.lower() in name.lower() for part in parts)


def _classifier() -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(**_TREES)


def _regressor() -> Any:
    from lightgbm import LGBMRegressor

    return LGBMRegressor(**_TREES)


def _logistic() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))


def _sklift(arms: int) -> dict[str, Model]:
    """Return scikit-uplift's models, which know two arms: one fit a coupon."""

    def each(make: Callable[[], Any]) -> Model:
        def model(x: np.ndarray, w: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
            columns = []
            for j in range(1, arms + 1):
                own = (w == 0) | (w == j)
                columns.append(make().fit(x[own], y[own], (w[own] == j).astype(int)).predict(held))
            return np.column_stack(columns)

        return model

    def two(base: Callable[[], Any]) -> Model:
        from sklift.models import TwoModels

        return each(lambda: TwoModels(base(), base()))

    def solo(base: Callable[[], Any]) -> Model:
        from sklift.models import SoloModel

        return each(lambda: SoloModel(base()))

    if not importlib.util.find_spec("sklift"):
        return {}
    return {
        "TwoModels, logistic": two(_logistic),
        "TwoModels, LightGBM": two(_classifier),
        "SoloModel, logistic": solo(_logistic),
        "SoloModel, LightGBM": solo(_classifier),
    }


def _causalml(arms: int) -> dict[str, Model]:
    def propensity(w: np.ndarray, n: int) -> Any:
        shares = {k: (w == k).sum() / np.isin(w, (0, k)).sum() for k in range(1, arms + 1)}
        return {k: np.full(n, share) for k, share in shares.items()}

    def s(x: np.ndarray, w: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
        from causalml.inference.meta import BaseSClassifier

        model = BaseSClassifier(learner=_classifier(), control_name=0)
        model.fit(X=x, treatment=w, y=y)
        return np.asarray(model.predict(X=held))

    def t(x: np.ndarray, w: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
        from causalml.inference.meta import BaseTClassifier

        model = BaseTClassifier(learner=_classifier(), control_name=0)
        model.fit(X=x, treatment=w, y=y)
        return np.asarray(model.predict(X=held))

    def xl(x: np.ndarray, w: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
        from causalml.inference.meta import BaseXClassifier

        model = BaseXClassifier(outcome_learner=_classifier(), effect_learner=_regressor(), control_name=0)
        model.fit(X=x, treatment=w, y=y, p=propensity(w, len(x)))
        return np.asarray(model.predict(X=held, p=propensity(w, len(held))))

    def dr(x: np.ndarray, w: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
        from causalml.inference.meta import BaseDRRegressor

        model = BaseDRRegressor(learner=_regressor(), control_name=0)
        model.fit(X=x, treatment=w, y=y, p=propensity(w, len(x)), seed=0)
        return np.asarray(model.predict(X=held))

    def forest(x: np.ndarray, w: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
        from causalml.inference.tree import UpliftRandomForestClassifier

        model = UpliftRandomForestClassifier(
            n_estimators=100,
            max_depth=6,
            min_samples_leaf=200,
            min_samples_treatment=50,
            n_reg=10,
            evaluationFunction="KL",
            control_name="0",
            random_state=0,
            n_jobs=1,
        )
        model.fit(x, w.astype(str), y)
        return np.asarray(model.predict(held)).reshape(len(held), -1)

    return {
        "S-learner, LightGBM": s,
        "T-learner, LightGBM": t,
        "X-learner, LightGBM": xl,
        "DR-learner, LightGBM": dr,
        "UpliftRandomForest, KL": forest,
    }


def _econml() -> dict[str, Model]:
    def forest(x: np.ndarray, w: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
        from econml.dml import CausalForestDML

        model = CausalForestDML(
            model_y=_regressor(),
            model_t=_classifier(),
            discrete_treatment=True,
            n_estimators=200,
            min_samples_leaf=100,
            max_depth=8,
            n_jobs=1,
            random_state=0,
            cv=3,
            inference=False,
        )
        model.fit(y, w, X=x)
        return np.column_stack([model.effect(held, T0=0, T1=k).ravel() for k in range(1, w.max() + 1)])

    def policy(x: np.ndarray, w: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
        from econml.policy import DRPolicyForest
        from sklearn.linear_model import LogisticRegression

        model = DRPolicyForest(
            model_regression=_regressor(),
            model_propensity=LogisticRegression(max_iter=300),
            n_estimators=200,
            max_depth=4,
            min_samples_leaf=200,
            cv=3,
            n_jobs=1,
            random_state=0,
        )
        model.fit(y, w, X=x)
        return np.asarray(model.predict_value(held))[:, -int(w.max()) :]

    def doubly_robust(final: Callable[[], Any] | None) -> Model:
        def model(x: np.ndarray, w: np.ndarray, y: np.ndarray, held: np.ndarray) -> np.ndarray:
            from econml.dr import DRLearner, LinearDRLearner

            parts: dict[str, Any] = {
                "model_regression": _regressor(),
                "model_propensity": _logistic(),
                "cv": 3,
                "random_state": 0,
            }
            made = LinearDRLearner(**parts) if final is None else DRLearner(model_final=final(), **parts)
            made.fit(y, w, X=x)
            return np.column_stack([made.effect(held, T0=0, T1=k).ravel() for k in range(1, w.max() + 1)])

        return model

    return {
        "CausalForestDML": forest,
        "DRPolicyForest": policy,
        "DRLearner, LightGBM": doubly_robust(_regressor),
        "LinearDRLearner": doubly_robust(None),
    }
