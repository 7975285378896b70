"""The default model: a hierarchical logistic response, and a causal forest of what it leaves over."""
