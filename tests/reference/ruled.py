"""Run one operation under a rule set, and read off the relevance of what went in and of what came out."""

import numpy as np
import torch
from torch import nn

from whence.relevance import rules


def draw(*shape):
    """A leaf of either sign, in float64, that carries a gradient."""
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def wide(module):
    """The module in float64 and eval mode, every parameter drawn."""
    for parameter in module.double().parameters():
        nn.init.normal_(parameter)
    return module.eval()


def ruled(rule_set, function, *leaves):
    """``([R of each leaf], R of the output)``: the output's relevance is drawn, with zero where the output is zero."""
    with rules(rule_set):
        y = function(*leaves)
    g = torch.randn_like(y)
    gradients = torch.autograd.grad(y, leaves, g, allow_unused=True, materialize_grads=True)
    return [flat(x * gradient) for x, gradient in zip(leaves, gradients, strict=True)], flat(y * g)


def flat(tensor):
    return array(tensor).flatten()


def array(tensor):
    return tensor.detach().numpy()


def assert_close(found, expected, tolerance=1e-9):
    expected = np.asarray(expected).reshape(found.shape)
    assert np.abs(found - expected).max() <= tolerance * max(1.0, np.abs(expected).max())
