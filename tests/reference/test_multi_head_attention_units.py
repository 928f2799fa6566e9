"""torch's own attention modules, which call one fused function, equal the twin of their parts."""

import numpy as np
import pytest
import torch
from torch import nn

from reference.messages import RULES, add_rule, identity_rule
from reference.ruled import array, assert_close, draw, ruled, wide
from reference.units import epsilon_rule, head_rule, normalisation_rule, root_of_variance

T, K, D, H = 3, 4, 2, 2
WIDTH = H * D
each_rule_set = pytest.mark.parametrize("rule_set", RULES)


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def projections(layer):
    """``[(W, b)]`` of queries, keys and values."""
    if layer.in_proj_weight is None:
        ws = [array(w) for w in (layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight)]
    else:
        ws = np.split(array(layer.in_proj_weight), 3)
    return list(zip(ws, np.split(array(layer.in_proj_bias), 3), strict=True))


def forward_twin(layer, sources, seen, bias):
    """``(q, k, v)`` and the heads' outputs side by side, (T, WIDTH)."""
    q, k, v = (x @ w.T + b for x, (w, b) in zip(sources, projections(layer), strict=True))
    mixed = np.zeros_like(q)
    for h in range(H):
        head = slice(h * D, (h + 1) * D)
        scores = np.where(seen, D**-0.5 * q[:, head] @ k[:, head].T + bias, -np.inf)
        exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
        mixed[:, head] = exponentials / exponentials.sum(axis=1, keepdims=True) @ v[:, head]
    return (q, k, v), mixed


def backward_twin(layer, sources, seen, bias, r, rules):
    """R of the three sources, from that of the output, (T, WIDTH)."""
    qkv, mixed = forward_twin(layer, sources, seen, bias)
    out = array(layer.out_proj.weight), array(layer.out_proj.bias)
    r_mixed = rows_rule(mixed, *out, r, rules)
    r_qkv = [np.zeros_like(part) for part in qkv]
    for h in range(H):
        head = slice(h * D, (h + 1) * D)
        parts = head_rule(*(part[:, head] for part in qkv), D**-0.5, seen, bias, r_mixed[:, head], rules)
        for total, part in zip(r_qkv, parts, strict=True):
            total[:, head] += part
    return [
        rows_rule(x, w, b, r_part, rules) for x, (w, b), r_part in zip(sources, projections(layer), r_qkv, strict=True)
    ]


def rows_rule(x, w, b, r, rules):
    return np.stack([epsilon_rule(row, w, b, r_row, rules.epsilon) for row, r_row in zip(x, r, strict=True)])


SEEN, NO_BIAS = np.ones((T, T), dtype=bool), np.zeros((T, T))
BIAS = np.random.default_rng(1).normal(size=(T, T))
MASKS = {
    "none": ({}, SEEN, NO_BIAS),
    "bool": ({"attn_mask": torch.ones(T, T).triu(1).bool()}, np.tri(T, dtype=bool), NO_BIAS),
    "added": ({"attn_mask": torch.tensor(BIAS)}, SEEN, BIAS),
    "padding": ({"key_padding_mask": torch.tensor([[False, False, True]])}, SEEN * [True, True, False], NO_BIAS),
}


@each_rule_set
@pytest.mark.parametrize("need_weights", [True, False], ids=["weights", "no weights"])
@pytest.mark.parametrize("batch_first", [True, False], ids=["batch first", "batch second"])
@pytest.mark.parametrize("mask", MASKS)
def test_self_attention(mask, batch_first, need_weights, rule_set):
    options, seen, bias = MASKS[mask]
    layer = wide(nn.MultiheadAttention(WIDTH, H, batch_first=batch_first))
    x = draw(1, T, WIDTH) if batch_first else draw(T, 1, WIDTH)
    (found,), r = ruled(rule_set, lambda x: layer(x, x, x, need_weights=need_weights, **options)[0], x)
    rows = array(x).reshape(T, WIDTH)
    parts = backward_twin(layer, [rows] * 3, seen > 0, bias, r.reshape(T, WIDTH), RULES[rule_set])
    assert_close(found, sum(parts))


@each_rule_set
@pytest.mark.parametrize("need_weights", [True, False], ids=["weights", "no weights"])
def test_attention_to_another_text(need_weights, rule_set):
    """Keys and values from one other tensor; torch packs their projections."""
    layer = wide(nn.MultiheadAttention(WIDTH, H, batch_first=True))
    x, read = draw(1, T, WIDTH), draw(1, K, WIDTH)
    function = lambda x, read: layer(x, read, read, need_weights=need_weights)[0]  # noqa: E731
    (found, found_read), r = ruled(rule_set, function, x, read)
    seen, bias = np.ones((T, K), dtype=bool), np.zeros((T, K))
    sources = [array(x)[0], array(read)[0], array(read)[0]]
    r_q, r_k, r_v = backward_twin(layer, sources, seen, bias, r.reshape(T, WIDTH), RULES[rule_set])
    assert_close(found, r_q)
    assert_close(found_read, r_k + r_v)


@each_rule_set
@pytest.mark.parametrize("widths", [{}, {"kdim": 3, "vdim": 5}], ids=["one width", "three widths"])
def test_queries_keys_and_values_apart(widths, rule_set):
    layer = wide(nn.MultiheadAttention(WIDTH, H, batch_first=True, **widths))
    leaves = draw(1, T, WIDTH), draw(1, K, layer.kdim), draw(1, K, layer.vdim)
    found, r = ruled(rule_set, lambda *leaves: layer(*leaves)[0], *leaves)
    seen, bias = np.ones((T, K), dtype=bool), np.zeros((T, K))
    sources = [array(leaf)[0] for leaf in leaves]
    expected = backward_twin(layer, sources, seen, bias, r.reshape(T, WIDTH), RULES[rule_set])
    for one, part in zip(found, expected, strict=True):
        assert_close(one, part)


@each_rule_set
@pytest.mark.parametrize("trainable", [True, False])
def test_encoder_layer(trainable, rule_set):
    """``LayerNorm(m + W2 gelu(W1 m))`` with ``m = LayerNorm(x + attention(x))``, which eval mode may fuse."""
    rules = RULES[rule_set]
    options = {"dim_feedforward": 6, "dropout": 0.0, "activation": "gelu", "batch_first": True}
    layer = wide(nn.TransformerEncoderLayer(WIDTH, H, **options)).requires_grad_(trainable)
    x = draw(1, T, WIDTH)
    (found,), r = ruled(rule_set, layer, x)
    rows, attention = array(x)[0], layer.self_attn
    out = array(attention.out_proj.weight), array(attention.out_proj.bias)
    attended = forward_twin(attention, [rows] * 3, SEEN, NO_BIAS)[1] @ out[0].T + out[1]
    w1, b1, w2, b2 = (array(p) for line in (layer.linear1, layer.linear2) for p in (line.weight, line.bias))
    middle = normalised(rows + attended, layer.norm1)
    active = array(torch.nn.functional.gelu(torch.tensor(middle @ w1.T + b1)))
    mlp = active @ w2.T + b2

    r_middle, r_mlp = add_rule(middle, mlp, norm_rule(middle + mlp, layer.norm2, r.reshape(T, WIDTH), rules))
    r_active = rows_rule(active, w2, b2, r_mlp, rules)
    r_middle = r_middle + rows_rule(middle, w1, b1, identity_rule(r_active), rules)
    r_x, r_attended = add_rule(rows, attended, norm_rule(rows + attended, layer.norm1, r_middle, rules))
    assert_close(found, r_x + sum(backward_twin(attention, [rows] * 3, SEEN, NO_BIAS, r_attended, rules)), 1e-8)


def normalised(x, norm):
    centred = x - x.mean(axis=1, keepdims=True)
    return array(norm.weight) * centred / np.sqrt(x.var(axis=1, keepdims=True) + norm.eps) + array(norm.bias)


def norm_rule(x, norm, r, rules):
    w, b, held = array(norm.weight), array(norm.bias), rules.divisor == "constant"
    return np.stack(
        [
            normalisation_rule(row, *root_of_variance(row, norm.eps), w, b, r_row, held)
            for row, r_row in zip(x, r, strict=True)
        ]
    )
