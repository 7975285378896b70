"""Parts of ``benchmarks/predictors.py``: trials, peers, measures, tables, drawn worlds."""
