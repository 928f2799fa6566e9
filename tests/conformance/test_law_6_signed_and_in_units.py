"""Law 6: where a method claims completeness, scores and residual sum to value − baseline value."""

import numpy as np
import pytest
import torch

import whence
from cases import LANGUAGE_MODELS, TEXTS
from whence import Contrast, Logit, LogProb, Prob

TARGETS = {
    "logit": Logit(),
    "log-probability": LogProb(),
    "probability": Prob(),
    "logit difference": Contrast(0, 1),
    "function value": lambda logits: logits[0] ** 2 + logits[1],
}


@pytest.mark.parametrize("unit", TARGETS)
def test_scores_and_residual_sum_to_the_value(method, case, subject, unit):
    record = whence.explain(subject, TEXTS[2], method=method, target=TARGETS[unit])
    assert [target.unit for target in record.targets] == [unit]
    if not method.complete:
        assert record.residual is None
        return
    for row, target, residual in zip(record.scores, record.targets, record.residual, strict=True):
        explained = target.value - target.baseline_value
        assert float(row.sum(dtype=np.float64)) + float(residual) == pytest.approx(explained, rel=1e-5, abs=1e-6)


def test_value_is_the_models_own(method, case, subject):
    record = whence.explain(subject, TEXTS[1], method=method)
    if case == "fake":
        value = sum(subject.exact(TEXTS[1], record.targets[0].label)) + subject.model.bias[1]
    else:
        ids = torch.tensor([subject.encode(TEXTS[1]).ids.tolist()])
        logits = subject.model(ids).logits
        value = (logits[0, -1] if logits.dim() == 3 else logits[0]).max().item()
    assert record.targets[0].value == pytest.approx(float(value), rel=1e-5)


def test_scores_keep_their_sign(method, case, subject):
    if method.family == "attention":
        pytest.skip("attention weights have no sign to keep")
    record = whence.explain(subject, TEXTS[2], method=method)
    assert (record.scores < 0).any() or case == "fake"


def test_units_are_named(method, case, subject):
    record = whence.explain(subject, TEXTS[1], method=method)
    assert record.unit == (method.scores_unit or "logit")
    assert record.share().unit != record.unit


@pytest.mark.cases(LANGUAGE_MODELS)
def test_units_of_each_continuation_token(method, case, subject):
    record = whence.explain(subject, "Paris is", continuation=" in France", method=method, target=LogProb())
    assert {target.unit for target in record.targets} == {"log-probability"}
    assert all(target.value <= 0 for target in record.targets)
