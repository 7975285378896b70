"""Low-rank adapters: a frozen linear layer beside which two thin ones learn.

References
----------
.. [1] Hu, E. J., Shen, Y., Wallis, P., Allen-Zhu, Z., Li, Y., Wang, S., Wang, L., & Chen, W. (2022). LoRA:
   low-rank adaptation of large language models. ICLR. https://doi.org/10.48550/arXiv.2106.09685
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["LoRALinear", "add_adapters"]

_ATTENTION = ("query", "value", "q_proj", "v_proj", "q_lin", "v_lin")


class LoRALinear(nn.Module):
    """``W·x + (scale / rank)·B·A·x`` with W frozen and B zero at first [1]_.

    Parameters
    ----------
    base : Linear
    rank : int
    scale : float
    """

    def __init__(self, base: nn.Linear, rank: int, scale: float) -> None:
        super().__init__()
        self.base = base
        self.factor = scale / rank
        self.down = nn.Parameter(torch.randn(rank, base.in_features) * base.in_features**-0.5)
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        """Return the frozen layer's answer and the adapters' on top."""
        answer: Tensor = self.base(x) + self.factor * (x @ self.down.T @ self.up.T)
        return answer


def add_adapters(encoder: nn.Module, rank: int = 8, scale: float = 16.0) -> list[str]:
    """Freeze an encoder and put adapters on its attention's queries and values.

    An encoder whose layers have other names gets them on all its linear layers.

    Returns
    -------
    list of str
        Names of the layers that were adapted.
    """
    encoder.requires_grad_(False)
    linear = [name for name, layer in encoder.named_modules() if isinstance(layer, nn.Linear)]
    chosen = [name for name in linear if name.rpartition(".")[2] in _ATTENTION] or linear
    for name in chosen:
        place, _, own = name.rpartition(".")
        parent = encoder.get_submodule(place)
        layer = getattr(parent, own)
        setattr(parent, own, LoRALinear(layer, rank, scale))
    return chosen
