"""An activation passes relevance unchanged, however it is written, and its value is the one torch gives."""

import math
import warnings

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from transformers.activations import ACT2FN

from whence.relevance import attribute, rules

WEIGHT = torch.sin(torch.arange(30.0, dtype=torch.float64)).reshape(6, 5)
BIAS = torch.cos(torch.arange(6.0, dtype=torch.float64))


def gelu_new(x):
    return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


def gelu_by_erf(x):
    return x * 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))


WRITTEN_OUT = {
    "gelu_new": (gelu_new, lambda x: F.gelu(x, approximate="tanh")),
    "gelu by erf": (gelu_by_erf, F.gelu),
    "quick_gelu": (lambda x: x * torch.sigmoid(1.702 * x), None),
    "x sigmoid(x)": (lambda x: x * torch.sigmoid(x), F.silu),
    "sigmoid(x) x": (lambda x: torch.sigmoid(x) * x, F.silu),
    "silu by exp": (lambda x: x / (1 + torch.exp(-x)), F.silu),
    "squared relu": (lambda x: torch.square(F.relu(x)), None),
    "squared relu by power": (lambda x: F.relu(x) ** 2, None),
    "squared relu by product": (lambda x: F.relu(x) * F.relu(x), None),
    "x tanh(softplus(x))": (lambda x: x * torch.tanh(F.softplus(x)), F.mish),
    "x relu6(x + 3) / 6": (lambda x: x * F.relu6(x + 3) / 6, F.hardswish),
    "leaky relu by clamp": (lambda x: torch.clamp(x, min=0) + 0.1 * torch.clamp(x, max=0), None),
    "constants last": (lambda x: (torch.sigmoid(x * 2.0) * x + x * 0.5) / 2.0, None),
}
IN_TORCH = {
    name: (getattr(F, name), getattr(F, name))
    for name in (
        "silu",
        "gelu",
        "relu",
        "relu6",
        "elu",
        "selu",
        "celu",
        "mish",
        "hardswish",
        "leaky_relu",
        "softsign",
        "tanh",
    )
}
ALL = IN_TORCH | WRITTEN_OUT
assert len(ALL) == len(IN_TORCH) + len(WRITTEN_OUT)


def relevance(function, x):
    with rules("attnlrp"):
        y = function(x)
    return attribute(y.sum(), x), y.detach()


def draw(dtype=torch.float64):
    x = torch.linspace(-4, 4, 61, dtype=torch.float64)
    return x[x.abs() > 1e-9].to(dtype).requires_grad_()


@pytest.mark.parametrize("name", ALL)
def test_relevance_of_each_number_is_kept(name):
    x = draw()
    found, y = relevance(ALL[name][0], x)
    torch.testing.assert_close(found, y, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", [name for name, (_, same) in WRITTEN_OUT.items() if same is not None])
def test_written_out_or_fused_is_the_same_to_what_lies_below(name):
    written, fused = WRITTEN_OUT[name]
    x = torch.linspace(-1, 2, 5, dtype=torch.float64).requires_grad_()
    of_written, _ = relevance(lambda x: written(F.linear(x, WEIGHT, BIAS)), x)
    of_fused, _ = relevance(lambda x: fused(F.linear(x, WEIGHT, BIAS)), x)
    torch.testing.assert_close(of_written, of_fused, rtol=1e-9, atol=1e-10)


DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


def ulps(found, expected):
    """The largest difference in units of the last place of the expected value."""
    place = torch.finfo(expected.dtype).eps * torch.exp2(torch.floor(torch.log2(expected.abs().double())))
    return ((found.double() - expected.double()).abs() / place.clamp_min(1e-300))[expected != 0].max().item()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ["silu", "gelu", "elu", "mish", "leaky_relu", "tanh"])
def test_the_value_is_torchs_own_to_one_unit_in_the_last_place(name, dtype):
    x = torch.tensor([-3.0, -1.1, -0.25, -1e-3, 1e-3, 0.1, 0.7, 2.5], dtype=torch.float64).to(dtype).requires_grad_()
    _, y = relevance(ALL[name][0], x)
    assert y.dtype == dtype
    assert ulps(y, ALL[name][0](x).detach()) <= 1


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ["quick_gelu", "gelu_new", "squared relu"])
def test_the_value_written_out_is_torchs_own_to_the_bit(name, dtype):
    x = torch.tensor([-3.0, -1.1, -0.25, 0.1, 0.7, 2.5], dtype=torch.float64).to(dtype).requires_grad_()
    _, y = relevance(ALL[name][0], x)
    tolerance = {} if dtype != torch.float16 else {"rtol": 2e-3, "atol": 1e-4}
    torch.testing.assert_close(y, ALL[name][0](x).detach(), **({"rtol": 0, "atol": 0} | tolerance))


AT_ZERO = ("silu", "relu", "squared relu", "x sigmoid(x)", "quick_gelu", "sigmoid", "exp")


def zero_cases():
    for name in AT_ZERO:
        for dtype in DTYPES:
            yield pytest.param(name, dtype, id=f"{name}-{dtype}")


@pytest.mark.parametrize(("name", "dtype"), list(zero_cases()))
def test_zero_is_no_special_case(name, dtype):
    functions = {"sigmoid": torch.sigmoid, "exp": torch.exp} | {n: f for n, (f, _) in ALL.items()}
    x = torch.zeros(3, dtype=dtype, requires_grad=True)
    found, y = relevance(functions[name], x)
    assert torch.equal(y, functions[name](x).detach())
    assert found.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("function", [torch.sigmoid, torch.exp], ids=lambda f: f.__name__)
def test_relevance_close_to_zero_keeps_its_sign_and_size(function, dtype):
    """f(0) is not 0 here, so that y/x grows without end: what keeps it finite must follow the sign of x."""
    close = {torch.float64: 1e-12, torch.float32: 1e-6}[dtype]
    x = torch.tensor([-10, -1, -0.5, 0.5, 1, 10], dtype=dtype).mul(close).requires_grad_()
    found, y = relevance(function, x)
    assert (found > 0).all()
    assert (found <= y).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_relevance_is_finite_at_the_ends_of_the_range(dtype):
    big = torch.finfo(dtype).max / 4
    x = torch.tensor([-big, -1e-30, 1e-30, 1e4, -1e4], dtype=dtype, requires_grad=True)
    found, y = relevance(F.silu, x)
    assert found.isfinite().all()
    assert y.isfinite().all()


def test_a_bias_written_out_absorbs_its_share_before_an_activation():
    """x W + b is the same written out as in nn.Linear: b is no part of the activation."""
    x = torch.linspace(-1, 2, 5, dtype=torch.float64).requires_grad_()
    expected, _ = relevance(lambda x: F.silu(F.linear(x, WEIGHT, BIAS)), x)
    found, _ = relevance(lambda x: F.silu(torch.addmm(BIAS, x[None], WEIGHT.T)), x)
    torch.testing.assert_close(found, expected)


def test_a_bias_added_afterwards_absorbs_its_share_before_an_activation():
    x = torch.linspace(-1, 2, 5, dtype=torch.float64).requires_grad_()
    expected, _ = relevance(lambda x: F.silu(F.linear(x, WEIGHT, BIAS)), x)
    found, _ = relevance(lambda x: F.silu(x @ WEIGHT.T + BIAS), x)
    torch.testing.assert_close(found, expected)


def test_functions_of_two_tensors_are_no_activation():
    """σ(a) ⊙ b is a gate: half of the relevance to each."""
    x = torch.linspace(-1, 2, 5, dtype=torch.float64).requires_grad_()
    a, b = WEIGHT, WEIGHT.flip(0)
    found, y = relevance(lambda x: torch.sigmoid(F.linear(x, a)) * F.linear(x, b), x)
    z = F.linear(x, a).detach()
    expected = x.detach() * ((y / 2 / z) @ a + (y / 2 / F.linear(x, b).detach()) @ b)
    torch.testing.assert_close(found, expected)


def test_glu_is_a_gate():
    x = torch.linspace(-1, 2, 6, dtype=torch.float64).requires_grad_()
    expected, _ = relevance(lambda x: x[:3] * torch.sigmoid(x[3:]), x)
    found, _ = relevance(F.glu, x)
    torch.testing.assert_close(found, expected)


def test_a_sum_in_place_is_a_sum():
    x = torch.linspace(-1, 2, 5, dtype=torch.float64).requires_grad_()
    square = WEIGHT[:5]

    def in_place(x):
        h = 2 * x
        h += F.linear(x, square)
        return h * x

    found, _ = relevance(in_place, x)
    expected, _ = relevance(lambda x: (2 * x + F.linear(x, square)) * x, x)
    torch.testing.assert_close(found, expected)


IN_PLACE = {
    "silu": lambda z: F.silu(z, inplace=True),
    "leaky_relu": lambda z: F.leaky_relu(z, 0.1, inplace=True),
    "module": nn.SiLU(inplace=True),
    "product": lambda z: z.mul_(torch.sigmoid(z.clone())),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_an_activation_in_place_passes_relevance_unchanged(name):
    fresh = F.silu if name != "leaky_relu" else lambda z: F.leaky_relu(z, 0.1)
    x = torch.linspace(-1, 2, 5, dtype=torch.float64).requires_grad_()
    found, y = relevance(lambda x: IN_PLACE[name](F.linear(x, WEIGHT)), x)
    expected, plain = relevance(lambda x: fresh(F.linear(x, WEIGHT)), x)
    torch.testing.assert_close(y, plain)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("function", [F.gelu, torch.sigmoid, torch.tanh], ids=lambda f: f.__name__)
def test_an_activation_called_by_keyword_passes_relevance_unchanged(function):
    x = draw()
    found, y = relevance(lambda x: function(input=x), x)
    torch.testing.assert_close(found, y)


def test_a_product_in_place_is_no_function_of_what_it_was():
    x = torch.linspace(-1, 2, 5, dtype=torch.float64).requires_grad_()
    square = WEIGHT[:5]

    def in_place(x):
        h = 2 * x
        h.mul_(F.linear(x, square))
        return h * x

    found, _ = relevance(in_place, x)
    expected, _ = relevance(lambda x: (2 * x * F.linear(x, square)) * x, x)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("rule_set", ["attnlrp", "cp_lrp", "ah_ln", "lrp_epsilon"])
@pytest.mark.parametrize("name", sorted(set(ACT2FN) - {"linear"}))
def test_every_activation_of_transformers_keeps_relevance(name, rule_set):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = ACT2FN[name].double().eval()
    x = torch.linspace(-3, 12, 40, dtype=torch.float64).requires_grad_()
    with rules(rule_set, strict=True):
        y = module(x)
    torch.testing.assert_close(attribute(y.sum(), x), y.detach(), rtol=1e-7, atol=1e-9)


def test_a_sum_of_activations_of_one_tensor_is_one():
    x = torch.linspace(-3, 3, 40, dtype=torch.float64).requires_grad_()
    with rules("attnlrp"):
        y = 0.5 * (1 + torch.erf(x))
    torch.testing.assert_close(attribute(y.sum(), x), y.detach(), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("square", [lambda x: x.pow(2), torch.square, lambda x: x * x, lambda x: x**2])
def test_without_a_rule_for_norms_a_power_keeps_its_gradient(square):
    x = draw()
    with rules("lrp_epsilon"):
        y = square(x).sum()
    torch.testing.assert_close(attribute(y, x), 2 * x.detach() ** 2)
