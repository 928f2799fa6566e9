"""Integrated gradients that do not add up say so."""

import warnings

import pytest

import tiny
import whence
from whence.methods import IntegratedGradients


def test_a_large_residual_is_warned_of():
    llama = whence.load(tiny.llama_lm())
    with pytest.warns(whence.WhenceWarning, match=r"not converged: the residual is up to \d+%") as caught:
        record = whence.explain(llama, "Paris is in France.", method=IntegratedGradients(steps=2))
    change = record.targets[0].value - record.targets[0].baseline_value
    assert f"{abs(record.residual[0] / change):.0%}" in str(caught[0].message)


def test_a_small_residual_is_not():
    gpt2 = whence.load(tiny.gpt2_lm())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record = whence.explain(gpt2, "Paris is in France.", method=IntegratedGradients(steps=64))
    assert abs(record.residual[0]) < 0.01
