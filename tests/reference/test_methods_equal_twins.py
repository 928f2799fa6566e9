"""Every method equals its slow literal twin, in float64, on every tiny model; and captum, where captum has it."""

import captum.attr
import numpy as np
import pytest
import torch

import tiny
import whence
from reference import attention as attention_twin
from reference import integrated_gradients as ig_twin
from reference.attention import attention_rollout, attention_weights, raw_attention
from reference.input_x_gradient import input_x_gradient, word_embeddings
from reference.leave_one_out import at, label, leave_one_out
from reference.lrp import lrp_bert, lrp_gpt2, lrp_llama
from reference.messages import RULES
from reference.value_zeroing import value_zeroing
from whence.gradients.integrated_gradients import Quadrature, quadrature_points
from whence.methods.run import Run
from whence.registry import available, resolve
from whence.targets import Logit

TEXT = "Paris is in 😀 France.\nמה"
MAKERS = {
    "gpt2": tiny.gpt2_lm,
    "llama": tiny.llama_lm,
    "llama-bias": lambda **options: tiny.llama_lm(bias=True, **options),
    "bert": tiny.bert_classifier,
    "gpt2-classifier": tiny.gpt2_classifier,
    "llama-classifier": tiny.llama_classifier,
}
OUTPUT = 2
EXACT = 1e-9
WITH_EAGER = 1e-5
"""Llama's eager attention takes its softmax in float32, so only sdpa is float64 throughout."""


@pytest.fixture(params=MAKERS)
def name(request):
    return request.param


@pytest.fixture
def subject(name):
    return whence.load(MAKERS[name]())


@pytest.fixture
def inputs(subject):
    return subject.encode(TEXT)


def scores(method, subject, inputs) -> np.ndarray:
    return method.explain(subject, [inputs], Logit(OUTPUT), Run())[0].scores[0]


def value(logits):
    """The logit of the output explained: of the last token, or of the classifier."""
    return logits[0, OUTPUT] if logits.ndim == 2 else logits[0, -1, OUTPUT]


def assert_twin(found, expected, tolerance=EXACT):
    assert np.abs(found - expected).max() <= tolerance * max(1.0, np.abs(expected).max())


def test_input_x_gradient(subject, inputs):
    assert_twin(
        scores(whence.methods.InputXGradient(), subject, inputs), input_x_gradient(subject.model, inputs.ids, value)
    )


@pytest.mark.parametrize("rule", Quadrature.__args__)
def test_integrated_gradients(subject, inputs, rule):
    steps = 5
    embeds = word_embeddings(subject.model, inputs.ids)
    nodes = getattr(ig_twin, rule)(steps - 1 if rule == "trapezoid" else steps)
    expected = ig_twin.integrated_gradients(subject.model, inputs.ids, value, torch.zeros_like(embeds), *nodes)
    found = scores(whence.methods.IntegratedGradients(steps=steps, quadrature=rule), subject, inputs)
    assert_twin(found, expected)


@pytest.mark.parametrize("strategy", ["eos", "delete"])
def test_leave_one_out(subject, inputs, strategy):
    if subject.replacement_id(strategy) is None and strategy == "eos":
        strategy = "mask"
    read = at(inputs.slots[0].index, OUTPUT) if subject.task == "text-generation" else label(OUTPUT)
    expected = leave_one_out(subject.model, inputs.ids, read, subject.replacement_id(strategy))
    assert_twin(scores(whence.methods.LeaveOneOut(strategy=strategy), subject, inputs), expected)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("layer", [0, -1])
def test_raw_attention(name, attention, layer):
    subject = whence.load(MAKERS[name](attn_implementation=attention))
    inputs = subject.encode(TEXT)
    query = subject.query_position(inputs.slots[0], len(inputs))
    expected = raw_attention(attention_weights(subject.model, inputs.ids), layer, query)
    tolerance = WITH_EAGER if attention == "eager" else EXACT
    assert_twin(scores(whence.methods.RawAttention(layer=layer), subject, inputs), expected, tolerance)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_attention_rollout(name, attention):
    subject = whence.load(MAKERS[name](attn_implementation=attention))
    inputs = subject.encode(TEXT)
    query = subject.query_position(inputs.slots[0], len(inputs))
    expected = attention_rollout(attention_weights(subject.model, inputs.ids), query)
    tolerance = WITH_EAGER if attention == "eager" else EXACT
    assert_twin(scores(whence.methods.AttentionRollout(), subject, inputs), expected, tolerance)


@pytest.mark.parametrize("fusion", ["mean", "max", "min"])
@pytest.mark.parametrize("ratio", [0.0, 0.5, 0.9])
def test_attention_rollout_with_other_heads_and_without_the_lowest(subject, inputs, fusion, ratio):
    query = subject.query_position(inputs.slots[0], len(inputs))
    expected = attention_twin.varied_rollout(attention_weights(subject.model, inputs.ids), query, fusion, ratio)
    method = whence.methods.AttentionRollout(head_fusion=fusion, discard_ratio=ratio)
    assert_twin(scores(method, subject, inputs), expected)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_attention_flow(name, attention):
    """Equal to networkx but for capacities rounded to 1e-9."""
    subject = whence.load(MAKERS[name](attn_implementation=attention))
    inputs = subject.encode("Paris is in France")
    query = subject.query_position(inputs.slots[0], len(inputs))
    expected = attention_twin.attention_flow(attention_weights(subject.model, inputs.ids), query)
    tolerance = WITH_EAGER if attention == "eager" else 1e-7
    assert_twin(scores(whence.methods.AttentionFlow(), subject, inputs), expected, tolerance)


def eager_pairs(name, inputs):
    """The weights that transformers' eager attention hands out, and their gradients."""
    model, _ = MAKERS[name](attn_implementation="eager")
    return attention_twin.weights_and_gradients(model, value, input_ids=torch.tensor(inputs.ids)[None])["attentions"]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("layer", [None, 0, -1])
def test_grad_x_attention(name, attention, layer):
    subject = whence.load(MAKERS[name](attn_implementation=attention))
    inputs = subject.encode(TEXT)
    pairs = eager_pairs(name, inputs)
    query = subject.query_position(inputs.slots[0], len(inputs))
    expected = attention_twin.grad_x_attention(pairs if layer is None else [pairs[layer]], query)
    assert_twin(scores(whence.methods.GradXAttention(layer=layer), subject, inputs), expected, in_float32(name))


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_gae(name, attention):
    subject = whence.load(MAKERS[name](attn_implementation=attention))
    inputs = subject.encode(TEXT)
    query = subject.query_position(inputs.slots[0], len(inputs))
    expected = attention_twin.gae(eager_pairs(name, inputs), query)
    assert_twin(scores(whence.methods.GAE(), subject, inputs), expected, in_float32(name))


def in_float32(name):
    """Gradients come from eager attention, which is float32 in Llama."""
    return WITH_EAGER if "llama" in name else EXACT


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_value_zeroing(name, attention):
    subject = whence.load(MAKERS[name](attn_implementation=attention))
    inputs = subject.encode("Paris is in France")
    length = len(inputs)
    query = subject.query_position(inputs.slots[0], length)
    ids = torch.tensor(inputs.ids)[None]
    expected = value_zeroing(subject.model, query, length, {"": (0, length)}, input_ids=ids)
    assert_twin(scores(whence.methods.ValueZeroing(), subject, inputs), expected)


SEQ2SEQ = {"t5": tiny.t5_seq2seq, "bart": tiny.bart_seq2seq}


@pytest.fixture(params=[("t5", "sdpa"), ("t5", "eager"), ("bart", "sdpa"), ("bart", "eager")], ids="-".join)
def encoder_decoder(request):
    """A subject, an input with as many source as target tokens, its queries, and transformers' eager attention."""
    name, attention = request.param
    subject = whence.load(SEQ2SEQ[name](attn_implementation=attention))
    alone = subject.encode("Paris is")
    inputs = subject.encode("Paris is", continuation=list(range(5, 6 + 2 * alone.source - len(alone))))
    assert 2 * inputs.source == len(inputs)
    ids = torch.tensor(inputs.ids)[None]
    given = {"input_ids": ids[:, : inputs.source], "decoder_input_ids": ids[:, inputs.source :]}
    eager, _ = SEQ2SEQ[name](attn_implementation="eager")
    kinds = [
        attention_twin.weights_and_gradients(
            eager, lambda logits, row=slot.index - inputs.source: logits[0, row, OUTPUT], **given
        )
        for slot in inputs.slots
    ]
    return subject, inputs, given, kinds


def assert_rows(method, encoder_decoder, expected, tolerance=EXACT):
    """Every target's row at once, and in a batch with another input of other lengths."""
    subject, inputs, _, _ = encoder_decoder
    other = subject.encode("The film was a delight: warm", continuation=" London")
    for items in ([inputs], [inputs, other], [other, inputs]):
        found = method.explain(subject, items, lambda logits: logits[OUTPUT], Run())[items.index(inputs)]
        assert len(found.scores) == len(inputs.slots)
        for row, slot in zip(found.scores, inputs.slots, strict=True):
            row, twin = np.array(row), expected[slot.index - inputs.slots[0].index]
            row[slot.visible :] = 0
            assert_twin(row, twin, tolerance)


def test_an_encoder_decoders_attention(encoder_decoder):
    _, inputs, _, kinds = encoder_decoder
    layers = attention_twin.one_matrix_each(kinds[0])
    for layer in (0, -1, -2):
        expected = [raw_attention(layers, layer, slot.index) for slot in inputs.slots]
        assert_rows(whence.methods.RawAttention(layer=layer), encoder_decoder, expected)
    expected = [attention_rollout(layers, slot.index) for slot in inputs.slots]
    assert_rows(whence.methods.AttentionRollout(), encoder_decoder, expected)
    expected = [attention_twin.attention_flow(layers, slot.index) for slot in inputs.slots]
    assert_rows(whence.methods.AttentionFlow(), encoder_decoder, expected, 1e-7)


def test_an_encoder_decoders_gradient_x_attention(encoder_decoder):
    _, inputs, _, kinds = encoder_decoder
    expected = []
    for slot, pairs in zip(inputs.slots, kinds, strict=True):
        query = slot.index - inputs.source
        cross = attention_twin.grad_x_attention(pairs["cross_attentions"], query)
        own = attention_twin.grad_x_attention(pairs["decoder_attentions"], query)
        expected.append(np.concatenate([cross, own]) / 2)
    assert_rows(whence.methods.GradXAttention(), encoder_decoder, expected)


def test_an_encoder_decoders_gae(encoder_decoder):
    _, inputs, _, kinds = encoder_decoder
    expected = [
        attention_twin.gae_encoder_decoder(pairs, slot.index - inputs.source)
        for slot, pairs in zip(inputs.slots, kinds, strict=True)
    ]
    assert_rows(whence.methods.GAE(), encoder_decoder, expected)


def test_an_encoder_decoders_value_zeroing(encoder_decoder):
    subject, inputs, given, _ = encoder_decoder
    starts = {"source": (0, inputs.source), "target": (inputs.source, len(inputs))}
    expected = [value_zeroing(subject.model, slot.index, len(inputs), starts, **given) for slot in inputs.slots]
    assert_rows(whence.methods.ValueZeroing(), encoder_decoder, expected)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_attnlrp(name, attention):
    assert_lrp_twin("attnlrp", name, attention)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_cp_lrp(name, attention):
    assert_lrp_twin("cp_lrp", name, attention)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_ah_ln(name, attention):
    assert_lrp_twin("ah_ln", name, attention)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_lrp_epsilon(name, attention):
    assert_lrp_twin("lrp_epsilon", name, attention)


def assert_lrp_twin(key, name, attention):
    subject = whence.load(MAKERS[name](attn_implementation=attention))
    inputs = subject.encode(TEXT)
    walk = {"llama": lrp_llama, "gpt2": lrp_gpt2, "bert": lrp_bert}[subject.model.config.model_type]
    expected = walk(subject.model, inputs.ids, -1, OUTPUT, RULES[key], {}).sum(axis=1)
    tolerance = WITH_EAGER if attention == "eager" else 1e-8
    assert_twin(scores(resolve("methods", key)(), subject, inputs), expected, tolerance)


def test_random_scores_are_uniform_in_minus_one_to_one():
    subject = whence.FakeSubject({"a": 1.0})
    drawn = whence.explain(subject, "a " * 4000, method="random").scores[0]
    counts, _ = np.histogram(drawn, bins=10, range=(-1, 1))
    assert counts.sum() == 4000
    assert (np.abs(counts - 400) < 5 * np.sqrt(400)).all()


def test_every_method_has_a_twin_here():
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {key for key in available("methods") if key != "random"} <= tested


CAPTUM_RULES = {
    "gauss_legendre": "gausslegendre",
    "midpoint": "riemann_middle",
    "left": "riemann_left",
    "right": "riemann_right",
}


@pytest.mark.parametrize("rule", CAPTUM_RULES)
def test_integrated_gradients_equal_captum(name, subject, inputs, rule):
    """Captum's Gauss–Legendre nodes carry float32 rounding, so that rule is compared at 1e-6, the others at 1e-9."""

    def forward(embeds):
        logits = subject.model(inputs_embeds=embeds).logits
        return logits[:, OUTPUT] if logits.ndim == 2 else logits[:, -1, OUTPUT]

    embeds = subject.embed(torch.tensor(inputs.ids)[None])
    captum_ig = captum.attr.IntegratedGradients(forward, multiply_by_inputs=True)
    batch = {"internal_batch_size": 1} if name == "gpt2-classifier" else {}
    expected = captum_ig.attribute(
        embeds, baselines=torch.zeros_like(embeds), n_steps=16, method=CAPTUM_RULES[rule], **batch
    )
    found = scores(whence.methods.IntegratedGradients(steps=16, quadrature=rule), subject, inputs)
    assert_twin(found, expected[0].sum(-1).detach().numpy(), 1e-6 if rule == "gauss_legendre" else EXACT)


def test_input_x_gradient_equals_captum(subject, inputs):
    def forward(embeds):
        logits = subject.model(inputs_embeds=embeds).logits
        return logits[:, OUTPUT] if logits.ndim == 2 else logits[:, -1, OUTPUT]

    embeds = subject.embed(torch.tensor(inputs.ids)[None]).requires_grad_()
    expected = captum.attr.InputXGradient(forward).attribute(embeds)[0].sum(-1).detach().numpy()
    assert_twin(scores(whence.methods.InputXGradient(), subject, inputs), expected)


@pytest.mark.parametrize("rule", Quadrature.__args__)
def test_quadrature_equals_its_twin(rule):
    points, weights = quadrature_points(rule, 6)
    expected = getattr(ig_twin, rule)(5 if rule == "trapezoid" else 6)
    np.testing.assert_allclose(points, expected[0], atol=1e-12)
    np.testing.assert_allclose(weights, expected[1], atol=1e-12)
