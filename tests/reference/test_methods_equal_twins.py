"""Every method equals its slow literal twin, in float64, on every tiny model; and captum, where captum has it."""

import captum.attr
import numpy as np
import pytest
import torch

import tiny
import whence
from reference import gradient_shap as shap_twin
from reference import integrated_gradients as ig_twin
from reference import noise as noise_twin
from reference import saliency as saliency_twin
from reference import sequential_ig as sig_twin
from reference import word_paths as word_twin
from reference.attention import attention_rollout, attention_weights, raw_attention
from reference.input_x_gradient import input_x_gradient, word_embeddings
from reference.leave_one_out import at, label, leave_one_out
from reference.lrp import lrp_bert, lrp_gpt2, lrp_llama
from reference.messages import RULES
from whence.gradients.quadrature import Quadrature, quadrature_points
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


def explained(method, subject, inputs):
    return method.explain(subject, [inputs], Logit(OUTPUT), Run())[0]


def scores(method, subject, inputs) -> np.ndarray:
    return explained(method, subject, inputs).scores[0]


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


@pytest.mark.parametrize("form", ["norm", "signed", "absolute"])
def test_saliency(subject, inputs, form):
    found = scores(whence.methods.Saliency(form=form), subject, inputs)
    assert_twin(found, saliency_twin.saliency(subject.model, inputs.ids, value, form))


@pytest.mark.parametrize("inner", ["saliency", "input_x_gradient"])
def test_smoothgrad(subject, inputs, inner):
    draws = noise_twin.draws(subject.model, inputs.ids, value, 3, 0.2, 0, inner == "input_x_gradient")
    mean = noise_twin.smooth(draws)
    expected = saliency_twin.reduced(mean, "norm") if inner == "saliency" else mean.sum(axis=1)
    explanation = explained(whence.methods.SmoothGrad(method=inner, samples=3, noise=0.2), subject, inputs)
    assert_twin(explanation.scores[0], expected)
    if inner == "input_x_gradient":
        errors = draws.sum(axis=2).std(axis=0, ddof=1) / np.sqrt(3)
        assert_twin(explanation.standard_errors[0], errors)
    else:
        assert explanation.standard_errors is None


@pytest.mark.parametrize("inner", ["saliency", "input_x_gradient"])
def test_vargrad(subject, inputs, inner):
    draws = noise_twin.draws(subject.model, inputs.ids, value, 3, 0.2, 0, inner == "input_x_gradient")
    found = scores(whence.methods.VarGrad(method=inner, samples=3, noise=0.2), subject, inputs)
    assert_twin(found, noise_twin.variance(draws))


@pytest.mark.parametrize("inner", ["saliency", "input_x_gradient"])
def test_squaregrad(subject, inputs, inner):
    draws = noise_twin.draws(subject.model, inputs.ids, value, 3, 0.2, 0, inner == "input_x_gradient")
    found = scores(whence.methods.SquareGrad(method=inner, samples=3, noise=0.2), subject, inputs)
    assert_twin(found, noise_twin.square(draws))


def test_gradient_shap(subject, inputs):
    samples = shap_twin.samples_of(subject.model, inputs.ids, value, subject.plain_ids, 4, 0)
    found = explained(whence.methods.GradientSHAP(samples=4), subject, inputs)
    assert_twin(found.scores[0], samples.mean(axis=0))
    assert_twin(found.standard_errors[0], samples.std(axis=0, ddof=1) / 2)


def test_sequential_ig(subject, inputs):
    baseline = word_embeddings(subject.model, [token_to_start_from(subject)] * len(inputs))
    nodes = ig_twin.gauss_legendre(3)
    expected = sig_twin.sequential_ig(subject.model, inputs.ids, value, baseline, *nodes)
    found = explained(whence.methods.SequentialIG(steps=3), subject, inputs)
    assert_twin(found.scores[0], expected)
    for i, missing in enumerate(found.notes["token_residual"][0]):
        ids = torch.tensor(inputs.ids)[None]
        embeds = word_embeddings(subject.model, inputs.ids)
        embeds[i] = baseline[i]
        with torch.no_grad():
            before, after = subject.model(inputs_embeds=embeds[None]).logits, subject.model(input_ids=ids).logits
        change = value(after) - value(before)
        assert missing == pytest.approx(float(change) - expected[i], abs=1e-9)


@pytest.mark.parametrize("strategy", ["greedy", "maxcount"])
def test_discretized_ig(subject, inputs, strategy):
    assert_word_path_twin(whence.methods.DiscretizedIG, word_twin.dig_path, subject, inputs, strategy, upscale=1)


@pytest.mark.parametrize("strategy", ["greedy", "maxcount"])
def test_udig(subject, inputs, strategy):
    assert_word_path_twin(whence.methods.UDIG, word_twin.udig_path, subject, inputs, strategy, upscale=0)


def assert_word_path_twin(method, path_of, subject, inputs, strategy, upscale):
    start, steps, neighbours = token_to_start_from(subject), 3, 5

    def path(word):
        return path_of(subject.model, subject.plain_ids, word, start, steps, neighbours, strategy)

    expected = word_twin.word_path_ig(subject.model, inputs.ids, value, start, path, upscale)
    made = method(steps=steps, neighbours=neighbours, strategy=strategy, upscale=upscale)
    assert_twin(scores(made, subject, inputs), expected)


def token_to_start_from(subject) -> int:
    """The first of the mask, pad, unk and eos tokens that there is."""
    return next(i for i in map(subject.replacement_id, ("mask", "pad", "unk", "eos")) if i is not None)


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
