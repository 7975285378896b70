"""One kind of feature column to numbers, one encoder a file.

Each encoder is fitted on training rows alone and has ``fit``, ``standard`` (for networks and linear
models: no gaps, about unit scale), ``raw`` (for trees: gaps as NaN, categories as codes), ``names`` and
``state``.
"""
