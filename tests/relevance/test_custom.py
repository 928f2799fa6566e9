"""A custom autograd function is given the identity rule if it is element-wise, and told of if it is not."""

import pytest
import torch

import whence
from whence.relevance import attribute, rules


class Squared(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 2 * x * gradient


class Mixed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x.roll(1)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * x.roll(1) + (gradient * x).roll(-1)


def draw():
    return torch.linspace(-2, 2.5, 6, dtype=torch.float64).requires_grad_()


def test_an_element_wise_one_passes_relevance_unchanged():
    x = draw()
    with rules("attnlrp", strict=True):
        y = Squared.apply(x) * 1.0
    torch.testing.assert_close(attribute(y.sum(), x), (x**2).detach())


def test_rows_share_one_backward_pass():
    x = draw()
    with rules("attnlrp"):
        y = Squared.apply(x) * 1.0
    rows = torch.autograd.grad(y, x, torch.eye(6, dtype=x.dtype), is_grads_batched=True)[0]
    torch.testing.assert_close(rows * x, torch.diag(x.detach() ** 2))


def test_one_that_mixes_is_told_of():
    x = draw()
    with rules("attnlrp"):
        y = (Mixed.apply(x) * 1.0).sum()
    with pytest.warns(whence.WhenceWarning, match="custom autograd function Mixed"):
        attribute(y, x)


def test_outside_the_rules_it_keeps_its_gradient():
    x = draw()
    with rules("attnlrp"):
        Squared.apply(x) * 1.0
    torch.testing.assert_close(torch.autograd.grad(Squared.apply(x).sum(), x)[0], 2 * x.detach())
