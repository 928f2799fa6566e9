"""What hiding, averaging and the cache do, against the models called by hand; and who can serve them."""

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, FNetConfig, FNetForSequenceClassification

import tiny
import tiny_images
import whence
from whence import InputError, UnsupportedError
from whence.methods.run import Run
from whence.perturbation.evaluator import Evaluator
from whence.perturbation.strategies import named_strategy
from whence.targets import as_targets

TEXT = "The film was good."
IN_FLOAT32 = 1e-5
"""The norms of stock models compute in float32."""


def values_of(subject, inputs, masks, strategy, target=None, batch_size="auto"):
    evaluator = Evaluator(subject, [inputs], as_targets(target), Run(batch_size=batch_size), strategy)
    return evaluator.evaluate([np.asarray(masks, dtype=bool)])[0]


@pytest.mark.parametrize("strategy", ["attention_mask", "mean_embedding"])
@pytest.mark.parametrize("make", [tiny.t5_seq2seq, tiny.bart_seq2seq])
@torch.no_grad()
def test_source_tokens_of_an_encoder_decoder(make, strategy):
    subject = whence.load(make())
    inputs = subject.encode(TEXT)
    ids = torch.tensor(inputs.ids)
    source, target = ids[: inputs.source], ids[inputs.source :]
    keep = np.ones(len(inputs), bool)
    keep[[0, 2]] = False
    shown = torch.tensor(keep[: inputs.source])
    embedding = subject.model.get_input_embeddings()
    if strategy == "attention_mask":
        read = {"input_ids": source[None], "attention_mask": shown[None].long()}
    else:
        mean = embedding(torch.tensor(subject.plain_ids)).mean(dim=0)
        read = {"inputs_embeds": torch.where(shown[:, None], embedding(source), mean)[None]}
    expected = subject.model(**read, decoder_input_ids=target[None]).logits[0, -1, 5]
    assert values_of(subject, inputs, [keep], strategy, 5)[0] == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("make", [tiny.gpt2_lm, tiny.llama_lm, tiny.bert_classifier, tiny.llama_classifier])
def test_the_first_token_can_be_hidden(make):
    """A causal model's first place then has nothing to look at; no other place may notice.

    In float32: Llama's eager softmax is in float32, in which the mask's lowest float64 is infinite.
    """
    found = []
    for attention in ("sdpa", "eager"):
        subject = whence.load(make(attn_implementation=attention, dtype=torch.float32))
        inputs = subject.encode(TEXT)
        masks = np.ones((3, len(inputs)), bool)
        masks[:, 0] = masks[1, 1] = masks[2, 2] = False
        found.append(values_of(subject, inputs, masks, "attention_mask", [0, 1]))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[0], found[1], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("make", [tiny.gpt2_lm, tiny.bert_classifier, tiny.t5_seq2seq])
def test_hiding_everything_is_refused(make):
    subject = whence.load(make())
    inputs = subject.encode(TEXT)
    with pytest.raises(InputError, match=r"nothing to look at\. Use another strategy"):
        values_of(subject, inputs, np.zeros((1, len(inputs))), "attention_mask")


def test_hiding_all_in_front_of_a_prediction_is_refused():
    subject = whence.load(tiny.gpt2_lm())
    inputs = subject.encode("The", continuation=" film was")
    keep = np.arange(len(inputs)) > inputs.slots[0].index
    with pytest.raises(InputError, match="nothing to look at"):
        values_of(subject, inputs, [keep], "attention_mask")


def test_an_image_has_no_attention_to_keep_from_and_no_mask():
    subject = whence.load(tiny.vit_classifier())
    for strategy in ("attention_mask", "mask"):
        with pytest.raises(UnsupportedError, match=r"Use one of: .*zero_embedding"):
            whence.explain(subject, tiny_images.picture(1), method=whence.methods.LeaveOneOut(strategy))


def test_a_model_that_ignores_its_mask_cannot_hide():
    tokenizer = tiny.bert_tokenizer()
    config = FNetConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=2, intermediate_size=32, type_vocab_size=2
    )
    subject = whence.load((seeded(lambda: FNetForSequenceClassification(config)).eval(), tokenizer))
    assert not subject.hides
    with pytest.raises(UnsupportedError, match=r"no attention that a token can be kept from\. Use one of: mask, pad"):
        named_strategy(subject, "attention_mask")


# ---------------------------------------------------------------------- keys and values of what stands in front


def seeded(make):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make()


def stock(model_type, **options):
    """A tiny causal model of any type, its norms as they come."""
    tokenizer = tiny.llama_tokenizer()
    config = AutoConfig.for_model(
        model_type,
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.4,
        **options,
    )
    return seeded(lambda: AutoModelForCausalLM.from_config(config, dtype=torch.float64)).eval(), tokenizer


GEMMA = {"sliding_window": 10, "head_dim": 4, "query_pre_attn_scalar": 4}
CAUSAL = {
    "gpt2": (tiny.gpt2_lm, True, 1e-9),
    "gpt2-eager": (lambda: tiny.gpt2_lm("eager"), True, 1e-9),
    "llama": (tiny.llama_lm, True, 1e-9),
    "mixtral": (tiny.mixtral_lm, True, 1e-9),
    "window-wide": (lambda: stock("mistral", sliding_window=64), True, IN_FLOAT32),
    "window-narrow": (lambda: stock("mistral", sliding_window=10), False, IN_FLOAT32),
    "windows-in-turn": (lambda: stock("gemma2", **GEMMA), False, IN_FLOAT32),
}


@pytest.mark.parametrize("strategy", ["eos", "delete", "zero_embedding", "attention_mask"])
@pytest.mark.parametrize("name", CAUSAL)
def test_the_cache_changes_no_value(name, strategy, monkeypatch):
    """Rows of a continuation, masks that begin late and early, with the cache and without."""
    make, remembers, tolerance = CAUSAL[name]
    subject = whence.load(make())
    inputs = subject.encode("Paris is in the city, and the film", continuation=" was good")
    assert subject.remembers(len(inputs)) == remembers
    masks = np.random.default_rng(0).random((8, len(inputs))) < 0.6
    masks[:, :5] = True
    masks[0, 2] = False
    cached, logits = [], subject.logits
    monkeypatch.setattr(subject, "logits", lambda batch: (cached.append(batch.cache is not None), logits(batch))[1])
    found = values_of(subject, inputs, masks, strategy, batch_size=3)
    assert any(cached[1:]) == remembers
    monkeypatch.setattr(subject, "remembers", lambda tokens: False)
    cached.clear()
    expected = values_of(subject, inputs, masks, strategy)
    assert not any(cached)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.filterwarnings("ignore")
def test_a_state_space_model_remembers_nothing_that_can_be_gone_on_from():
    subject = whence.load(stock("mamba"))
    assert not subject.remembers(4)
    record = whence.explain(subject, TEXT, method=whence.methods.LeaveOneOut("eos"))
    assert record.scores.any()
