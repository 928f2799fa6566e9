"""Products, matrix products, softmax and attention equal their literal twins."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from transformers.activations import ACT2FN

from reference.messages import RULES, identity_rule, product_rule, softmax_rule, taylor_rule
from reference.ruled import array, assert_close, draw, flat, ruled
from reference.units import head_rule, matmul_rule

FROZEN = ("cp_lrp", "ah_ln")
LIVE = ("attnlrp", "lrp_epsilon")
UNGATED = ("attnlrp", "ah_ln", "lrp_epsilon")
each_rule_set = pytest.mark.parametrize("rule_set", RULES)


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


PRODUCTS = {
    "a * b": lambda a, b: a * b,
    "b * a": lambda a, b: b * a,
    "torch.mul": torch.mul,
    "tensor.mul": lambda a, b: a.mul(b),
    "in place": lambda a, b: (a * 1.0).mul_(b),
    "einsum": lambda a, b: torch.einsum("td,td->td", a, b),
}


@pytest.mark.parametrize("rule_set", UNGATED)
@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product(name, rule_set):
    a, b = draw(3, 4), draw(3, 4)
    found, r = ruled(rule_set, PRODUCTS[name], a, b)
    for one, expected in zip(found, product_rule(r, RULES[rule_set].gate), strict=True):
        assert_close(one, expected)


@pytest.mark.parametrize("rule_set", UNGATED)
def test_a_product_that_broadcasts_adds_up(rule_set):
    a, b = draw(3, 4), draw(3, 1)
    (found_a, found_b), r = ruled(rule_set, lambda a, b: a * b, a, b)
    to_a, to_b = product_rule(r.reshape(3, 4), RULES[rule_set].gate)
    assert_close(found_a, to_a)
    assert_close(found_b, to_b.sum(axis=1))


GATES = {
    "silu": lambda a, b: F.silu(a) * b,
    "silu, second": lambda a, b: b * F.silu(a),
    "gelu": lambda a, b: F.gelu(a) * b,
    "relu": lambda a, b: torch.relu(a) * b,
    "module": lambda a, b: nn.SiLU()(a) * b,
    "module, chunked": lambda a, b: (lambda gate, up: nn.GELU()(gate) * up)(*torch.cat((a, b), -1).chunk(2, -1)),
    "sigmoid": lambda a, b: torch.sigmoid(a) * b,
    "gelu_new": lambda a, b: ACT2FN["gelu_new"](a) * b,
    "quick_gelu": lambda a, b: ACT2FN["quick_gelu"](a) * b,
    "silu, written out": lambda a, b: a * torch.sigmoid(a) * b,
    "silu, written out in place": lambda a, b: (a * 1.0).mul_(torch.sigmoid(a)).mul_(b),
    "product in place": lambda a, b: F.silu(a).mul_(b),
    "activation in place": lambda a, b: F.silu(a * 1.0, inplace=True) * b,
    "F.glu": lambda a, b: F.glu(torch.cat((b, a), -1), dim=-1),
}


@each_rule_set
@pytest.mark.parametrize("name", GATES)
def test_a_gate(name, rule_set):
    a, b = draw(3, 4), draw(3, 4)
    (found_a, found_b), r = ruled(rule_set, GATES[name], a, b)
    to_gate, to_other = product_rule(r, RULES[rule_set].gate)
    assert_close(found_a, identity_rule(to_gate))
    assert_close(found_b, to_other)


MATMULS = {
    "@": lambda a, b: a @ b,
    "torch.matmul": torch.matmul,
    "tensor.matmul": lambda a, b: a.matmul(b),
    "torch.mm": torch.mm,
    "bmm": lambda a, b: torch.bmm(a[None], b[None])[0],
    "baddbmm": lambda a, b: torch.baddbmm(torch.zeros(1, 3, 5).double(), a[None], b[None], beta=0)[0],
    "einsum": lambda a, b: torch.einsum("ji,ip->jp", a, b),
    "einsum, three letters": lambda a, b: torch.einsum("hji,hip->hjp", a[None], b[None])[0],
    "linear": lambda a, b: F.linear(a, b.T),
}


@pytest.mark.parametrize("rule_set", LIVE)
@pytest.mark.parametrize("name", MATMULS)
def test_a_matrix_product(name, rule_set):
    a, b = draw(3, 4), draw(4, 5)
    found, r = ruled(rule_set, MATMULS[name], a, b)
    for one, expected in zip(
        found, matmul_rule(array(a), array(b), r.reshape(3, 5), RULES[rule_set].weights), strict=True
    ):
        assert_close(one, expected)


SOFTMAXES = {
    "F.softmax": lambda x: F.softmax(x, dim=-1),
    "torch.softmax": lambda x: torch.softmax(x, -1),
    "tensor.softmax": lambda x: x.softmax(-1),
    "dtype": lambda x: F.softmax(x, dim=-1, dtype=torch.float64),
    "module": nn.Softmax(dim=-1),
    "other dimension": lambda x: F.softmax(x.T, dim=0).T,
}


@pytest.mark.parametrize("rule_set", LIVE)
@pytest.mark.parametrize("name", SOFTMAXES)
def test_softmax_is_taylor(name, rule_set):
    x = draw(3, 5)
    (found,), r = ruled(rule_set, SOFTMAXES[name], x)
    s = array(torch.softmax(x, -1))
    expected = [softmax_rule(row, p, r_row, {}) for row, p, r_row in zip(array(x), s, r.reshape(3, 5), strict=True)]
    assert_close(found, expected)


@pytest.mark.parametrize("rule_set", LIVE)
def test_softmax_is_taylor_by_its_jacobian(rule_set):
    """Proposition 3.1 is gradient × input of ``∂s_j/∂x_i = s_j (δ_ij - s_i)``."""
    x = draw(5)
    (found,), r = ruled(rule_set, lambda x: torch.softmax(x, -1), x)
    s = array(torch.softmax(x, -1))
    assert_close(found, taylor_rule(flat(x), s, np.diag(s) - np.outer(s, s), r, {}))


@pytest.mark.parametrize("masked", [float("-inf"), torch.finfo(torch.float64).min])
@pytest.mark.parametrize("rule_set", LIVE)
def test_masked_entries_of_a_softmax_receive_nothing(rule_set, masked):
    x, mask = draw(3, 3), torch.ones(3, 3, dtype=torch.bool).tril()
    (found,), r = ruled(rule_set, lambda x: torch.softmax(x.masked_fill(~mask, masked), -1), x)
    found, r = found.reshape(3, 3), r.reshape(3, 3)
    for j in range(3):
        seen = array(x)[j, : j + 1]
        assert_close(found[j, : j + 1], softmax_rule(seen, array(torch.softmax(x[j, : j + 1], -1)), r[j, : j + 1], {}))
        assert (found[j, j + 1 :] == 0).all()


T, K, D, H = 3, 4, 2, 2
SCALE = 0.7


def by_hand(q, k, v, mask=None, bias=0.0):
    scores = torch.matmul(q, k.transpose(-2, -1)) * SCALE + bias
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return torch.matmul(torch.softmax(scores, dim=-1), v)


def added_mask(q, k, v, mask):
    low = torch.zeros(mask.shape, dtype=torch.float64).masked_fill(~mask, torch.finfo(torch.float64).min)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=low, scale=SCALE)


MASK = torch.tensor([[1, 0, 0, 1], [1, 1, 0, 0], [0, 1, 1, 1]], dtype=torch.bool)
BIAS = torch.tensor(np.random.default_rng(1).normal(size=(H, T, K)))
ALL = torch.ones(T, K, dtype=torch.bool)
NONE = torch.zeros(H, T, K, dtype=torch.float64)
ATTENTIONS = {
    "by hand": (by_hand, ALL, NONE),
    "by hand, masked": (lambda q, k, v: by_hand(q, k, v, MASK), MASK, NONE),
    "by hand, bias": (lambda q, k, v: by_hand(q, k, v, bias=BIAS), ALL, BIAS),
    "sdpa": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=SCALE), ALL, NONE),
    "sdpa, bool mask": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, MASK, scale=SCALE), MASK, NONE),
    "sdpa, added mask": (lambda q, k, v: added_mask(q, k, v, MASK), MASK, NONE),
    "sdpa, bias": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, BIAS, scale=SCALE), ALL, BIAS),
    "sdpa, causal": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=SCALE),
        ALL.tril(),
        NONE,
    ),
}


@each_rule_set
@pytest.mark.parametrize("name", ATTENTIONS)
def test_attention(name, rule_set):
    function, seen, bias = ATTENTIONS[name]
    leaves = draw(H, T, D), draw(H, K, D), draw(H, K, D)
    found, r = ruled(rule_set, function, *leaves)
    heads = [
        head_rule(*(array(leaf)[h] for leaf in leaves), SCALE, array(seen), array(bias)[h], r_head, RULES[rule_set])
        for h, r_head in enumerate(r.reshape(H, T, D))
    ]
    for one, expected in zip(found, zip(*heads, strict=True), strict=True):
        assert_close(one, np.stack(expected))


@each_rule_set
def test_attention_with_a_sink(rule_set):
    sink, leaves = torch.tensor([0.3, -1.2], dtype=torch.float64), (draw(H, T, D), draw(H, K, D), draw(H, K, D))

    def attend(q, k, v):
        scores = torch.cat((q @ k.transpose(-2, -1) * SCALE, sink[:, None, None].expand(-1, T, 1)), dim=-1)
        return torch.softmax(scores, dim=-1)[..., :-1] @ v

    found, r = ruled(rule_set, attend, *leaves)
    heads = [
        head_rule(*(array(leaf)[h] for leaf in leaves), SCALE, array(ALL), NONE[h].numpy(), r_head, RULES[rule_set], s)
        for h, (r_head, s) in enumerate(zip(r.reshape(H, T, D), array(sink)[:, None], strict=True))
    ]
    for one, expected in zip(found, zip(*heads, strict=True), strict=True):
        assert_close(one, np.stack(expected))


@each_rule_set
def test_attention_with_shared_keys_and_the_usual_scale(rule_set):
    leaves = draw(1, 4, T, D), draw(1, 2, T, D), draw(1, 2, T, D)
    found, r = ruled(rule_set, lambda *qkv: F.scaled_dot_product_attention(*qkv, enable_gqa=True), *leaves)
    q, k, v = (array(leaf)[0] for leaf in leaves)
    expected = [np.zeros_like(part) for part in (q, k, v)]
    for h, r_head in enumerate(r.reshape(4, T, D)):
        seen, bias = np.ones((T, T), dtype=bool), np.zeros((T, T))
        parts = head_rule(q[h], k[h // 2], v[h // 2], D**-0.5, seen, bias, r_head, RULES[rule_set])
        for total, part, place in zip(expected, parts, (h, h // 2, h // 2), strict=True):
            total[place] += part
    for one, total in zip(found, expected, strict=True):
        assert_close(one, total)
