"""`steps="auto"`: as many steps as the tolerance needs, for each target on its own."""

import numpy as np
import pytest

import tiny
import whence
from whence.methods import IntegratedGradients, SmoothGrad

PROMPT, TAIL = "Paris is in", " France. The quick"


@pytest.fixture(scope="module")
def gpt2():
    return whence.load(tiny.gpt2_lm())


def test_the_residual_is_under_the_tolerance_or_the_most_steps_are_taken(gpt2):
    method = IntegratedGradients(steps="auto", tolerance=1e-4, max_steps=64)
    record = whence.explain(gpt2, PROMPT, continuation=TAIL, method=method)
    steps = record.provenance["resolved"]["steps"]
    assert set(steps) <= {16, 32, 64}
    for target, residual, used in zip(record.targets, record.residual, steps, strict=True):
        share = abs(residual) / abs(target.value - target.baseline_value)
        assert share <= 1.001e-4 or used == 64


def test_each_row_is_that_of_its_own_number_of_steps(gpt2):
    """However many steps the others need: law 3."""
    method = IntegratedGradients(steps="auto", tolerance=1e-6, max_steps=64)
    record = whence.explain(gpt2, PROMPT, continuation=TAIL, method=method)
    steps = record.provenance["resolved"]["steps"]
    assert len(set(steps)) > 1, "the test wants rows that need different numbers of steps"
    for number in set(steps):
        fixed = whence.explain(gpt2, PROMPT, continuation=TAIL, method=IntegratedGradients(steps=number))
        rows = [row for row, used in enumerate(steps) if used == number]
        np.testing.assert_allclose(record.scores[rows], fixed.scores[rows], rtol=1e-6, atol=1e-9)


def test_the_cost_is_what_was_done_and_no_more_than_stated(gpt2):
    method = IntegratedGradients(steps="auto", tolerance=1e-6, max_steps=64)
    record = whence.explain(gpt2, PROMPT, continuation=TAIL, method=method)
    rows = record.provenance["resolved"]["steps"]
    assert record.provenance["backwards"] == sum(n for used in rows for n in (16, 32, 64) if n <= used)
    assert record.provenance["forwards"] == 2 + sum(n for n in (16, 32, 64) if n <= max(rows))
    stated = method.cost(len(record.tokens), len(rows))
    assert method.bounded
    assert record.provenance["forwards"] <= stated.forwards
    assert record.provenance["backwards"] <= stated.backwards
    assert not IntegratedGradients().bounded


def test_noise_wants_a_number_of_steps():
    with pytest.raises(whence.InputError, match="Give it a number of steps"):
        SmoothGrad(method=IntegratedGradients(steps="auto"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": "many"}, "'auto'.*got 'many'"),
        ({"tolerance": 0}, "above 0"),
        ({"max_steps": 8}, "at least 16"),
        ({"steps": "auto", "multiply_by_inputs": False}, "do not"),
    ],
    ids=str,
)
def test_bad_parameters_are_refused(options, message):
    with pytest.raises(whence.InputError, match=message):
        IntegratedGradients(**options)
