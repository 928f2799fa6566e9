"""What every method has: its parameters in the record, its stated cost, its needs."""

import json
from dataclasses import FrozenInstanceError, dataclass
from typing import ClassVar

import numpy as np
import pytest

import whence
from whence import InputError, NonFiniteError
from whence.baselines.random_scores import RandomScores
from whence.methods import Method
from whence.methods.base import Cost, Explanation
from whence.methods.values import target_values

METHODS = whence.methods


@dataclass(frozen=True)
class Given(Method):
    """Returns the scores it was given, of whatever kind."""

    scores: object = None
    inner: object = None

    key: ClassVar[str] = "given"
    family: ClassVar[str] = "baseline"
    caveat: ClassVar[str] = "For tests."

    def cost(self, tokens, rows):
        return Cost(1, 0)

    def _explain(self, subject, inputs, targets, run):
        values, readouts = target_values(subject, inputs, targets, run)
        scores = np.array(self.scores, dtype=np.float64)
        return [
            Explanation(rows, scores, value.numpy(), None, Cost(1, 0))
            for rows, value in zip(readouts, values, strict=True)
        ]


@pytest.fixture
def fake():
    return whence.FakeSubject({"good": [-1.0, 2.0]}, labels=("no", "yes"))


@pytest.mark.parametrize(
    ("method", "forwards", "backwards"),
    [
        (METHODS.AttnLRP(), 1, 3),
        (METHODS.InputXGradient(), 1, 3),
        (METHODS.IntegratedGradients(steps=20), 22, 60),
        (METHODS.LeaveOneOut(), 11, 0),
        (METHODS.RawAttention(), 1, 0),
        (METHODS.AttentionRollout(), 1, 0),
        (METHODS.RandomScores(), 1, 0),
    ],
    ids=lambda m: getattr(m, "key", m),
)
def test_stated_cost_of_ten_tokens_and_three_targets(method, forwards, backwards):
    assert method.cost(tokens=10, rows=3) == Cost(forwards, backwards)


def test_a_method_cannot_change():
    with pytest.raises(FrozenInstanceError):
        METHODS.IntegratedGradients().steps = 3


def test_parameters_are_recorded_as_plain_values(fake):
    method = Given(scores=((1.0,),), inner=METHODS.IntegratedGradients(steps=2))
    params = whence.explain(fake, "good", method=method).params
    assert params["inner"]["method"] == "integrated_gradients"
    assert params["inner"]["params"] | {"steps": 2, "baseline": "zero", "layer": None} == params["inner"]["params"]
    json.dumps(params)


def test_nested_parameters_are_recorded_as_plain_values(fake, tmp_path):
    record = whence.explain(fake, "good", method=Given(scores=((1.0,),), inner={"pair": (1, 2)}))
    record.save(tmp_path / "record")
    assert whence.Attribution.load(tmp_path / "record") == record


@pytest.mark.parametrize("bad", ["nan", "inf"])
def test_scores_that_are_no_numbers_are_never_returned(fake, bad):
    with pytest.raises(NonFiniteError, match="given: the scores came out NaN or infinite"):
        whence.explain(fake, "good", method=Given(scores=((bad,),)))


def test_scores_of_another_shape_are_refused(fake):
    with pytest.raises(InputError, match=r"shape \(1, 2\), wanted \(targets, tokens\) = \(1, 1\)"):
        whence.explain(fake, "good", method=Given(scores=((1.0, 2.0),)))


def test_a_method_is_called_on_one_encoded_input_or_several(fake):
    item = fake.encode("good")
    one = RandomScores()(fake, item)
    many = RandomScores()(fake, [item, item])
    assert isinstance(one, whence.Attribution)
    assert [record.scores.tolist() for record in many] == [one.scores.tolist()] * 2
    assert RandomScores()(fake, []) == []


def test_provenance_says_how(fake):
    found = whence.explain(fake, "good", method="leave_one_out", seed=5).provenance
    assert found["model"] == "fake"
    assert (found["seed"], found["forwards"], found["backwards"], found["generated"]) == (5, 2, 0, 0)
    assert found["seconds"] > 0
    assert set(found["versions"]) >= {"whence", "torch", "numpy", "python"}
    assert found["caveat"].startswith("Leave-one-out")
    assert (found["text"], found["scores_unit"]) == ("good", None)
    json.dumps(found, allow_nan=False)


def test_provenance_of_a_real_model_names_weights_and_tokenizer():
    import tiny

    found = whence.explain(whence.load(tiny.gpt2_lm()), "Paris is", method="random", max_new_tokens=2).provenance
    assert found["weights"].startswith("sha256:")
    assert found["tokenizer"].startswith("sha256:")
    assert (found["dtype"], found["device"], found["generated"]) == ("float64", "cpu", 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: METHODS.IntegratedGradients(steps=0), "at least 1, got 0"),
        (lambda: METHODS.IntegratedGradients(baseline="white"), "Unknown baseline 'white'. Known: auto, zero"),
        (lambda: METHODS.IntegratedGradients(quadrature="simpson"), "Unknown quadrature 'simpson'. Known: gauss"),
        (lambda: METHODS.LeaveOneOut(strategy="blank"), "Unknown strategy 'blank'. Known: auto, mask"),
    ],
)
def test_parameters_that_do_not_exist_are_refused_with_those_that_do(make, message, monkeypatch):
    import re

    import jaxtyping

    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(InputError, match=re.escape(message)):
        make()


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (METHODS.RawAttention(layer=7), "Layer 7 does not exist: the model has 1 attention layers"),
        (METHODS.RawAttention(layer=-2), "Layer -2 does not exist"),
        (METHODS.RawAttention(head=4), "Head 4 does not exist: the layer has heads 0 to 0"),
        (METHODS.IntegratedGradients(baseline="eos"), "fake has no eos token to use as a baseline"),
        (
            METHODS.LeaveOneOut(strategy="unk"),
            "fake has no unk token. Use one of: mask, delete, attention_mask, zero_embedding",
        ),
    ],
    ids=lambda m: getattr(m, "key", m),
)
def test_parameters_a_subject_lacks_are_refused(fake, method, message):
    with pytest.raises(whence.WhenceError, match=message):
        whence.explain(fake, "good", method=method)
