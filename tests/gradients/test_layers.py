"""Gradients of a layer's output: found by hand, complete where claimed, refused where tokens are others."""

import numpy as np
import pytest
import torch

import tiny
import tiny_images
import whence
from whence.gradients.layers import check_layer, layer_output
from whence.methods import InputXGradient, IntegratedGradients, Saliency, SmoothGrad

OF_LAYERS = [Saliency, InputXGradient, IntegratedGradients]


@pytest.fixture(scope="module")
def gpt2():
    return whence.load(tiny.gpt2_lm())


@pytest.mark.parametrize("layer", [0, 1])
def test_the_gradient_of_a_layer_is_that_of_the_rest_of_the_model(gpt2, layer):
    """The blocks behind it and the head, run by hand on its output."""
    inputs, model = gpt2.encode("Paris is in"), gpt2.model
    hidden = model(torch.tensor(inputs.ids)[None], output_hidden_states=True).hidden_states
    before_last = [hidden[0], hidden[1]]
    with torch.no_grad():
        out = model.transformer.h[1](before_last[1])
        last = out[0] if isinstance(out, tuple) else out
    leaf = (before_last[1] if layer == 0 else last).detach().requires_grad_()
    behind = leaf
    for block in model.transformer.h[layer + 1 :]:
        out = block(behind)
        behind = out[0] if isinstance(out, tuple) else out
    logit = model.lm_head(model.transformer.ln_f(behind))[0, -1].max()
    (gradient,) = torch.autograd.grad(logit, leaf)
    found = Saliency(layer=layer)(gpt2, inputs).scores[0]
    np.testing.assert_allclose(found, gradient[0].norm(dim=-1), rtol=1e-6)
    found = InputXGradient(layer=layer)(gpt2, inputs).scores[0]
    np.testing.assert_allclose(found, (gradient * leaf)[0].sum(-1).detach(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("quadrature", ["gauss_legendre", "midpoint", "trapezoid"])
@pytest.mark.parametrize("layer", [0, -1])
def test_conductance_is_complete(gpt2, layer, quadrature):
    method = IntegratedGradients(layer=layer, steps=100, quadrature=quadrature)
    record = whence.explain(gpt2, "Paris is in", method=method)
    change = record.targets[0].value - record.targets[0].baseline_value
    assert abs(record.residual[0]) < 2e-2 * abs(change)


def test_influence_claims_no_residual(gpt2):
    record = whence.explain(gpt2, "Paris is in", method=IntegratedGradients(layer=0, multiply_by_inputs=False, steps=2))
    assert record.residual is None
    assert record.unit == "target's unit per unit of embedding"


@pytest.mark.parametrize("method", OF_LAYERS)
def test_a_layer_that_is_not_there_is_refused(gpt2, method):
    with pytest.raises(whence.InputError, match=r"no layer 2.*layers 0 to 1"):
        whence.explain(gpt2, "Paris", method=method(layer=2))


@pytest.mark.parametrize("layer", ["last", True, 1.0])
def test_a_layer_is_a_whole_number_or_none(layer):
    with pytest.raises(whence.InputError, match=f"got {layer!r}"):
        check_layer(layer)


@pytest.mark.parametrize("method", OF_LAYERS)
def test_layers_whose_tokens_are_not_the_inputs_are_refused(method):
    vit = whence.load(tiny.vit_classifier())
    with pytest.raises(whence.UnsupportedError, match="its tokens are not the input's"):
        whence.explain(vit, tiny_images.picture(5), method=method(layer=0))
    with pytest.raises(whence.UnsupportedError, match=r"several stacks of layers \(encoder, decoder\)"):
        whence.explain(whence.load(tiny.t5_seq2seq()), "Paris is", method=method(layer=0))
    with pytest.raises(whence.UnsupportedError, match="no layers"):
        whence.explain(whence.FakeSubject({"good": 1.0}), "good", method=method(layer=0))


METHODS = [
    Saliency(layer=-1),
    InputXGradient(layer=0),
    IntegratedGradients(layer=0, steps=3),
    SmoothGrad(method=IntegratedGradients(layer=0, steps=2), samples=2),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
def test_laws_hold_at_a_layer(gpt2, method):
    """Batch = single, rows = single targets, what is counted = what is stated, for llama too."""
    for subject in (gpt2, whence.load(tiny.llama_lm())):
        texts = ["Paris is in", "The quick brown fox jumps"]
        together = whence.explain(subject, texts, continuation=" Rome. The", method=method)
        for text, record in zip(texts, together, strict=True):
            alone = whence.explain(subject, text, continuation=" Rome. The", method=method)
            np.testing.assert_allclose(record.scores, alone.scores, rtol=1e-5, atol=1e-8)
            stated = method.cost(len(record.tokens), len(record.targets))
            assert (record.provenance["forwards"], record.provenance["backwards"]) == (
                stated.forwards,
                stated.backwards,
            )
            first = whence.explain(
                subject, text, target=subject.encode(text, continuation=" Rome").slots[0].actual, method=method
            )
            width = first.scores.shape[1]
            np.testing.assert_allclose(record.scores[0, :width], first.scores[0], rtol=1e-5, atol=1e-8)


def hooks(model):
    return [len(module._forward_hooks) for module in model.modules()]


def test_hooks_are_gone_after_an_exception(gpt2):
    before = hooks(gpt2.model)
    with pytest.raises(whence.TargetError):
        whence.explain(gpt2, "Paris", method=Saliency(layer=0), target="no such token")
    with pytest.raises(RuntimeError, match="stop"), layer_output(gpt2, 0):
        raise RuntimeError("stop")
    assert hooks(gpt2.model) == before
