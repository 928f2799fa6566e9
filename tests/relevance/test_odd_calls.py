"""A rule never changes a value, and no way of calling an operation gets past it."""

import math

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

import whence
from whence.relevance import attribute, rules
from whence.relevance.lrp_epsilon import LRPEpsilon

RULE_SETS = ["attnlrp", "cp_lrp", "ah_ln", "lrp_epsilon"]


@pytest.fixture(autouse=True)
def seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def draw(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


@pytest.mark.filterwarnings("ignore:.*has no rule")
@pytest.mark.parametrize("rule_set", RULE_SETS)
@pytest.mark.parametrize("tracked", [True, False])
def test_batch_norm_in_training_is_torchs_own(rule_set, tracked):
    plain, ruled = (nn.BatchNorm2d(3, track_running_stats=tracked).double() for _ in range(2))
    x = draw(2, 3, 4, 4)
    expected = plain(x)
    with rules(rule_set):
        found = ruled(x)
    torch.testing.assert_close(found, expected)
    if tracked:
        torch.testing.assert_close(ruled.running_mean, plain.running_mean)


def test_batch_norm_keeps_the_precision_of_its_input():
    norm, x = nn.BatchNorm1d(6).eval(), torch.randn(4, 6, dtype=torch.bfloat16, requires_grad=True)
    with rules("attnlrp"):
        assert norm(x).dtype == norm(x.detach()).dtype


INFINITE = torch.tensor([-math.inf, -1.0, 0.0, 2.0, math.inf], dtype=torch.float64)


@pytest.mark.parametrize("rule_set", RULE_SETS)
@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "tanh", "hardtanh", "sigmoid"])
def test_an_activation_of_infinity_is_torchs_own(name, rule_set):
    x = INFINITE.clone().requires_grad_()
    with rules(rule_set):
        y = getattr(F, name)(x)
    torch.testing.assert_close(y, getattr(F, name)(x))


@pytest.mark.parametrize("rule_set", RULE_SETS)
def test_a_product_with_infinity_is_torchs_own(rule_set):
    x, gate = draw(5), INFINITE.clone().requires_grad_()
    with rules(rule_set):
        y = (x + 1) * (gate * 1)
    torch.testing.assert_close(y, (x + 1) * gate)


BILINEAR = {
    "bilinear": lambda a, b: F.bilinear(a, b, torch.ones(2, 6, 6, dtype=a.dtype)),
    "addmv": lambda a, b: torch.addmv(a.new_zeros(6), a.T @ a, b[0]),
    "multiply": lambda a, b: a.multiply(b),
    "lerp": lambda a, b: torch.lerp(torch.zeros_like(a), a, b),
    "linear by name": lambda a, b: F.linear(a, weight=torch.ones(3, 6, dtype=a.dtype)) + b[:, :3],
}


@pytest.mark.parametrize("rule_set", ["cp_lrp", "ah_ln"])
@pytest.mark.parametrize("name", BILINEAR)
def test_products_by_other_names_conserve(name, rule_set):
    a, b = draw(4, 6), draw(4, 6)
    with rules(rule_set, strict=True):
        y = BILINEAR[name](a, b)
    torch.testing.assert_close(y, BILINEAR[name](a, b))
    assert sum(r.sum() for r in attribute(y.sum(), [a, b])).item() == pytest.approx(y.sum().item())


def test_kron_is_told_of():
    a = draw(2, 2)
    with rules("cp_lrp", strict=True):
        y = torch.kron(a, a).sum()
    with pytest.raises(whence.UnsupportedError, match="kron"):
        attribute(y, a)


@pytest.mark.parametrize(
    "call", [lambda x: torch.pow(2.0, x), lambda x: x.abs() ** x, lambda x: x.clamp(min=x.flip(0))]
)
def test_a_power_or_a_bound_that_is_computed_is_told_of(call):
    x = draw(5)
    with rules("attnlrp", strict=True):
        y = call(x).sum()
    with pytest.raises(whence.UnsupportedError, match="has no rule"):
        attribute(y, x)


def test_scaling_and_adding_in_one_call_is_linear_in_one():
    x = draw(5)
    with rules("attnlrp", strict=True):
        y = torch.addcmul(torch.zeros(5, dtype=x.dtype), x, torch.full((5,), 3.0, dtype=x.dtype))
    torch.testing.assert_close(attribute(y.sum(), x), 3 * x.detach())


@pytest.mark.parametrize("rule_set", RULE_SETS)
def test_linear_maps_take_their_weight_by_name(rule_set):
    x, weight, kernel = draw(2, 6), torch.randn(3, 6, dtype=torch.float64), torch.randn(1, 1, 3, dtype=torch.float64)
    with rules(rule_set, gamma=0.25):
        y = F.conv1d(F.linear(x, weight=weight)[:, None], weight=kernel, bias=torch.ones(1, dtype=x.dtype), padding=1)
    torch.testing.assert_close(
        y, F.conv1d(F.linear(x, weight)[:, None], kernel, torch.ones(1, dtype=x.dtype), padding=1)
    )


def test_a_chain_of_changes_in_place_is_one_activation():
    x, other = draw(6), draw(6)

    def chained(x):
        a = x * 2
        F.relu_(a)
        a.sigmoid_()
        return a * other.roll(1)

    def apart(x):
        return torch.sigmoid(F.relu(x * 2)) * other.roll(1)

    with rules("ah_ln"):
        found, expected = attribute(chained(x).sum(), [x, other]), attribute(apart(x).sum(), [x, other])
    torch.testing.assert_close(found, expected)


def test_what_live_numbers_are_written_into_is_live():
    parameter, layer, x = nn.Parameter(torch.zeros(3, 6).double()), nn.Linear(6, 6, bias=False).double(), draw(2, 3, 6)
    with rules("cp_lrp"):
        h = (parameter * 0).expand(2, -1, -1).clone()
        h[:] = layer(x)
        y = (F.gelu(h) * h.roll(1, -1)).sum()
    assert attribute(y, x).sum().item() == pytest.approx(y.item())


def test_a_complex_modulus_is_torchs_own():
    x = draw(4, 2)
    with rules("attnlrp"):
        y = torch.view_as_complex(x).abs()
    torch.testing.assert_close(attribute(y.sum(), x).sum(), y.sum())


def test_a_parameter_cannot_be_explained():
    parameter = nn.Parameter(torch.ones(3))
    with rules("attnlrp"):
        y = F.silu(parameter).sum()
    with pytest.raises(whence.InputError, match=r"nn\.Parameter"):
        attribute(y, parameter)


def test_what_rules_hold_constant_is_said():
    x = draw(5)
    with rules("cp_lrp"):
        y = torch.softmax(x, 0)[0]
    with pytest.raises(whence.InputError, match="hold constant"):
        attribute(y, x)


@pytest.mark.parametrize(("options", "epsilon"), [({}, 1e-6), ({"gamma": 0.25}, 1e-6), ({"epsilon": 0.5}, 0.5)])
def test_gamma_leaves_a_rule_set_its_own_epsilon(options, epsilon):
    assert rules("lrp_epsilon", **options).rule_set.epsilon == epsilon


def test_epsilon_zero_is_none():
    x, weight = torch.full((1, 1), 1e-3, dtype=torch.float64).requires_grad_(), torch.full((1, 1), 1e-3).double()
    shares = []
    for method in (LRPEpsilon(), LRPEpsilon(epsilon=0.0)):
        with method.mode():
            y = F.linear(x, weight).sum()
        shares.append((attribute(y, x).sum() / y).item())
    assert shares == pytest.approx([0.5, 1.0])
