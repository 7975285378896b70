"""The default model: a hierarchical logistic response and boosted trees, weighed by unseen rows."""
