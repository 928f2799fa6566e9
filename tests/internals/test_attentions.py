"""Attention weights of any model, as transformers' own eager attention gives them, the model left as it was."""

import jaxtyping
import numpy as np
import pytest
import torch

import tiny
import tiny_images
import whence
from laws import assert_same, state
from whence.errors import InputError, UnsupportedError

TEXT = "Paris is in France."
MAKERS = [tiny.gpt2_lm, tiny.llama_lm, tiny.bert_classifier, tiny.bert_masked_lm, tiny.t5_seq2seq, tiny.bart_seq2seq]
TEXTS = {tiny.bert_masked_lm: "Paris is [MASK] France."}


@pytest.fixture
def as_users_run():
    """Types are not checked, as they are not outside of tests, so that it is our own errors that are seen."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


def attentions_of(make, text=None, attention="sdpa", **options):
    subject = whence.load(make(attn_implementation=attention))
    return whence.attentions(subject, TEXTS.get(make, TEXT) if text is None else text, **options)


@pytest.mark.parametrize("make", MAKERS, ids=lambda m: m.__name__)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_rows_sum_to_one_and_nobody_looks_ahead_in_a_causal_model(make, attention):
    found = attentions_of(make, attention=attention)
    for layer in found.layers:
        np.testing.assert_allclose(layer.weights.sum(axis=2), 1, atol=1e-5)
        assert np.abs(layer.rest).max() < 1e-5
        assert layer.causal == (layer.kind == "decoder" or make in (tiny.gpt2_lm, tiny.llama_lm))
    assert found.causal == (make in (tiny.gpt2_lm, tiny.llama_lm))


@pytest.mark.parametrize("make", [tiny.gpt2_lm, tiny.llama_lm, tiny.bert_classifier], ids=lambda m: m.__name__)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_equal_to_what_transformers_gives_under_its_eager_attention(make, attention):
    found = attentions_of(make, attention=attention)
    model, tokenizer = make(attn_implementation="eager")
    with torch.no_grad():
        given = model(**tokenizer(TEXT, return_tensors="pt"), output_attentions=True).attentions
    assert [layer.name for layer in found.layers] == [f"layer {i}" for i in range(len(given))]
    for layer, weights in zip(found.layers, given, strict=True):
        np.testing.assert_allclose(layer.weights, weights[0].numpy(), atol=1e-5)
        assert layer.queries == layer.keys == (0, len(found.tokens))


@pytest.mark.parametrize("make", [tiny.t5_seq2seq, tiny.bart_seq2seq], ids=lambda m: m.__name__)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_of_an_encoder_decoder_each_kind_is_between_its_own_tokens(make, attention):
    found = attentions_of(make, attention=attention, continuation=" London is")
    model, _ = make(attn_implementation="eager")
    ids = {role: torch.tensor([[t.id for t in found.tokens if t.role == role]]) for role in ("source", "target")}
    with torch.no_grad():
        given = model(input_ids=ids["source"], decoder_input_ids=ids["target"], output_attentions=True)
    source, whole = ids["source"].shape[1], len(found.tokens)
    sides = {"encoder": ((0, source),) * 2, "decoder": ((source, whole),) * 2, "cross": ((source, whole), (0, source))}
    names = {"encoder": "encoder_attentions", "decoder": "decoder_attentions", "cross": "cross_attentions"}
    assert len(found.layers) == 6
    for layer in found.layers:
        assert (layer.queries, layer.keys) == sides[layer.kind]
        np.testing.assert_allclose(layer.weights, getattr(given, names[layer.kind])[layer.number][0], atol=1e-5)


@pytest.mark.parametrize("make", [tiny.vit_classifier, tiny_images.dinov2_images], ids=lambda m: m.__name__)
def test_of_an_image_the_models_own_states_come_in_front(make):
    picture = tiny_images.picture(1)
    found = {a: attentions_of(make, picture, a) for a in ("sdpa", "eager")}
    own = 1 if make is tiny.vit_classifier else 3
    subject = whence.load(make(attn_implementation="eager"))
    inputs = subject.encode(picture)
    assert [t.role for t in found["sdpa"].tokens] == ["model"] * own + ["patch"] * len(inputs)
    assert found["sdpa"].provenance["grid"] == list(inputs.grid)
    with torch.no_grad():
        pixels = torch.as_tensor(inputs.pixels)[None]
        given = subject.model(pixel_values=pixels.double(), output_attentions=True).attentions
    for records in found.values():
        for layer, weights in zip(records.layers, given, strict=True):
            np.testing.assert_allclose(layer.weights, weights[0].numpy(), atol=1e-5)


@pytest.mark.parametrize("make", [*MAKERS, tiny.vit_classifier], ids=lambda m: m.__name__)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_weights_are_the_softmax_of_scaled_products_but_where_a_bias_is_said(make, attention):
    found = attentions_of(make, tiny_images.picture(1) if make is tiny.vit_classifier else None, attention)
    for layer in found.layers:
        scores = layer.vectors.scale * layer.vectors.queries.astype(float) @ layer.vectors.keys.transpose(0, 2, 1)
        scores[layer.weights == 0] = -np.inf
        made = np.exp(scores - scores.max(axis=2, keepdims=True))
        made /= made.sum(axis=2, keepdims=True)
        assert layer.vectors.biased == (make is tiny.t5_seq2seq and layer.kind != "cross")
        if not layer.vectors.biased:
            np.testing.assert_allclose(made, layer.weights, atol=1e-5)


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_side_a_tokenizer_pads_on_is_nothing_to_it(side):
    model, tokenizer = tiny.llama_lm()
    tokenizer.padding_side = side
    found = whence.attentions(whence.load((model, tokenizer)), TEXT)
    assert found.layers == attentions_of(tiny.llama_lm).layers


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_continuation_is_read_up_to_the_last_token_predicted(attention):
    subject = whence.load(tiny.llama_lm(attn_implementation=attention))
    alone = whence.attentions(subject, TEXT)
    longer = whence.attentions(subject, TEXT, continuation=" London is")
    count = len(alone.tokens)
    assert longer.tokens[:count] == tuple(
        type(t)(t.text, t.id, t.start, t.end, "prompt", t.special) for t in alone.tokens
    )
    for one, other in zip(alone.layers, longer.layers, strict=True):
        np.testing.assert_allclose(other.weights[:, :count, :count], one.weights, atol=1e-6)
    written = whence.attentions(subject, TEXT, max_new_tokens=3)
    assert len(written.tokens) == count + 2
    assert written.provenance["generated"] == 3


@pytest.mark.parametrize("make", [tiny.llama_lm, tiny.bert_classifier, tiny.t5_seq2seq], ids=lambda m: m.__name__)
def test_the_model_is_untouched_also_after_an_exception(make, monkeypatch):
    subject = whence.load(make())
    subject.model.train()
    before = state(subject)
    whence.attentions(subject, TEXT)
    assert_same(before, state(subject))
    before = state(subject)
    monkeypatch.setattr("whence.internals.attentions.MOST_WEIGHTS", 10)
    with pytest.raises(InputError, match="more than 10 numbers"):
        whence.attentions(subject, TEXT)
    assert_same(before, state(subject))
    assert not torch.overrides._get_current_function_mode_stack()


def test_layers_and_vectors_are_those_asked_for():
    subject = whence.load(tiny.t5_seq2seq())
    whole = whence.attentions(subject, TEXT)
    one = whence.attentions(subject, TEXT, layers=[1])
    assert one.layers == tuple(layer for layer in whole.layers if layer.number == 1)
    assert {layer.kind for layer in one.layers} == {"encoder", "decoder", "cross"}
    assert all(layer.vectors is not None for layer in whole.layers)
    assert all(layer.vectors is None for layer in whence.attentions(subject, TEXT, vectors=False).layers)
    some = whence.attentions(subject, TEXT, vectors=[0])
    assert [layer.vectors is None for layer in some.layers] == [layer.number == 1 for layer in some.layers]


def test_vectors_are_left_out_by_default_where_they_are_many(monkeypatch):
    subject = whence.load(tiny.llama_lm())
    numbers = sum(x.vectors.queries.size + x.vectors.keys.size for x in whence.attentions(subject, TEXT).layers)
    monkeypatch.setattr("whence.internals.attentions.FEW_VECTORS", numbers - 1)
    assert all(layer.vectors is None for layer in whence.attentions(subject, TEXT).layers)
    assert all(layer.vectors is not None for layer in whence.attentions(subject, TEXT, vectors=True).layers)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_one_token_alone_has_vectors_of_each_head(attention):
    """Where there is but one query, transformers packs the heads of a group as its queries under fused attention."""
    model, tokenizer = tiny.llama_lm(attn_implementation=attention)
    tokenizer.backend_tokenizer.post_processor = tiny.gpt2_tokenizer().backend_tokenizer.post_processor
    subject = whence.load((model, tokenizer))
    alone, longer = (whence.attentions(subject, text) for text in ("P", "P."))
    assert len(alone.tokens) == 1
    for one, other in zip(alone.layers, longer.layers, strict=True):
        np.testing.assert_allclose(one.vectors.queries, other.vectors.queries[:, :1], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(one.vectors.keys, other.vectors.keys[:, :1], rtol=1e-5, atol=1e-6)


WRONG = [
    ({"layers": [2]}, "There is no layer 2: LlamaForCausalLM has layers 0 to 1"),
    ({"layers": [-1]}, "There is no layer -1"),
    ({"layers": [True]}, "There is no layer True"),
    ({"layers": 1}, r"layers= wants a list of layer numbers, got 1. Write layers=\[3\]"),
    ({"layers": []}, "layers= is empty"),
    ({"vectors": [3]}, "There is no layer 3"),
    ({"vectors": "all"}, r"vectors= wants a list of layer numbers, got 'all'"),
    ({"vectors": 1}, "vectors= wants a list"),
    ({"layers": [0], "vectors": [1]}, "There is no layer 1"),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=[str(one) for one, _ in WRONG])
def test_what_is_not_there_is_refused(options, message, as_users_run):
    with pytest.raises(InputError, match=message):
        attentions_of(tiny.llama_lm, **options)


def test_several_inputs_are_refused():
    with pytest.raises(InputError, match="one input at a time"):
        attentions_of(tiny.llama_lm, [TEXT, TEXT])


def test_a_model_that_shows_no_attention_is_refused():
    with pytest.raises(UnsupportedError, match="shows no attention"):
        whence.attentions(lambda texts: [0.5 for _ in texts], TEXT)


def test_windows_of_an_image_are_refused():
    with pytest.raises(UnsupportedError):
        attentions_of(tiny_images.swin_images, tiny_images.picture(1))


def test_provenance_says_what_was_done():
    found = attentions_of(tiny.llama_lm)
    assert (found.provenance["forwards"], found.provenance["backwards"]) == (1, 0)
    assert found.provenance["text"] == TEXT
    assert found.provenance["attention"] == "sdpa"
    assert "not what it took" in found.provenance["caveat"]
