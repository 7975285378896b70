"""The shared loop: stopping, the kept weights, determinism, what it leaves alone."""

import numpy as np
import pytest
import torch

from couponry.predictors.network_families.loop import Schedule, train
from couponry.predictors.network_families.table import Table

CPU = torch.device("cpu")


def line(epochs=6, patience=6, scores=None, seed=0, dropout=0.0):
    """Fit y = 2x by one weight; ``scores`` are handed out in turn instead of the held-out error."""
    x = np.linspace(-1, 1, 64, dtype=np.float32)
    table = Table({"x": x[:, None], "y": 2 * x}, CPU)
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Dropout(dropout))
    told = iter(scores or [])

    def error(batch):
        return ((module(batch["x"])[:, 0] - batch["y"]) ** 2).mean()

    schedule = Schedule(epochs, patience, batch=8, learning_rate=0.1, weight_decay=0.0, seed=seed)
    rows, seen = torch.arange(64), []
    fitted = train(
        module,
        table,
        rows,
        schedule,
        loss=error,
        score=(lambda: next(told)) if scores else (lambda: -float(error(table.take(rows)))),
        log=lambda epoch, figures: seen.append((epoch, module[0].weight.item(), figures)),
    )
    return module, fitted, seen


def test_a_line_is_found():
    """The weight nears 2, the score rises and its history begins before the first pass."""
    module, fitted, seen = line(epochs=12)
    assert module[0].weight.item() == pytest.approx(2.0, abs=0.05)
    assert len(fitted.history) == fitted.epochs + 1 == 13
    assert fitted.history[-1] > fitted.history[0]
    assert [epoch for epoch, _, _ in seen] == list(range(1, 13))
    assert seen[-1][2]["training loss"] < seen[0][2]["training loss"]


def test_the_weights_of_the_best_pass_are_kept():
    """Scores tell that the second pass was best; patience ends training two passes later."""
    module, fitted, seen = line(patience=2, scores=[0.0, 1.0, 3.0, 2.0, 2.5, 9.0])
    assert (fitted.epochs, fitted.best_epoch, fitted.best_score) == (4, 2, 3.0)
    assert module[0].weight.item() == pytest.approx(seen[1][1], abs=1e-7)


def test_a_training_that_never_helps_leaves_the_weights_alone():
    """The score before the first pass counts, too."""
    module, fitted, _ = line(patience=1, scores=[1.0, 0.0])
    torch.manual_seed(0)
    assert fitted.best_epoch == 0
    assert module[0].weight.item() == torch.nn.Linear(1, 1).weight.item()


def test_same_seed_same_weights_whatever_torch_has_drawn():
    """Order of rows and dropout come from the seed alone."""
    first = line(dropout=0.3)[0]
    torch.randn(5)
    second = line(dropout=0.3)[0]
    other = line(dropout=0.3, seed=1)[0]
    assert first[0].weight.item() == second[0].weight.item() != other[0].weight.item()


def test_torchs_own_random_state_is_left_alone():
    """What is drawn after training is what would have been drawn without."""
    line(dropout=0.3)
    torch.manual_seed(0)
    torch.nn.Linear(1, 1)  # as line draws it
    wanted = torch.rand(3)
    torch.manual_seed(5)
    line(dropout=0.3)
    assert torch.equal(torch.rand(3), wanted)


def test_a_table_hands_out_every_row_once():
    """Batches of nearly equal length, in random order, in the wanted kinds of numbers."""
    table = Table({"i": np.arange(10, dtype=np.int32), "v": np.arange(10.0)}, CPU)
    batches = list(table.shuffled(torch.arange(10), 4, torch.Generator().manual_seed(1)))
    assert [len(batch["i"]) for batch in batches] == [4, 3, 3]
    assert sorted(torch.cat([batch["i"] for batch in batches]).tolist()) == list(range(10))
    assert (batches[0]["i"].dtype, batches[0]["v"].dtype) == (torch.int64, torch.float32)
    assert table.positions(np.array([False, True] * 5)).tolist() == [1, 3, 5, 7, 9]
    assert table.resident
