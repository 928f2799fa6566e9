"""DeepLIFT on models: scores add up to the change of the target, whatever the model, the target and the baseline."""

import numpy as np
import pytest
import torch

import tiny
import tiny_images
import whence
from whence import Contrast, LogProb, Prob
from whence.methods import DeepLift
from whence.methods.run import Run

TEXTS = ["Paris is in France.", "The film was good", "I did not like"]
MODELS = {
    "gpt2": tiny.gpt2_lm,
    "llama": tiny.llama_lm,
    "mixtral": tiny.mixtral_lm,
    "bert": tiny.bert_classifier,
    "bert-masked-lm": tiny.bert_masked_lm,
    "t5": tiny.t5_seq2seq,
    "bart": tiny.bart_seq2seq,
    "vit": tiny.vit_classifier,
}
TARGETS = {
    "logit": None,
    "log-probability": LogProb(),
    "probability": Prob(),
    "difference": Contrast(0, 1),
    "function": lambda z: z[0] ** 2 / (1 + z[1].exp()) + z.softmax(-1).max(),
}


def data_of(name):
    if name == "vit":
        return [tiny_images.picture(size) for size in (13, 20)]
    return [f"[MASK] {text}" for text in TEXTS] if name == "bert-masked-lm" else TEXTS


def explained(name, method, target=None, data=None):
    subject = whence.load(MODELS[name]())
    inputs = [subject.encode(one) for one in (data_of(name) if data is None else data)]
    return method.explain(subject, inputs, target, Run())


def residuals(found):
    return np.concatenate([x.values - x.baseline_values - x.scores.sum(axis=1) for x in found])


@pytest.mark.parametrize("name", MODELS)
def test_scores_add_up_to_the_change_of_every_target(name):
    for unit, target in TARGETS.items():
        found = explained(name, DeepLift(strict=True), target)
        assert np.abs(residuals(found)).max() < 1e-9, unit
        assert any(np.abs(x.values - x.baseline_values).max() > 1e-3 for x in found)


@pytest.mark.parametrize("baseline", ["zero", "pad", "eos"])
def test_from_every_baseline(baseline):
    assert np.abs(residuals(explained("llama", DeepLift(baseline=baseline), LogProb()))).max() < 1e-9


def eos_value(name, found):
    """The explained logit of the first text with every token an end of text, by a plain call of the model."""
    subject = whence.load(MODELS[name]())
    ids = torch.full((1, found.scores.shape[1]), subject.tokenizer.eos_token_id)
    with torch.no_grad():
        return float(subject.model(input_ids=ids).logits[0, -1, found.readouts[0].output])


def test_the_baselines_value_is_the_models_own():
    (found,) = explained("llama", DeepLift(baseline="eos"), data=TEXTS[:1])
    assert found.baseline_values[0] == pytest.approx(eos_value("llama", found))
    assert found.cost.forwards == 2


def test_experts_chosen_otherwise_are_the_residual():
    """The multipliers are those between the input and the baseline sent to the input's experts; the rest is told."""
    (found,) = explained("mixtral", DeepLift(baseline="eos"), data=TEXTS[:1])
    assert found.baseline_values[0] == pytest.approx(eos_value("mixtral", found))
    assert found.cost.forwards == 3
    assert np.abs(residuals([found])).max() > 0.1


def test_a_text_that_is_its_baseline_gets_nothing():
    subject = whence.load(tiny.gpt2_lm())
    record = whence.explain(subject, "<|endoftext|><|endoftext|>", method=DeepLift(baseline="eos"))
    assert not record.scores.any()
    assert record.targets[0].value == record.targets[0].baseline_value


def test_a_word_that_differs_and_matters_gets_a_score_and_no_other():
    """Sensitivity, on a model that adds up a number a word: the whole change is its word's."""
    subject = whence.FakeSubject({"good": [-1.0, 2.0], "not": [3.0, -0.5]}, labels=("negative", "positive"))
    record = whence.explain(subject, "a good film , not", method=DeepLift(), target="positive")
    assert record.scores[0].tolist() == [0.0, 2.0, 0.0, 0.0, -0.5]


def test_where_the_gradient_saturates_the_change_is_still_found():
    """A probability close to 1 is flat, and yet it is what it is because of the words."""
    subject = whence.FakeSubject({"good": [-30.0, 30.0]}, labels=("negative", "positive"))
    gradient, change = (
        whence.explain(subject, "a good film", method=method, target=Prob("positive"))
        for method in ("input_x_gradient", "deeplift")
    )
    assert abs(gradient.scores).max() < 1e-6
    assert change.scores[0].tolist() == pytest.approx([0, 0.5, 0])


def test_an_unknown_baseline_is_refused():
    with pytest.raises(whence.InputError, match="Unknown baseline 'average'"):
        DeepLift(baseline="average")
    with pytest.raises(whence.InputError, match="strict"):
        DeepLift(strict="yes")
    with pytest.raises(whence.UnsupportedError, match="has no mask token"):
        explained("gpt2", DeepLift(baseline="mask"))


def test_a_target_without_a_rule_is_told_of():
    with pytest.warns(whence.WhenceWarning, match=r"cumprod .* has no rule in 'deeplift'"):
        explained("gpt2", DeepLift(), lambda z: z.cumprod(-1)[3])
    with pytest.raises(whence.UnsupportedError, match="has no rule"):
        explained("gpt2", DeepLift(strict=True), lambda z: z.cumprod(-1)[3])


def test_half_precision_is_finite():
    subject = whence.load(tiny.llama_lm(dtype=torch.bfloat16))
    record = whence.explain(subject, TEXTS[0], method=DeepLift())
    assert np.isfinite(record.scores).all()
    assert abs(record.residual[0]) < 0.2 * abs(record.targets[0].value - record.targets[0].baseline_value)
