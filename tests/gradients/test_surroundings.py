"""Scores do not depend on what the caller's program has switched on around the call."""

import contextlib

import numpy as np
import pytest
import torch

import tiny
import whence

USE_GRADIENTS = ("input_x_gradient", "integrated_gradients", "attnlrp")
OFF = "gradients are not switched on for the call: torch's RuntimeError comes through"


@pytest.fixture
def subject():
    return whence.load(tiny.llama_lm())


@contextlib.contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


SURROUNDINGS = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "enable_grad": torch.enable_grad,
    "a default dtype": lambda: default_dtype(torch.bfloat16),
    "a default device": lambda: torch.device("meta"),
}


def cases():
    for method in whence.available("methods"):
        for name in SURROUNDINGS:
            yield pytest.param(method, name, id=f"{method}-{name}")


@pytest.mark.parametrize(("method", "name"), list(cases()))
def test_scores_are_the_same(subject, method, name):
    expected = whence.explain(subject, "Paris is in", method=method)
    with SURROUNDINGS[name]():
        found = whence.explain(subject, "Paris is in", method=method)
    assert np.array_equal(found.scores, expected.scores)
    assert found.targets == expected.targets


@pytest.mark.parametrize("method", whence.available("methods"))
def test_the_callers_gradient_switch_is_left_alone(subject, method):
    whence.explain(subject, "Paris is in", method=method)
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
