"""Linear maps, convolutions, sums, embeddings and activations under a rule set equal their literal twins."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from transformers.activations import ACT2FN

from reference.messages import RULES
from reference.ruled import array, assert_close, draw, flat, ruled, wide
from reference.units import affine, epsilon_rule, gamma_rule
from whence.relevance import RuleSet
from whence.relevance.operation_rules import linear


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


EPSILON, GAMMA = 0.1, 0.25
LINEAR = {
    "linear": (lambda: nn.Linear(5, 7), (3, 5)),
    "linear without bias": (lambda: nn.Linear(5, 7, bias=False), (3, 5)),
    "linear of one row": (lambda: nn.Linear(5, 7), (5,)),
}
CONVOLUTIONS = {
    "1-d": (lambda: nn.Conv1d(2, 3, 3), (2, 2, 6)),
    "1-d strided, padded": (lambda: nn.Conv1d(2, 3, 3, stride=2, padding=1), (1, 2, 7)),
    "1-d of one row": (lambda: nn.Conv1d(2, 3, 3), (2, 6)),
    "2-d": (lambda: nn.Conv2d(2, 3, 2), (2, 2, 4, 3)),
    "2-d without bias": (lambda: nn.Conv2d(2, 3, 2, bias=False), (1, 2, 4, 3)),
    "2-d patches": (lambda: nn.Conv2d(3, 4, 2, stride=2), (1, 3, 4, 4)),
    "2-d strided, padded": (lambda: nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 0)), (1, 2, 5, 4)),
    "2-d padded to the same size": (lambda: nn.Conv2d(1, 2, 3, padding="same"), (1, 1, 4, 4)),
    "2-d by channel": (lambda: nn.Conv2d(4, 4, 3, padding=1, groups=4), (1, 4, 3, 3)),
    "2-d dilated": (lambda: nn.Conv2d(1, 2, 2, dilation=2), (1, 1, 4, 5)),
}
AFFINE = {**LINEAR, **CONVOLUTIONS}
each_map = pytest.mark.parametrize(("make", "shape"), AFFINE.values(), ids=AFFINE)


def table(rule):
    return {"linear": rule, "convolution": rule}


def affine_and_relevance(make, shape, rule_set):
    module, x = wide(make()), draw(*shape)
    m, b = affine(module, x)
    (found,), r = ruled(rule_set, module, x)
    return found, (flat(x), m, b, r)


@each_map
@pytest.mark.parametrize("rule_set", RULES)
def test_rule_sets(make, shape, rule_set):
    found, values = affine_and_relevance(make, shape, rule_set)
    assert_close(found, epsilon_rule(*values, RULES[rule_set].epsilon))


@each_map
def test_epsilon(make, shape):
    found, values = affine_and_relevance(make, shape, RuleSet("epsilon", table(linear(epsilon=EPSILON))))
    assert_close(found, epsilon_rule(*values, EPSILON))


@each_map
def test_gamma(make, shape):
    found, values = affine_and_relevance(make, shape, RuleSet("gamma", table(linear(gamma=GAMMA))))
    assert_close(found, gamma_rule(*values, GAMMA))


def test_epsilon_follows_the_sign():
    """z = (2, −2), R = z: the stabiliser enlarges either by 0.1, so both inputs keep 2/2.1 of the relevance."""
    layer, x = nn.Linear(2, 2, bias=False).double(), torch.ones(1, 2, dtype=torch.float64, requires_grad=True)
    layer.weight.data = torch.tensor([[2.0, 0.0], [0.0, -2.0]], dtype=torch.float64)
    (found,), r = ruled(RuleSet("epsilon", table(linear(epsilon=EPSILON))), layer, x)
    assert_close(found, r * 2 / 2.1)


def test_gamma_of_a_sum_that_cancels():
    """z = 3 − 1 = 2: R_1 = 3 (1 + γ) / (2 + 3γ), R_2 = −1 / (2 + 3γ); for −z the same numbers."""
    layer, x = nn.Linear(2, 2, bias=False).double(), torch.ones(1, 2, dtype=torch.float64, requires_grad=True)
    layer.weight.data = torch.tensor([[3.0, -1.0], [0.0, 0.0]], dtype=torch.float64)
    for sign in (1, -1):
        layer.weight.data[0] *= sign
        rule_set = RuleSet("gamma", table(linear(gamma=GAMMA)))
        (found,), r = ruled(rule_set, lambda x: layer(x)[:, :1], x)
        assert_close(found, [3 * (1 + GAMMA) / (2 + 3 * GAMMA) * r[0], -1 / (2 + 3 * GAMMA) * r[0]])


def test_gamma_of_zero_is_epsilon():
    for make, shape in AFFINE.values():
        found, values = affine_and_relevance(make, shape, RuleSet("gamma", table(linear(gamma=0.0))))
        assert_close(found, epsilon_rule(*values))


WEIGHT, OFFSET = torch.randn(5, 7, dtype=torch.float64), torch.randn(7, dtype=torch.float64)
CONSTANT = {
    "matmul": lambda x: x @ WEIGHT + OFFSET,
    "torch.matmul": lambda x: torch.matmul(x, WEIGHT),
    "from the left": lambda x: WEIGHT.T @ x.T,
    "addmm": lambda x: torch.addmm(OFFSET, x, WEIGHT),
    "baddbmm": lambda x: torch.baddbmm(OFFSET[None, None], x[None], WEIGHT[None]),
    "einsum": lambda x: torch.einsum("ti,ij->tj", x, WEIGHT) + OFFSET,
    "F.linear": lambda x: F.linear(x, WEIGHT.T, OFFSET),
    "mean": lambda x: x.mean(dim=0) + 1.0,
    "product with a constant": lambda x: x * WEIGHT[0, 0] / 3 - OFFSET[:5],
    "transposed convolution": lambda x: F.conv_transpose1d(x[None], WEIGHT[:3, :2, None].expand(3, 2, 2)),
}


@pytest.mark.parametrize("name", CONSTANT)
@pytest.mark.parametrize("rule_set", ["attnlrp", "cp_lrp", "ah_ln"])
def test_a_linear_map_however_it_is_written(name, rule_set):
    x = draw(3, 5)
    m, b = affine(CONSTANT[name], x)
    (found,), r = ruled(rule_set, CONSTANT[name], x)
    assert_close(found, epsilon_rule(flat(x), m, b, r))


@pytest.mark.parametrize("rule_set", RULES)
def test_a_residual_add_shares_in_proportion(rule_set):
    a, b = draw(3, 4), draw(3, 4)
    (found_a, found_b), r = ruled(rule_set, lambda a, b: a + b, a, b)
    assert_close(found_a, flat(a) / flat(a + b) * r)
    assert_close(found_b, flat(b) / flat(a + b) * r)


@pytest.mark.parametrize("rule_set", RULES)
def test_learned_positions_keep_their_share(rule_set):
    positions, kinds = wide(nn.Embedding(6, 4)), wide(nn.Embedding(2, 4))
    words, cls = draw(1, 3, 4), nn.Parameter(torch.randn(1, 1, 4, dtype=torch.float64))

    def embed(words):
        joined = torch.cat((cls.expand(len(words), -1, -1), words), dim=1)
        return joined + positions(torch.arange(4)) + kinds(torch.zeros(4, dtype=torch.long))

    (found,), r = ruled(rule_set, embed, words)
    r = r.reshape(4, 4)
    for t in range(3):
        for d in range(4):
            share = array(words)[0, t, d] / array(embed(words))[0, t + 1, d]
            assert found[t * 4 + d] == pytest.approx(share * r[t + 1, d], rel=1e-9)


ACTIVATIONS = {
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu, tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
    "torch.relu": torch.relu,
    "tensor.relu": lambda x: x.relu(),
    "tanh": torch.tanh,
    "tensor.tanh": lambda x: x.tanh(),
    "sigmoid": torch.sigmoid,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "softplus": F.softplus,
    "mish": F.mish,
    "hardswish": F.hardswish,
    "relu in place": lambda x: F.relu(x * 1.0, inplace=True),
    "module": nn.SiLU(),
    **{f"ACT2FN {name}": ACT2FN[name] for name in ("gelu_new", "gelu_fast", "quick_gelu", "relu2", "laplace", "mish")},
    "ACT2FN xielu": ACT2FN["xielu"].double(),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("rule_set", RULES)
def test_an_activation_hands_relevance_on(name, rule_set):
    x = draw(3, 8)
    (found,), r = ruled(rule_set, ACTIVATIONS[name], x)
    assert_close(found, r, 1e-8)
