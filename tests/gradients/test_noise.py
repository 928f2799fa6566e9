"""Noise methods: any gradient method inside, the noise said, and errors that shrink."""

import numpy as np
import pytest

import tiny
import whence
from whence.gradients.method import GradientMethod
from whence.methods import (
    GradientSHAP,
    InputXGradient,
    IntegratedGradients,
    Saliency,
    SmoothGrad,
    SquareGrad,
    VarGrad,
)
from whence.registry import loadable

NOISY = [SmoothGrad, VarGrad, SquareGrad]
WRAPPABLE = [name for name, one in loadable("methods").items() if issubclass(one, GradientMethod)]
QUICK = {"integrated_gradients": {"steps": 2}, "gradient_shap": {"samples": 2}, "sequential_ig": {"steps": 1}}
QUICK |= {name: {"steps": 2, "neighbours": 4} for name in ("discretized_ig", "udig")}


@pytest.fixture(scope="module")
def bert():
    return whence.load(tiny.bert_classifier())


@pytest.mark.parametrize("inner", WRAPPABLE)
@pytest.mark.parametrize("method", NOISY)
def test_every_gradient_method_can_be_wrapped(bert, method, inner):
    made = method(method=loadable("methods")[inner](**QUICK.get(inner, {})), samples=2)
    record = whence.explain(bert, "the film", method=made)
    assert record.scores.any()
    assert record.params["method"]["method"] == inner
    stated = made.cost(len(record.tokens), 1)
    assert (record.provenance["forwards"], record.provenance["backwards"]) == (stated.forwards, stated.backwards)


def test_little_noise_leaves_the_method_as_it_is(bert):
    for inner in (InputXGradient(), Saliency(), IntegratedGradients(steps=4)):
        smooth = whence.explain(bert, "the film", method=SmoothGrad(method=inner, samples=2, noise=1e-9))
        np.testing.assert_allclose(smooth.scores, whence.explain(bert, "the film", method=inner).scores, atol=1e-6)


def test_square_is_variance_and_squared_mean(bert):
    found = {
        method: whence.explain(bert, "the film", method=method(method=Saliency("norm"), samples=4)).scores
        for method in NOISY
    }
    np.testing.assert_allclose(found[SquareGrad], found[VarGrad] + found[SmoothGrad] ** 2, rtol=1e-5)


@pytest.mark.parametrize("made", [SmoothGrad, GradientSHAP])
def test_the_standard_error_is_that_of_means_over_seeds(bert, made):
    """Scores of many seeds scatter as the error of each says."""
    records = [whence.explain(bert, "the film", method=made(samples=4), seed=seed) for seed in range(16)]
    scatter = np.std([record.scores[0] for record in records], axis=0, ddof=1)
    said = np.mean([record.provenance["standard_error"][0] for record in records], axis=0)
    assert (np.abs(np.log(scatter / said)) < 0.6).all()


@pytest.mark.parametrize("form", ["norm", "absolute"])
def test_no_error_is_given_where_scores_are_no_means(bert, form):
    record = whence.explain(bert, "the film", method=SmoothGrad(method=Saliency(form), samples=3))
    assert "standard_error" not in record.provenance
    assert not SmoothGrad(method=Saliency(form)).signed
    assert SmoothGrad(method=Saliency("signed")).signed


def test_the_draws_of_many_inputs_come_in_groups(bert, monkeypatch):
    """So that memory does not grow with the number of inputs; the scores stay."""
    texts = ["the film", "the film was good", "good"]
    expected = [record.scores for record in whence.explain(bert, texts, method=SmoothGrad(samples=3))]
    monkeypatch.setattr("whence.gradients.method._BATCHES_AT_ONCE", 0)
    for record, scores in zip(whence.explain(bert, texts, method=SmoothGrad(samples=3)), expected, strict=True):
        np.testing.assert_allclose(record.scores, scores, rtol=1e-6)


@pytest.mark.parametrize("method", NOISY)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "leave_one_out"}, "got leave_one_out.*input_x_gradient"),
        ({"method": "smoothgrad"}, "got smoothgrad"),
        ({"method": 3}, "got 3"),
        ({"samples": 0}, "at least 1"),
        ({"noise": 0}, "above 0"),
        ({"noise": float("inf")}, "above 0"),
    ],
    ids=str,
)
def test_bad_parameters_are_refused(method, options, message):
    with pytest.raises(whence.InputError, match=message):
        method(**options)
