"""Lines and bends."""

import numpy as np

from couponry.predictors.stack.basis import BEND, CONSTANT, LINE, Basis


def test_bends_are_of_columns_with_many_values_and_a_constant_column_has_no_line():
    """A column of normals, one of 0 and 1, one that never varies."""
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=500), rng.integers(0, 2, 500), np.ones(500)]).astype(np.float32)
    basis = Basis.of(x)
    assert basis.columns.tolist() == [0, 1]
    assert basis.kinds.tolist() == [CONSTANT, LINE, LINE, BEND, BEND, BEND, BEND]
    assert basis.bend_of.tolist() == [0, 0, 0, 0]


def test_functions_have_mean_0_and_scale_1_and_a_bend_says_nothing_of_its_line():
    """Else the variances of lines and bends could be traded for one another."""
    x = np.random.default_rng(1).lognormal(size=(2000, 2)).astype(np.float32)
    f = Basis.of(x)(x)
    assert np.allclose(f[:, 0], 1)
    assert np.allclose(f[:, 1:].mean(axis=0), 0, atol=1e-3)
    assert np.allclose(f[:, 1:].std(axis=0), 1, atol=1e-3)
    bends = Basis.of(x)
    for k, line in enumerate(bends.bend_of):
        assert abs(np.corrcoef(f[:, 1 + line], f[:, 3 + k])[0, 1]) < 1e-2
