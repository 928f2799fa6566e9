"""Law 6: where a method claims completeness, scores and residual sum to value − baseline value."""

import numpy as np
import pytest

import whence
from cases import TEXTS, WRITERS, own_values
from laws import reads_one_token
from whence import Contrast, Logit, LogProb, Prob

TARGETS = {
    "logit": Logit(),
    "log-probability": LogProb(),
    "probability": Prob(),
    "logit difference": Contrast(0, 1),
    "function value": lambda logits: logits[0] ** 2 + logits[1],
}
OF_SEVERAL_OUTPUTS = ("logit difference", "function value")


@pytest.mark.parametrize("unit", TARGETS)
def test_scores_and_residual_sum_to_the_value(method, case, subject, texts, unit):
    if case == "bert-question-answering" and reads_one_token(method) and unit in OF_SEVERAL_OUTPUTS:
        with pytest.raises(whence.UnsupportedError, match="read at no single token"):
            whence.explain(subject, texts[2], method=method, target=TARGETS[unit])
        return
    record = whence.explain(subject, texts[2], method=method, target=TARGETS[unit])
    assert {target.unit for target in record.targets} == {unit}
    if not method.complete:
        assert record.residual is None
        return
    for row, target, residual in zip(record.scores, record.targets, record.residual, strict=True):
        explained = target.value - target.baseline_value
        assert float(row.sum(dtype=np.float64)) + float(residual) == pytest.approx(explained, rel=1e-5, abs=1e-6)


def test_value_is_the_models_own(method, case, subject, texts):
    record = whence.explain(subject, texts[1], method=method)
    assert [target.value for target in record.targets] == pytest.approx(own_values(case, TEXTS[1]), rel=1e-5)


def test_scores_keep_their_sign(method, case, subject, texts):
    if not method.signed:
        pytest.skip("the method says that its scores have no sign")
    if case == "bert-question-answering" and method.family == "attention":
        pytest.skip("a contrast of start and end is read at no single token")
    both = [whence.explain(subject, texts[0], method=method, target=Contrast(*pair)) for pair in ((0, 1), (1, 0))]
    assert any((record.scores < 0).any() for record in both) or case == "fake"


def test_units_are_named(method, case, subject, texts):
    record = whence.explain(subject, texts[1], method=method)
    assert record.unit == (method.scores_unit or "logit")
    if method.key != "vargrad" or case != "fake":
        assert record.share().unit != record.unit, "of a linear model, gradients do not vary, so there is no share"


@pytest.mark.cases(WRITERS)
def test_units_of_each_continuation_token(method, case, subject):
    record = whence.explain(subject, "Paris is", continuation=" in France", method=method, target=LogProb())
    assert {target.unit for target in record.targets} == {"log-probability"}
    assert all(target.value <= 0 for target in record.targets)
