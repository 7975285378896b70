"""Which customer gets which coupon, within budgets, stock and fairness, with a proof of how good it is."""

__version__ = "0.1.0"
