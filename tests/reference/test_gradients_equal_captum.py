"""Gradient methods, of the input and of layers, equal captum's on every tiny model."""

import captum.attr
import numpy as np
import pytest
import torch

import tiny
import whence
from whence.methods.run import Run
from whence.targets import Logit

TEXT = "Paris is in 😀 France.\nמה"
OUTPUT = 2
EXACT = 1e-9
MAKERS = {
    "gpt2": tiny.gpt2_lm,
    "llama": tiny.llama_lm,
    "bert": tiny.bert_classifier,
    "llama-class": tiny.llama_classifier,
}


@pytest.fixture(params=MAKERS)
def subject(request):
    return whence.load(MAKERS[request.param]())


@pytest.fixture
def inputs(subject):
    return subject.encode(TEXT)


@pytest.fixture
def embeds(subject, inputs):
    return subject.embed(torch.tensor(inputs.ids)[None])


@pytest.fixture
def forward(subject):
    def run(embeds):
        logits = subject.model(inputs_embeds=embeds).logits
        return logits[:, OUTPUT] if logits.ndim == 2 else logits[:, -1, OUTPUT]

    return run


def block(subject, layer):
    model = subject.model.base_model
    blocks = model.h if hasattr(model, "h") else model.encoder.layer if hasattr(model, "encoder") else model.layers
    return blocks[layer]


def assert_same(method, subject, inputs, expected, reduced=lambda a: a.sum(-1), tolerance=EXACT):
    found = method.explain(subject, [inputs], Logit(OUTPUT), Run())[0].scores[0]
    expected = reduced(expected[0].detach()).numpy()
    assert np.abs(found - expected).max() <= tolerance * max(1.0, np.abs(expected).max())


FORMS = {"norm": lambda g: g.norm(dim=-1), "signed": lambda g: g.sum(-1), "absolute": lambda g: g.abs().sum(-1)}


@pytest.mark.parametrize("form", FORMS)
def test_saliency(subject, inputs, embeds, forward, form):
    expected = captum.attr.Saliency(forward).attribute(embeds.requires_grad_(), abs=False)
    assert_same(whence.methods.Saliency(form=form), subject, inputs, expected, FORMS[form])


@pytest.mark.parametrize("layer", [0, -1])
def test_layer_gradient_x_activation(subject, inputs, embeds, forward, layer):
    expected = captum.attr.LayerGradientXActivation(forward, block(subject, layer)).attribute(embeds.requires_grad_())
    assert_same(whence.methods.InputXGradient(layer=layer), subject, inputs, expected)


@pytest.mark.parametrize("layer", [0, -1])
def test_layer_conductance(subject, inputs, embeds, forward, layer):
    """Captum takes the gradient where each step begins; its points are even where told to use the trapezoid rule."""
    expected = captum.attr.LayerConductance(forward, block(subject, layer)).attribute(
        embeds, baselines=torch.zeros_like(embeds), n_steps=4, method="riemann_trapezoid"
    )
    method = whence.methods.IntegratedGradients(layer=layer, quadrature="left", steps=4)
    assert_same(method, subject, inputs, expected)


@pytest.mark.parametrize("rule", ["riemann_middle", "riemann_right"])
def test_internal_influence(subject, inputs, embeds, forward, rule):
    expected = captum.attr.InternalInfluence(forward, block(subject, 0)).attribute(
        embeds, baselines=torch.zeros_like(embeds), n_steps=4, method=rule
    )
    quadrature = {"riemann_middle": "midpoint", "riemann_right": "right"}[rule]
    method = whence.methods.IntegratedGradients(layer=0, quadrature=quadrature, steps=4, multiply_by_inputs=False)
    assert_same(method, subject, inputs, expected)


class Replayed:
    """Torch's normal numbers, as whence draws them for an input's tokens."""

    def __init__(self, embeds, level):
        self.spread = level * (embeds.amax(-1, keepdim=True) - embeds.amin(-1, keepdim=True))

    def __call__(self, mean, std):
        draws, *shape = std.shape
        normal = [np.random.default_rng([0, draw, 2]).standard_normal(shape) for draw in range(draws)]
        return mean + self.spread * torch.from_numpy(np.stack(normal))


NOISE = {
    "smoothgrad": (whence.methods.SmoothGrad, FORMS["norm"]),
    "vargrad": (whence.methods.VarGrad, FORMS["signed"]),
    "smoothgrad_sq": (whence.methods.SquareGrad, FORMS["signed"]),
}


@pytest.mark.parametrize("kind", NOISE)
def test_noise_tunnel(subject, inputs, embeds, forward, kind, monkeypatch):
    monkeypatch.setattr(torch, "normal", Replayed(embeds[0], 0.3))
    tunnel = captum.attr.NoiseTunnel(captum.attr.Saliency(forward))
    expected = tunnel.attribute(embeds, nt_type=kind, nt_samples=4, nt_samples_batch_size=4, abs=False)
    method, reduced = NOISE[kind]
    assert_same(method(method="saliency", samples=4, noise=0.3), subject, inputs, expected, reduced)


def test_gradient_shap(subject, inputs, embeds, forward, monkeypatch):
    """From one baseline, with captum's random points of the way set to whence's."""
    alphas = np.array([np.random.default_rng([0, sample, 1]).uniform() for sample in range(4)])
    monkeypatch.setattr(np.random, "uniform", lambda low, high, size: alphas)
    expected = captum.attr.GradientShap(forward).attribute(
        embeds, baselines=torch.zeros_like(embeds), n_samples=4, stdevs=0.0
    )
    assert_same(whence.methods.GradientSHAP(samples=4, baseline="zero"), subject, inputs, expected)
