"""Texts read by a tiny Transformer encoder, made here and read from its directory."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests.predictors.network_families.trained import SMALL
from tests.predictors.small_world import SmallWorld

from couponry.instances.errors import DataWarning, InputError
from couponry.instances.log import Log
from couponry.predictors.model import load_model
from couponry.predictors.network_families.lora import LoRALinear, add_adapters
from couponry.predictors.network_families.text_encoder import mean_of_words, read_encoder, read_tokens
from couponry.predictors.network_families.texts import TUNINGS, TextLearner
from couponry.predictors.train import train

transformers = pytest.importorskip("transformers")

WORDS = ["[UNK]", "[PAD]", "cheap", "dear", "i", "like", "it", "when", "things", "are", "not", "too"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A BERT of one layer and twelve words, untrained."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    place = tmp_path_factory.mktemp("encoder")
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(place / "tokenizer.json"))
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    transformers.BertModel(config).save_pretrained(place)
    return str(place)


def told(users, seed):
    """A log in which a coupon works on those who say 'cheap' in one of many phrases."""
    world = SmallWorld.draw(users, seed)
    generator = np.random.default_rng([seed, 4])
    keen = generator.random(users) < 0.5
    texts = [
        " ".join([*generator.permutation(["i", "like", "it", "when", "things", "are", "not", "too"])[:5]])
        + (" cheap" if one else " dear")
        for one in keen
    ]
    arm = generator.integers(-1, 3, users).astype(np.int32)
    bought = generator.random(users) < 0.2 + 0.5 * (keen & (arm >= 0))
    log = world.log(seed)
    features = pd.DataFrame({"says": texts, "age": world.features["age"]})
    return Log(
        **vars(log)
        | {"features": features, "segments": (), "arm": arm, "propensity": None}
        | {"conversion": bought.astype(float), "cost": bought * (arm >= 0) * 1.0, "revenue": bought * 10.0}
    ), keen


@pytest.mark.parametrize("tuning", TUNINGS)
def test_what_texts_say_is_read_and_saved(folder, tuning, tmp_path):
    """Uplift is large for those who say 'cheap'; the saved model needs no directory."""
    log, _ = told(800, 0)
    options = SMALL | {
        "effect_penalty": 0.0,  # effects are large here, and need no holding small
        "epochs": 10,
        "learning_rate": 0.01,
        "batch": 64,
        "width": 8,
        "head_width": 4,
        "length": 8,
    }
    model = train(log, "text", encoder=folder, tuning=tuning, columns={"says": "text"}, **options)
    others, keen = told(300, 1)
    value = model.predict_response(others.features).measure("value")
    assert value[keen].mean() - value[~keen].mean() > 0.12
    model.save(tmp_path / "model")
    read = load_model(tmp_path / "model")
    assert read.learner.folder is None
    assert np.array_equal(read.predict_response(others.features).measure("value"), value)


def test_what_learns_is_what_was_asked_for(folder):
    """Frozen: nothing of the encoder; adapters: a few numbers; full: all of it."""
    log, _ = told(300, 0)
    learning = {}
    for tuning in TUNINGS:
        options = SMALL | {"epochs": 1, "length": 8, "batch": 256}
        model = train(log, "text", encoder=folder, tuning=tuning, columns={"says": "text"}, **options)
        names = [(n, p) for n, p in model.learner.modules[0].named_parameters() if "encoder" in n]
        learning[tuning] = sum(p.numel() for _, p in names if p.requires_grad)
    assert learning["frozen"] == 0
    assert learning["lora"] == 2 * 2 * 8 * 16  # queries and values, down and up, rank 8, width 16
    assert learning["full"] > 10 * learning["lora"] / 4


def test_an_adapter_begins_as_the_layer_itself_and_learns_beside_it():
    """B is zero at first; the frozen layer has no gradient."""
    layer = torch.nn.Linear(6, 5)
    adapted = LoRALinear(layer, rank=2, scale=4.0)
    layer.requires_grad_(False)
    x = torch.randn(3, 6)
    assert torch.equal(adapted(x), layer(x))
    with torch.no_grad():
        adapted.up.copy_(torch.ones(5, 2))
    wanted = layer(x) + 2.0 * (x @ adapted.down.T).sum(dim=1, keepdim=True)
    assert torch.allclose(adapted(x), wanted, atol=1e-5)
    torch.autograd.backward(adapted(x).sum())
    assert layer.weight.grad is None
    assert adapted.down.grad.abs().sum() > 0


def test_an_encoder_of_other_names_is_adapted_everywhere():
    """All linear layers, where none is called a query or a value."""
    encoder = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    assert add_adapters(encoder, 1) == ["0", "2"]
    assert {n for n, p in encoder.named_parameters() if p.requires_grad} == {
        "0.down",
        "0.up",
        "2.down",
        "2.up",
    }


def test_padding_is_not_read(folder):
    """A text alone and beside a longer one has one answer; one without tokens is zeros."""
    encoder, config = read_encoder(folder)
    assert config["hidden_size"] == 16
    tokens = torch.from_numpy(read_tokens(folder, 6).encode(pd.Series(["i like it", "cheap", None])))
    assert tokens.tolist()[:2] == [[4, 5, 6, -1, -1, -1], [2, -1, -1, -1, -1, -1]]
    whole = mean_of_words(encoder.eval(), tokens)
    assert torch.allclose(whole[1:2], mean_of_words(encoder, tokens[1:2]), atol=1e-5)
    assert (whole[2] == 0).all()


def test_a_directory_without_an_encoder_is_refused(tmp_path):
    """With the file that is missing; and a model without a directory at all."""
    log, _ = told(200, 0)
    with pytest.raises(InputError, match=r"config\.json: there is no encoder in this directory"):
        train(log, "text", encoder=str(tmp_path), columns={"says": "text"}, least_rows=10)
    with pytest.raises(InputError, match="parameter 'encoder': an encoder is needed"):
        train(log, "text", columns={"says": "text"}, least_rows=10)


def test_an_encoder_without_a_tokenizer_is_refused(folder, tmp_path):
    """Transformers would make up one that knows no word."""
    place = shutil.copytree(folder, tmp_path / "bert")
    (place / "tokenizer.json").unlink()
    words = (
        r"bert: there is no tokenizer beside the encoder, in none of the files vocab\.txt, tokenizer\.json"
    )
    with pytest.raises(InputError, match=rf"{words}\. Copy"):
        train(told(300, 0)[0], "text", encoder=str(place), columns={"says": "text"}, **SMALL)
    words = list(dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
    (place / "vocab.txt").write_text("\n".join(words))
    ids = read_tokens(place, 4).encode(pd.Series(["cheap"]))
    assert ids.tolist() == [[2, words.index("cheap"), 3, -1]]


@pytest.mark.parametrize(
    ("name", "problem"), [("model.safetensors", "weights are cut"), ("tokenizer.json", "")]
)
def test_a_file_that_was_half_written_is_named(folder, tmp_path, name, problem):
    """With the mend."""
    place = shutil.copytree(folder, tmp_path / "bert")
    whole = (place / name).read_bytes()
    (place / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=rf"bert/{name}: the .*{problem}.*\. Copy the .* anew"):
        train(told(300, 0)[0], "text", encoder=str(place), columns={"says": "text"}, **SMALL)


@pytest.mark.parametrize("tuning", TUNINGS)
def test_a_tokenizer_of_another_model_is_refused(folder, tmp_path, tuning):
    """One whose ids go beyond the encoder's table; whether this log's texts do or not."""
    place = shutil.copytree(folder, tmp_path / "bert")
    _know(place, {"rare": 499})
    words = (
        r"bert: the tokenizer has a vocabulary of 500, the encoder vectors for 12 tokens alone\. They belong"
    )
    with pytest.raises(InputError, match=words):
        train(told(300, 0)[0], "text", encoder=str(place), tuning=tuning, columns={"says": "text"}, **SMALL)


def test_texts_of_unknown_words_are_warned_of(folder, tmp_path):
    """Of six words each, one or none of which the tokenizer knows; the card has it."""
    place = shutil.copytree(folder, tmp_path / "bert")
    known = json.loads((place / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    _know(
        place, {f"other {word}" if word in WORDS[4:] else word: at for word, at in known.items()}, only=True
    )
    log = told(300, 0)[0]
    options = SMALL | {"columns": {"says": "text"}, "epochs": 1, "length": 8}
    words = "of what stands in column 'says' the encoder's tokenizer does not know 83%, .*encoder=DIR"
    with pytest.warns(DataWarning, match=words):
        model = train(log, "text", encoder=str(place), **options)
    assert any("does not know 83%" in text for text in model.card["checks"]["warnings"])
    assert train(log, "text", encoder=folder, **options).card["checks"]["warnings"] == []


def test_what_every_text_begins_and_ends_with_counts_as_no_word(tmp_path):
    """Two of three words are unknown, whatever [CLS] and [SEP] stand around them."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cheap"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    tokens = read_tokens(tmp_path, 8)
    assert tokens.unknown(tokens.encode(pd.Series(["cheap x y"]))) == pytest.approx(2 / 3)
    assert tokens.unknown(tokens.encode(pd.Series(["", None]))) == 0


def _know(place: Path, words: dict[str, int], only: bool = False) -> None:
    """Put words into the vocabulary of a directory's tokenizer, or these alone."""
    file = place / "tokenizer.json"
    tokenizer = json.loads(file.read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"] = words if only else tokenizer["model"]["vocab"] | words
    file.write_text(json.dumps(tokenizer), encoding="utf-8")


@pytest.mark.parametrize(("kind", "most"), [("Bert", 32), ("Roberta", 30)])
@pytest.mark.parametrize("tuning", TUNINGS)
def test_texts_longer_than_the_encoder_reads_are_refused_before_training(
    folder, tmp_path, kind, most, tuning
):
    """Whatever the texts of this log, with the length that fits, which RoBERTa's padding lessens by two."""
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
    )
    place = another(folder, tmp_path, getattr(transformers, f"{kind}Model")(config))
    log, _ = told(300, 0)
    options = SMALL | {"encoder": place, "tuning": tuning, "columns": {"says": "text"}, "epochs": 1}
    words = (
        rf"parameter 'length': the encoder in .* reads texts of at most {most} tokens \(got 64\)\. Set length"
    )
    with pytest.raises(InputError, match=words):
        train(log, "text", **options)
    train(log, "text", length=most, **options)


@pytest.mark.parametrize("tuning", TUNINGS)
def test_a_model_that_is_no_encoder_is_refused(folder, tmp_path, tuning):
    """T5 has a decoder, and answers with what it writes."""
    config = transformers.T5Config(
        vocab_size=len(WORDS), d_model=16, d_ff=16, d_kv=8, num_layers=1, num_heads=2
    )
    place = another(folder, tmp_path, transformers.T5Model(config))
    with pytest.raises(InputError, match=r"this t5 model does not turn tokens into a vector each\. Name the"):
        train(told(300, 0)[0], "text", encoder=place, tuning=tuning, columns={"says": "text"}, **SMALL)


def another(folder, place, model):
    """Write another model beside the tokenizer of a directory."""
    model.save_pretrained(place)
    shutil.copy(f"{folder}/tokenizer.json", place)
    return str(place)


def test_a_log_without_texts_is_refused(folder):
    """There is nothing to read."""
    with pytest.raises(InputError, match="there is no column of text to read"):
        train(SmallWorld.draw(200, 0).log(0), "text", encoder=folder, least_rows=10)
    with pytest.raises(InputError, match=r"'tuning': .*\(got 'lorra'\). Did you mean 'lora'"):
        TextLearner(tuning="lorra")
