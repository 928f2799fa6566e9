"""Normalisations, however they are written, equal their literal twins: divisor held, or Taylor of the whole."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from reference.messages import RULES
from reference.ruled import array, assert_close, draw, flat, ruled, wide
from reference.units import (
    affine,
    deviation,
    epsilon_rule,
    length,
    normalisation_rule,
    root_mean_square,
    root_of_variance,
)

EPS, N = 1e-3, 6
each_rule_set = pytest.mark.parametrize("rule_set", RULES)


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def mean_square(x):
    return x.pow(2).mean(-1, keepdim=True)


def centred(x):
    return x - x.mean(-1, keepdim=True)


ROOT_MEAN_SQUARE = {
    "F.rms_norm": lambda x: F.rms_norm(x, (N,), eps=EPS),
    "torch.rms_norm": lambda x: torch.rms_norm(x, (N,), eps=EPS),
    "rsqrt": lambda x: x * torch.rsqrt(mean_square(x) + EPS),
    "tensor.rsqrt": lambda x: x * (mean_square(x) + EPS).rsqrt(),
    "rsqrt first": lambda x: torch.rsqrt(mean_square(x) + EPS) * x,
    "sqrt and division": lambda x: x / torch.sqrt(mean_square(x) + EPS),
    "tensor.sqrt and torch.div": lambda x: torch.div(x, (mean_square(x) + EPS).sqrt()),
    "power": lambda x: x * torch.pow(mean_square(x) + EPS, -0.5),
    "power operator": lambda x: x * (mean_square(x) + EPS) ** -0.5,
    "square operator": lambda x: x / ((x**2).mean(-1, keepdim=True) + EPS) ** 0.5,
    "square": lambda x: x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPS),
    "product with itself": lambda x: x * torch.rsqrt((x * x).mean(-1, keepdim=True) + EPS),
    "reciprocal": lambda x: x * (1 / torch.sqrt(mean_square(x) + EPS)),
    "in place": lambda x: (x * 1.0).mul_(torch.rsqrt(mean_square(x) + EPS)),
}
LENGTH = {
    "F.normalize": lambda x: F.normalize(x, dim=-1),
    "norm": lambda x: x / x.norm(dim=-1, keepdim=True),
    "norm, p and dim": lambda x: x / x.norm(p=2, dim=-1, keepdim=True),
    "linalg.norm": lambda x: x / torch.linalg.norm(x, dim=-1, keepdim=True),
    "linalg.vector_norm": lambda x: x / torch.linalg.vector_norm(x, dim=-1, keepdim=True),
    "norm, clamped": lambda x: x / x.norm(dim=-1, keepdim=True).clamp(min=1e-12),
    "norm, maximum": lambda x: x / torch.maximum(x.norm(dim=-1, keepdim=True), torch.tensor(1e-12).double()),
    "sum of squares": lambda x: x / (x * x).sum(-1, keepdim=True).sqrt(),
}
VARIANCE = {
    "F.layer_norm": lambda x: F.layer_norm(x, (N,), eps=EPS),
    "torch.layer_norm": lambda x: torch.layer_norm(x, (N,), eps=EPS),
    "mean of squares": lambda x: centred(x) * torch.rsqrt(mean_square(centred(x)) + EPS),
    "var": lambda x: centred(x) / torch.sqrt(x.var(-1, keepdim=True, unbiased=False) + EPS),
    "var, correction": lambda x: centred(x) * torch.rsqrt(torch.var(x, -1, keepdim=True, correction=0) + EPS),
    "var_mean": lambda x: by_var_mean(x),
}
DEVIATION = {
    "std": lambda x: centred(x) / (x.std(-1, keepdim=True) + EPS),
    "torch.std": lambda x: centred(x) / (torch.std(x, -1, keepdim=True) + EPS),
    "std_mean": lambda x: by_std_mean(x),
}
WAYS = {
    **{f"rms: {name}": (way, lambda x: root_mean_square(x, EPS)) for name, way in ROOT_MEAN_SQUARE.items()},
    **{f"length: {name}": (way, length) for name, way in LENGTH.items()},
    **{f"variance: {name}": (way, lambda x: root_of_variance(x, EPS)) for name, way in VARIANCE.items()},
    **{f"deviation: {name}": (way, lambda x: deviation(x, EPS, 1)) for name, way in DEVIATION.items()},
}


def by_var_mean(x):
    variance, mean = torch.var_mean(x, -1, keepdim=True, correction=0)
    return (x - mean) / torch.sqrt(variance + EPS)


def by_std_mean(x):
    std, mean = torch.std_mean(x, -1, keepdim=True)
    return (x - mean) / (std + EPS)


@each_rule_set
@pytest.mark.parametrize("with_weight", [False, True], ids=["bare", "weight and bias"])
@pytest.mark.parametrize("name", WAYS)
def test_a_normalisation_however_it_is_written(name, with_weight, rule_set):
    way, parts = WAYS[name]
    w, b = nn.Parameter(torch.randn(N).double()), nn.Parameter(torch.randn(N).double())
    x = draw(3, N)
    (found,), r = ruled(rule_set, (lambda x: w * way(x) + b) if with_weight else way, x)
    w, b = (array(w), array(b)) if with_weight else (np.ones(N), np.zeros(N))
    held = RULES[rule_set].divisor == "constant"
    expected = [
        normalisation_rule(row, *parts(row), w, b, r_row, held)
        for row, r_row in zip(array(x), r.reshape(3, N), strict=True)
    ]
    assert_close(found, expected, 1e-8)


@each_rule_set
@pytest.mark.parametrize("make", [nn.LayerNorm, nn.RMSNorm])
def test_a_norm_module(make, rule_set):
    norm, x = wide(make(N, eps=EPS)), draw(3, N)
    (found,), r = ruled(rule_set, norm, x)
    w, b = array(norm.weight), array(norm.bias) if hasattr(norm, "bias") else np.zeros(N)
    parts = root_of_variance if make is nn.LayerNorm else root_mean_square
    held = RULES[rule_set].divisor == "constant"
    expected = [
        normalisation_rule(row, *parts(row, EPS), w, b, r_row, held)
        for row, r_row in zip(array(x), r.reshape(3, N), strict=True)
    ]
    assert_close(found, expected)


@each_rule_set
def test_a_layer_norm_over_two_dimensions(rule_set):
    norm, x = wide(nn.LayerNorm((3, 2), eps=EPS)), draw(2, 3, 2)
    (found,), r = ruled(rule_set, norm, x)
    held = RULES[rule_set].divisor == "constant"
    expected = [
        normalisation_rule(row, *root_of_variance(row, EPS), flat(norm.weight), flat(norm.bias), r_row, held)
        for row, r_row in zip(array(x).reshape(2, 6), r.reshape(2, 6), strict=True)
    ]
    assert_close(found, expected)


@each_rule_set
def test_group_norm(rule_set):
    """Each group of channels is a row of its own, every channel with its weight and bias."""
    norm, x = wide(nn.GroupNorm(2, 4, eps=EPS)), draw(2, 4, 3)
    (found,), r = ruled(rule_set, norm, x)
    w, b = (np.repeat(array(each), 3).reshape(2, 6) for each in (norm.weight, norm.bias))
    held = RULES[rule_set].divisor == "constant"
    expected = np.zeros((2, 2, 6))
    rows, r = array(x).reshape(2, 2, 6), r.reshape(2, 2, 6)
    for n in range(2):
        for g in range(2):
            parts = root_of_variance(rows[n, g], EPS)
            expected[n, g] = normalisation_rule(rows[n, g], *parts, w[g], b[g], r[n, g], held)
    assert_close(found, expected)


@each_rule_set
@pytest.mark.parametrize(("make", "shape"), [(nn.BatchNorm1d, (2, 3, 4)), (nn.BatchNorm2d, (2, 3, 2, 2))])
def test_batch_norm_in_eval_mode_is_affine(make, shape, rule_set):
    """Its mean and divisor are stored, so it is ``w (x - m) / s + b`` channel by channel, whose constants absorb."""
    norm, x = wide(make(3)), draw(*shape)
    norm.running_mean.copy_(torch.randn(3)), norm.running_var.copy_(torch.rand(3) + 0.5)
    (found,), r = ruled(rule_set, norm, x)
    assert_close(found, epsilon_rule(flat(x), *affine(norm, x), r))


@each_rule_set
def test_a_sum_that_divides_is_held(rule_set):
    """``p = t / Σ t``, as routers have it: the identity, or Taylor ``R_i - p_i Σ_j R_j``."""
    t = torch.rand(3, 4, dtype=torch.float64).add_(0.1).requires_grad_()
    (found,), r = ruled(rule_set, lambda t: t / t.sum(-1, keepdim=True), t)
    p, r = array(t / t.sum(-1, keepdim=True)), r.reshape(3, 4)
    held = RULES[rule_set].divisor == "constant"
    assert_close(found, r if held else r - p * r.sum(axis=1, keepdims=True))
