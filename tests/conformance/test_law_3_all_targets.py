"""Law 3: k continuation tokens give k rows, and each row is what a single-target call gives."""

import numpy as np
import pytest

import whence
from cases import NO_WRITERS, SEQ2SEQ, WRITERS, subject_of
from laws import OF_EVERY_OUTPUT, assert_equal, raw_scores
from whence.targets import Logit

PROMPT, TAIL = "Paris is in", " France. The quick brown fox"


@pytest.mark.cases(WRITERS)
def test_a_row_for_each_continuation_token(method, case, subject, tolerance):
    whole = subject.encode(PROMPT, continuation=TAIL)
    (rows,) = raw_scores(method, subject, [whole])
    ids = [*whole.ids.tolist(), whole.slots[-1].actual]
    first = whole.slots[0].index + 1
    assert len(rows) == len(whole.slots) == len(ids) - first
    for row, slot in zip(rows, whole.slots, strict=True):
        alone = subject.encode(PROMPT, continuation=ids[first : slot.index + 2])
        expected = raw_scores(method, subject, [alone])[0][-1]
        assert_equal(row[: len(expected)], expected, tolerance)
        assert not row[len(expected) :].any()


@pytest.mark.cases(WRITERS)
def test_a_row_equals_the_single_target_of_its_prompt(method, case, subject, tolerance):
    inputs = subject.encode(PROMPT, continuation=TAIL)
    (row,) = raw_scores(method, subject, [subject.encode(PROMPT)], Logit(inputs.slots[0].actual))
    expected = raw_scores(method, subject, [inputs])[0][0]
    assert_equal(row[0], expected[: row.shape[1]], tolerance)


@pytest.mark.cases(WRITERS)
def test_nothing_at_or_after_the_predicted_token_has_a_score(method, case, subject):
    record = whence.explain(subject, PROMPT, continuation=TAIL, method=method)
    for row, target in zip(record.scores, record.targets, strict=True):
        assert not row[target.position :].any()
        assert row[: target.position].any()


@pytest.mark.cases(NO_WRITERS + SEQ2SEQ)
def test_a_row_for_each_listed_target(method, case, subject, texts, tolerance):
    inputs = [subject.encode(texts[1])]
    (rows,) = raw_scores(method, subject, inputs, [0, 1])
    assert len(rows) == 2 * len(inputs[0].slots)
    for target in (0, 1):
        assert_equal(rows[target::2], raw_scores(method, subject, inputs, target)[0], tolerance)
    if case != "bert-question-answering" and (method.signed or case != "fake"):  # whose answer has two places
        assert np.array_equal(rows[0], rows[1]) == (method.key in OF_EVERY_OUTPUT)


@pytest.mark.parametrize(
    "budgeted",
    [
        whence.methods.KernelShap(samples=90, tolerance=0.3),
        whence.methods.Lime(samples=200, tolerance=0.3),
        whence.methods.PermutationShapley(samples=300, tolerance=0.3),
        whence.methods.PartitionShap(samples=13),
        whence.methods.IntegratedGradients(steps="auto", tolerance=0.01),
    ],
    ids=lambda method: method.key,
)
@pytest.mark.parametrize("name", ["bert", "llama"])
def test_a_row_ends_when_it_would_alone(budgeted, name):
    """Budgets and tolerances are of a row, whatever other rows are asked for."""
    subject = subject_of(name)
    inputs = [subject.encode("The film was good, and I did not like it.")]
    (rows,) = raw_scores(budgeted, subject, inputs, [0, 1, 2])
    for target in (0, 1, 2):
        assert_equal(rows[target : target + 1], raw_scores(budgeted, subject, inputs, target)[0], 1e-9)
