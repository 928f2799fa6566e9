"""The gradient engine: weighted sums over points, rows apart, whatever shares a batch."""

import numpy as np
import pytest
import torch

import tiny
import whence
from whence.gradients.engine import Point, weighted_gradients
from whence.methods import rows
from whence.methods.run import Run
from whence.methods.values import input_embeddings
from whence.targets import as_targets

TEXTS = ["Paris is in", "The quick brown fox", "Rome"]


@pytest.fixture
def subject():
    subject = whence.load(tiny.llama_lm())
    subject.model.requires_grad_(False)
    return subject


def plain_gradient(subject, inputs, embeds, index=None):
    leaf = embeds[None].clone().requires_grad_()
    logits = subject.model(inputs_embeds=leaf).logits[0, -1]
    return torch.autograd.grad(logits[index] if index is not None else logits.max(), leaf)[0][0]


def run_on(subject, points, **options):
    inputs = [subject.encode(text) for text in TEXTS]
    return weighted_gradients(subject, inputs, points(inputs), Run(**options), targets=as_targets(None))


def at_the_inputs(subject):
    return lambda inputs: [Point(i, 1.0, x.clone) for i, x in enumerate(input_embeddings(subject, inputs))]


def test_the_gradient_at_the_input_is_torchs_own(subject):
    for item, found in zip(map(subject.encode, TEXTS), run_on(subject, at_the_inputs(subject)), strict=True):
        embeds = subject.embed(torch.tensor(item.ids)[None])[0]
        torch.testing.assert_close(found.total[0], plain_gradient(subject, item, embeds))


@pytest.mark.parametrize("batch_size", ["auto", 1, 2, 7], ids=str)
def test_gradients_of_several_points_are_summed_with_their_weights(subject, batch_size):
    weights = [0.5, -2.0, 3.0]

    def scaled(inputs):
        embeds = input_embeddings(subject, inputs)
        return [Point(i, w, (lambda x=x, w=w: x * w)) for w in weights for i, x in enumerate(embeds)]

    inputs = [subject.encode(text) for text in TEXTS]
    readouts = [g.readouts for g in run_on(subject, at_the_inputs(subject))]
    found = weighted_gradients(subject, inputs, scaled(inputs), Run(batch_size=batch_size), readouts=readouts)
    for item, gradients in zip(inputs, found, strict=True):
        embeds = subject.embed(torch.tensor(item.ids)[None])[0]
        index = int(subject.model(inputs_embeds=embeds[None]).logits[0, -1].argmax())
        expected = sum(w * plain_gradient(subject, item, embeds * w, index) for w in weights)
        torch.testing.assert_close(gradients.total[0], expected)
        assert (gradients.cost.forwards, gradients.cost.backwards) == (3, 3)


@pytest.mark.parametrize("at_once", [1, 2, 7, 10_000])
def test_rows_taken_together_equal_rows_taken_alone(subject, monkeypatch, at_once):
    """However many rows share a vector-Jacobian product, of a batch of one or of several."""
    tails = [" France. The", " jumps", " is in Italy."]

    def scores(method):
        records = whence.explain(subject, TEXTS, continuation=tails, method=method)
        return [record.scores for record in records]

    expected = {method: scores(method) for method in ("input_x_gradient", "attnlrp")}
    monkeypatch.setattr(rows, "_TOKENS_AT_ONCE", at_once)
    for method, before in expected.items():
        for one, other in zip(scores(method), before, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("quadrature", ["gauss_legendre", "midpoint", "trapezoid"])
def test_integrated_gradients_of_many_steps_are_complete(quadrature):
    subject = whence.load(tiny.bert_classifier())
    method = whence.methods.IntegratedGradients(steps=200, quadrature=quadrature, baseline="mask")
    record = whence.explain(subject, "the film was good", method=method)
    explained = record.targets[0].value - record.targets[0].baseline_value
    assert abs(record.residual[0]) < 1e-2 * abs(explained)


def test_integrated_gradients_of_the_baseline_itself_are_zero():
    subject = whence.load(tiny.bert_classifier())
    record = whence.explain(
        subject, "[MASK] good", method=whence.methods.IntegratedGradients(steps=4, baseline="mask"), target="good"
    )
    mask = next(i for i, t in enumerate(record.tokens) if t.text == "[MASK]")
    assert record.scores[0, mask] == 0
    assert record.scores[0].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "at least 1, got 0"),
        ({"steps": 1, "quadrature": "trapezoid"}, "at least 2 steps"),
    ],
    ids=str,
)
def test_too_few_steps_are_refused(subject, options, message):
    with pytest.raises(whence.InputError, match=message):
        whence.explain(subject, "Paris", method=whence.methods.IntegratedGradients(**options))


@pytest.mark.parametrize("baseline", ["mask", "unk"])
def test_a_baseline_token_the_tokenizer_lacks_is_refused(subject, baseline):
    with pytest.raises(whence.UnsupportedError, match=f"no {baseline} token.*baseline='zero'"):
        whence.explain(subject, "Paris", method=whence.methods.IntegratedGradients(baseline=baseline))


def test_the_sum_over_many_points_is_not_rounded_at_each():
    """A thousand times a thousandth of a gradient is that gradient, in bfloat16 too."""
    subject = whence.load(tiny.llama_lm(dtype=torch.bfloat16))
    inputs, many = [subject.encode("Paris is in")], 1000
    (embeds,) = input_embeddings(subject, inputs)

    def total(count):
        points = [Point(0, 1 / count, embeds.clone)] * count
        readouts = [one.readouts] if count > 1 else None
        return weighted_gradients(subject, inputs, points, Run(), readouts, as_targets(5))[0]

    one = total(1)
    found, expected = total(many).total.double(), one.total.double()
    assert (found - expected).abs().max() < 0.02 * expected.abs().max()
