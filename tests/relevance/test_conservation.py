"""On real weights, what tokens receive and what the model's constants absorb is the value, whole."""

import numpy as np
import pytest

import whence
from assets import asset

TEXTS = ["A warm, funny and never too long film.", "I did not like the food, but the service was good."]


def assert_conserved(record, tolerance):
    absorbed = np.sum([np.zeros(len(record.targets)), *record.provenance["absorbed"].values()], axis=0)
    values = np.array([target.value for target in record.targets])
    np.testing.assert_allclose(record.scores.sum(axis=1) + absorbed, values, atol=tolerance * np.abs(values).max())


@pytest.mark.parametrize("method", ["cp_lrp", "ah_ln"])
@pytest.mark.parametrize("model", ["stories260k", "minilm-sst2", "bert-tiny-toxicity"])
def test_small_models(method, model):
    subject = whence.load(asset(model), device="cpu")
    for text in TEXTS:
        assert_conserved(whence.explain(subject, text, method=method), 1e-4)


@pytest.mark.parametrize("method", ["cp_lrp", "ah_ln"])
def test_smollm2(method, smollm2):
    text, tail = "The Eiffel Tower is located in the city of", " Paris, France"
    record = whence.explain(smollm2, text, method=method, continuation=tail)
    assert record.provenance["absorbed"] == {}
    assert_conserved(record, 1e-4)


@pytest.mark.parametrize("method", ["cp_lrp", "ah_ln"])
def test_an_encoder_decoder(method):
    subject = whence.load(asset("flan-t5-small"), device="cpu")
    text, tail = "translate English to German: The house is wonderful.", "Das Haus ist wunderbar."
    record = whence.explain(subject, text, method=method, continuation=tail)
    assert len(record.targets) == 5
    assert_conserved(record, 1e-4)


@pytest.mark.parametrize("method", ["cp_lrp", "ah_ln"])
@pytest.mark.parametrize("units", ["patch", 56])
def test_images(method, units):
    subject = whence.load(asset("dinov2-cifar10"), device="cpu")
    for picture in sorted(asset("data/cifar10").glob("*.png"))[:2]:
        assert_conserved(whence.explain(subject, picture, method=method, units=units), 1e-3)


def test_attnlrp_does_not_and_says_so():
    subject = whence.load(asset("stories260k"), device="cpu")
    record = whence.explain(subject, TEXTS[0], method="attnlrp")
    assert abs(record.residual[0]) > 1e-2


@pytest.mark.parametrize("method", ["attnlrp", "cp_lrp", "ah_ln"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-5), ("bfloat16", 0.05), ("float16", 0.01)])
def test_other_precisions_say_the_same(dtype, tolerance, method):
    text = "Once upon a time there was a little girl named"
    single = whence.explain(whence.load(asset("stories260k"), device="cpu"), text, method=method)
    other = whence.explain(whence.load(asset("stories260k"), device="cpu", dtype=dtype), text, method=method)
    np.testing.assert_allclose(other.scores, single.scores, atol=tolerance * np.abs(single.scores).max())
