"""Regressors that the meta-learners are built of: gradient-boosted trees, random forests and linear models.

Each estimates a mean in [0, 1] (``logistic``) or any mean (not ``logistic``), takes row weights, and can be
written without pickle.
"""
