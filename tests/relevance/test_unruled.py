"""An operation with no rule that carries relevance is never passed over in silence."""

import warnings

import pytest
import torch
from torch import nn

import tiny
import whence
from whence.relevance import attribute, rules


class Odd(nn.Module):
    """Applies one function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def draw():
    return torch.linspace(0.5, 2.5, 6, dtype=torch.float64).requires_grad_()


UNKNOWN = {
    "cumprod": lambda x: torch.cumprod(x, dim=0),
    "variance": lambda x: x.var() * torch.ones(3, dtype=x.dtype),
    "cosine": lambda x: torch.nn.functional.cosine_similarity(x[:3], x[3:], dim=0),
    "log_softmax": lambda x: torch.log_softmax(x, dim=0),
    "determinant": lambda x: torch.linalg.det(x.reshape(2, 3)[:, :2]),
}


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("rule_set", ["attnlrp", "cp_lrp", "ah_ln", "lrp_epsilon"])
def test_it_is_warned_of_with_its_module(name, rule_set):
    if (name, rule_set) == ("variance", "lrp_epsilon"):
        pytest.skip("its own gradient is what LRP-ε means for a normalisation's parts")
    x = draw()
    with rules(rule_set):
        y = Odd(UNKNOWN[name])(x).sum()
    with pytest.warns(whence.WhenceWarning, match=rf"in Odd carries relevance and has no rule in '{rule_set}'"):
        attribute(y, x)


def test_it_is_warned_of_once():
    x, odd = draw(), Odd(UNKNOWN["cumprod"])
    with rules("attnlrp"):
        y = odd(odd(odd(x))).sum()
    with pytest.warns(whence.WhenceWarning) as told:
        attribute(y, x)
    assert len(told) == 1
    assert "cumprod" in str(told[0].message)


def test_strict_makes_it_an_error():
    x = draw()
    with rules("attnlrp", strict=True):
        y = Odd(UNKNOWN["cumprod"])(x).sum()
    with pytest.raises(whence.UnsupportedError, match="cumprod in Odd"):
        attribute(y, x)


def test_behind_a_constant_it_carries_nothing_and_is_not_told_of():
    x = draw()
    with rules("attnlrp", strict=True):
        y = (x / torch.cumprod(x, dim=0)).sum()
    attribute(y, x)
    with rules("cp_lrp", strict=True):
        y = (torch.softmax(torch.cumprod(x, dim=0), dim=0) * x).sum()
    assert attribute(y, x).sum().item() == pytest.approx(y.item())


def test_linear_and_selecting_functions_are_not_told_of():
    x = draw()
    with rules("attnlrp", strict=True), warnings.catch_warnings():
        warnings.simplefilter("error")
        y = torch.cat([x.reshape(2, 3).T.flatten().roll(1), x.cumsum(0), x.max()[None], x.sort()[0], -x[1:3]])
        z = torch.nn.functional.avg_pool1d(torch.where(y > 1, y, 2 * y)[None], 3)
        w = torch.zeros(4, dtype=x.dtype).index_add_(0, torch.tensor([1, 2]), x[:2])
        total = z.sum() + w.sum() + x.masked_fill(x > 2, 0).mean() + x.norm()
    assert attribute(total, x).sum().item() == pytest.approx(total.item())


def explained(method):
    """A prediction of a model whose head multiplies its inputs up."""
    model, tokenizer = tiny.bert_classifier()
    inner = model.classifier
    model.classifier = Odd(lambda x: inner(torch.cumprod(x, dim=-1)))
    return whence.explain((model, tokenizer), "The film was good", method=method)


@pytest.mark.parametrize("name", ["cp_lrp", "attnlrp"])
def test_a_method_is_strict_if_asked(name):
    method = whence.registry.resolve("methods", name)
    with pytest.raises(whence.UnsupportedError, match="cumprod in Odd"):
        explained(method(strict=True))
    with pytest.warns(whence.WhenceWarning, match="cumprod in Odd"):
        record = explained(method())
    assert record.params["strict"] is False
