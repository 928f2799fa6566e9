"""The axioms of Sundararajan et al. 2017: completeness, sensitivity, implementation invariance."""

import numpy as np
import pytest
import torch

import tiny
import whence
from whence.methods import GradientSHAP, InputXGradient, IntegratedGradients, SequentialIG

TEXT = "a good film, not bad"
EFFECTS = {"good": [-1.0, 2.0], "not": [3.0, -0.5], "bad": [0.5, 0.25]}
EXACT = ["input_x_gradient", "integrated_gradients", "sequential_ig", "discretized_ig", "udig"]


@pytest.fixture
def fake():
    return whence.FakeSubject(EFFECTS, labels=("negative", "positive"))


@pytest.mark.parametrize("method", EXACT)
def test_of_a_sum_each_word_gets_its_own_part(fake, method):
    """Completeness and the dummy axiom at once; of words without effect nothing."""
    record = whence.explain(fake, TEXT, method=method, target="positive")
    np.testing.assert_allclose(record.scores[0], fake.exact(TEXT, "positive"), atol=1e-6)


def test_of_a_sum_gradient_shap_has_no_residual(fake):
    record = whence.explain(fake, TEXT, method=GradientSHAP(samples=5), target="positive")
    assert record.residual[0] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("baseline", ["zero", "mask", "pad", "mean", "sampled"])
def test_integrated_gradients_are_complete_from_any_baseline(baseline):
    bert = whence.load(tiny.bert_classifier())
    record = whence.explain(bert, "the film was good", method=IntegratedGradients(steps=64, baseline=baseline))
    change = record.targets[0].value - record.targets[0].baseline_value
    assert abs(record.residual[0]) < 1e-6 * max(1, abs(change))


def test_gradient_shap_is_complete_in_expectation():
    bert = whence.load(tiny.bert_classifier())
    residuals = [
        whence.explain(bert, "the film", method=GradientSHAP(samples=4), seed=seed).residual[0] for seed in range(16)
    ]
    assert abs(np.mean(residuals)) < 4 * np.std(residuals, ddof=1) / np.sqrt(len(residuals))


def test_what_alone_differs_from_the_baseline_gets_all_the_change():
    """Sensitivity (a): a text that differs in one token, whose values differ."""
    bert = whence.load(tiny.bert_classifier())
    options = {"baseline": "text", "baseline_text": "the film was like"}
    for method in (IntegratedGradients(steps=64, **options), SequentialIG(steps=64, **options)):
        record = whence.explain(bert, "the film was good", method=method, target="good")
        other = whence.explain(bert, "the film was like", method="random", target="good").targets[0].value
        expected = record.targets[0].value - other
        assert abs(expected) > 1e-3
        np.testing.assert_allclose(record.scores[0], [0, 0, 0, 0, expected, 0], atol=1e-6)


def test_a_token_that_a_causal_model_cannot_see_gets_nothing():
    """Sensitivity (b), for every gradient method and continuation row: law 3 states it."""
    gpt2 = whence.load(tiny.gpt2_lm())
    record = whence.explain(gpt2, "Paris is", continuation=" in France", method=SequentialIG(steps=2))
    for row, target in zip(record.scores, record.targets, strict=True):
        assert not row[target.position :].any()


@pytest.mark.parametrize("method", ["saliency", *EXACT, "gradient_shap", "smoothgrad", "vargrad", "squaregrad"])
def test_another_implementation_of_the_same_function_has_the_same_scores(method):
    """GPT-2 with eager attention, its MLPs' hidden units permuted and its first layer norm scaled away and back."""
    one, other = (whence.load(tiny.gpt2_lm(attn_implementation=kind)) for kind in ("sdpa", "eager"))
    for block in other.model.transformer.h:
        order = torch.randperm(block.mlp.c_fc.weight.shape[1], generator=torch.Generator().manual_seed(0))
        for tensor in (block.mlp.c_fc.weight, block.mlp.c_fc.bias):
            tensor.data = tensor.data[..., order]
        block.mlp.c_proj.weight.data = block.mlp.c_proj.weight.data[order]
        block.ln_2.weight.data *= 2
        block.ln_2.bias.data *= 2
        block.mlp.c_fc.weight.data /= 2
    first, second = (whence.explain(subject, "Paris is in", method=method) for subject in (one, other))
    np.testing.assert_allclose(first.scores, second.scores, rtol=1e-5, atol=1e-7)


def test_input_x_gradient_breaks_sensitivity_where_integrated_gradients_do_not():
    """The paper's example: f = 1 − relu(1 − x) is flat at x = 2, and worth 1 more there than at 0."""
    fake = whence.FakeSubject({"two": 2.0})

    def saturated(logits):
        return 1 - torch.relu(1 - logits[0])

    flat = whence.explain(fake, "two", method=InputXGradient(), target=saturated)
    path = whence.explain(fake, "two", method=IntegratedGradients(steps=100, quadrature="midpoint"), target=saturated)
    assert flat.scores.tolist() == [[0.0]]
    assert path.scores[0, 0] == pytest.approx(1.0)
