"""What the columns of a log are, and how they become numbers.

``schema`` says what each column is and what is chosen for it, ``encoder`` makes a matrix of a table by it,
and ``prepare`` looks a log over before anything is learnt.
"""

from couponry.predictors.features.encoder import FeatureEncoder, Layout

__all__ = ["FeatureEncoder", "Layout"]
