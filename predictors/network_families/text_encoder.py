"""A Transformer encoder of text, read from a local directory; nothing is ever fetched from elsewhere.

The directory is one that ``save_pretrained`` of transformers wrote: ``config.json``, ``model.safetensors``
and the tokenizer's files. Code that a directory may bring along is not run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn

from couponry.instances.errors import InputError, require_extra

__all__ = [
    "Tokens",
    "check_encoder",
    "mean_of_words",
    "new_encoder",
    "numbers_of_a_token",
    "read_encoder",
    "read_tokens",
]

PADDING = -1

_WIDTHS = ("hidden_size", "dim", "d_model")
_UNFIT = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)


class Tokens:
    """A tokenizer.

    Parameters
    ----------
    text : str
        The ``tokenizer.json`` of the tokenizers package.
    length : int
        Tokens kept of a text.

    Raises
    ------
    ValueError
        If the text is no tokenizer's.
    """

    def __init__(self, text: str, length: int) -> None:
        tokenizers = require_extra("tokenizers", "text")
        self.text = text
        self.length = length
        try:
            self.tokenizer: Any = tokenizers.Tokenizer.from_str(text)
        except Exception as error:  # tokenizers knows no narrower one
            raise ValueError(str(error)) from error
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(length)

    def encode(self, cells: pd.Series) -> npt.NDArray[np.float32]:
        """Return token ids, float32 ``(n, length)``, −1 after the end; a gap is an empty text."""
        texts = ["" if gap else str(cell) for cell, gap in zip(cells, cells.isna(), strict=True)]
        found = np.full((len(texts), self.length), PADDING, dtype=np.float32)
        for row, encoded in enumerate(self.tokenizer.encode_batch(texts)):
            found[row, : len(encoded.ids)] = encoded.ids
        return found

    @property
    def vocabulary(self) -> int:
        """Rows that an encoder's table needs: the largest id and one."""
        return 1 + max(self.tokenizer.get_vocab().values(), default=-1)

    def unknown(self, tokens: npt.NDArray[np.float32]) -> float:
        """Return the share of texts' tokens that stand for what the vocabulary lacks.

        Parameters
        ----------
        tokens : ndarray, shape (n, length)
            As :meth:`encode` gives them; those that begin and end every text are not counted.
        """
        model = json.loads(self.text)["model"]
        word = model.get("unk_token")
        unknown = model.get("unk_id") if word is None else self.tokenizer.token_to_id(word)
        around = self.tokenizer.encode("").ids
        of_text = tokens[(tokens != PADDING) & ~np.isin(tokens, around)]
        return float((of_text == unknown).mean()) if len(of_text) and unknown is not None else 0.0


def read_tokens(folder: str | Path, length: int) -> Tokens:
    """Read the tokenizer of a directory.

    Raises
    ------
    InputError
        If there is none.
    MissingExtraError
        If transformers is not installed.
    """
    transformers = require_extra("transformers", "text")
    file = Path(folder) / "tokenizer.json"
    try:
        if file.is_file():
            return Tokens(file.read_text(encoding="utf-8"), length)
        slow = transformers.AutoTokenizer.from_pretrained(str(_checked(folder)), local_files_only=True)
        tokens = Tokens(slow.backend_tokenizer.to_str(), length)
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(
            f"the tokenizer cannot be read: {error}",
            file=file,
            mend="Copy the tokenizer's files anew, or write them by its save_pretrained",
        ) from error
    names = slow.vocab_files_names.values()
    if not any((Path(folder) / name).is_file() for name in names):  # transformers makes up an empty one
        raise InputError(
            f"there is no tokenizer beside the encoder, in none of the files {', '.join(names)}",
            file=folder,
            mend="Copy the tokenizer's files there, or write them by its save_pretrained",
        )
    return tokens


def read_encoder(folder: str | Path) -> tuple[nn.Module, dict[str, Any]]:
    """Read the encoder of a directory, in single precision, and its configuration.

    Raises
    ------
    InputError
        If the directory is no model's, or a file of weights is damaged.
    MissingExtraError
        If transformers is not installed.
    """
    transformers = require_extra("transformers", "text")
    safetensors = require_extra("safetensors", "text")
    place = str(_checked(folder))
    bars = transformers.utils.logging.is_progress_bar_enabled()
    transformers.utils.logging.disable_progress_bar()
    try:
        encoder: Any = transformers.AutoModel.from_pretrained(
            place, local_files_only=True, use_safetensors=True, dtype=torch.float32, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise InputError(f"the encoder cannot be read: {error}", file=folder) from error
    except safetensors.SafetensorError as error:
        raise InputError(
            f"the weights are cut short or damaged: {error}",
            file=_damaged(Path(folder)),
            mend="Copy the file anew, or write it by the encoder's save_pretrained",
        ) from error
    finally:
        if bars:
            transformers.utils.logging.enable_progress_bar()
    return encoder, json.loads(encoder.config.to_json_string(use_diff=False))


def _damaged(folder: Path) -> Path:
    """Return the file of weights that cannot be opened, or the directory where all can."""
    safetensors = require_extra("safetensors", "text")
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with safetensors.safe_open(file, "np"):
                pass
        except safetensors.SafetensorError:
            return file
    return folder


def numbers_of_a_token(config: dict[str, Any]) -> int:
    """Return how many numbers an encoder of this configuration makes of a token; 0 where it does not say."""
    return next((int(config[name]) for name in _WIDTHS if name in config), 0)


def check_encoder(encoder: nn.Module, config: dict[str, Any], tokens: Tokens, folder: str | Path) -> None:
    """Refuse an encoder that does not turn a tokenizer's texts into vectors, before anything is learnt.

    Parameters
    ----------
    encoder : Module
    config : dict
    tokens : Tokens
    folder : str or Path
        Where both were read from.

    Raises
    ------
    InputError
        If it is no encoder, lacks some of the tokenizer's tokens, or reads shorter texts only.
    """
    if not _reads(encoder, config, 1):
        raise InputError(
            f"this {config.get('model_type')} model does not turn tokens into a vector each",
            file=folder,
            mend="Name the directory of an encoder, such as a BERT, RoBERTa or DistilBERT",
        )
    _check_vocabulary(encoder, tokens.vocabulary, folder)
    length = tokens.length
    if _reads(encoder, config, length):
        return
    most, too_many = 1, length
    while too_many - most > 1:
        middle = (most + too_many) // 2
        most, too_many = (middle, too_many) if _reads(encoder, config, middle) else (most, middle)
    raise InputError(
        f"the encoder in {folder} reads texts of at most {most} tokens",
        parameter="length",
        value=length,
        mend=f"Set length to {most} or less: of longer texts so many tokens are kept",
    )


def _check_vocabulary(encoder: Any, vocabulary: int, folder: str | Path) -> None:
    known = getattr(encoder.get_input_embeddings(), "num_embeddings", vocabulary)
    if vocabulary > known:
        raise InputError(
            f"the tokenizer has a vocabulary of {vocabulary}, the encoder vectors for {known} tokens alone",
            file=folder,
            mend="They belong to two models: name the directory of one, with the tokenizer that it came with",
        )


@torch.no_grad()
def _reads(encoder: nn.Module, config: dict[str, Any], length: int) -> bool:
    token = 1 if config.get("pad_token_id") == 0 else 0  # some do not count padding among positions
    ids = torch.full((1, length), token)
    try:
        states = encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    except _UNFIT:
        return False
    return tuple(states.shape) == (1, length, numbers_of_a_token(config))


def new_encoder(config: dict[str, Any]) -> nn.Module:
    """Return an encoder of this configuration, its weights still to be filled in."""
    transformers = require_extra("transformers", "text")
    kind = config["model_type"]
    own = transformers.AutoConfig.for_model(**{"model_type": kind, **config})
    encoder: nn.Module = transformers.AutoModel.from_config(own, dtype=torch.float32, trust_remote_code=False)
    return encoder


def mean_of_words(encoder: nn.Module, tokens: Tensor) -> Tensor:
    """Return the mean of the last layer over a text's tokens, ``(B, hidden)``; zeros for no token.

    Parameters
    ----------
    encoder : Module
    tokens : Tensor, shape (B, length)
        −1 after the end.
    """
    there = tokens >= 0
    longest = max(1, int(there.sum(dim=1).max()))
    tokens, there = tokens[:, :longest], there[:, :longest]
    states = encoder(input_ids=tokens.clamp(min=0).long(), attention_mask=there.long()).last_hidden_state
    weight = there[:, :, None].to(states.dtype)
    mean: Tensor = (states * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)
    return mean


def _checked(folder: str | Path) -> Path:
    place = Path(folder)
    if not (place / "config.json").is_file():
        raise InputError(
            "there is no encoder in this directory",
            file=place / "config.json",
            mend="Name one that save_pretrained wrote",
        )
    return place
