"""The forward pass of Mixtral in NumPy float64: a Llama whose MLP is a mixture of experts (Jiang et al. 2024)."""

import numpy as np

from .forward import assert_same_logits, finish_rotary, rotary_attention
from .primitives import activate, array, linear, rotary_tables


def mixtral_forward(model, ids):
    """``y = Σ_e p_e E_e(x)`` over the top experts, p their softmax weights over all experts, divided by their sum.

    Section 2.1 of Jiang et al. 2024; ``E_e(x) = W2 (silu(W1 x) ⊙ W3 x)``. ``t["tokens"]`` has a dict for each token.
    """
    core, config = model.model, model.config
    cos, sin = rotary_tables(core, len(ids))
    x = array(core.embed_tokens.weight)[list(ids)]
    trace = {"word": x, "layers": []}
    for block in core.layers:
        t = rotary_attention(x, block, config, cos, sin)
        t["tokens"] = [mixture(row, block.mlp, config) for row in t["norm2"]]
        t["mlp"] = np.stack([token["mixed"] for token in t["tokens"]])
        x = t["middle"] + t["mlp"]
        t["out"] = x
        trace["layers"].append(t)
    finish_rotary(model, trace, x)
    assert_same_logits(model, trace["logits"], input_ids=ids)
    return trace


def mixture(row, mlp, config):
    """One token through the router and its experts; ``chosen`` is the experts' indices, best first."""
    router = array(mlp.gate.weight)
    token = {"scores": linear(row[None], router, None)[0]}
    exponentials = np.exp(token["scores"] - token["scores"].max())
    token["softmax"] = exponentials / exponentials.sum()
    token["chosen"] = sorted(range(len(router)), key=lambda e: -token["softmax"][e])[: config.num_experts_per_tok]
    total = sum(token["softmax"][e] for e in token["chosen"])
    token["experts"], token["mixed"] = [], np.zeros_like(row)
    for e in token["chosen"]:
        w1, w3, w2 = expert_weights(mlp.experts, e)
        gate, up = linear(row[None], w1, None), linear(row[None], w3, None)
        expert = {
            "share": token["softmax"][e] / total,
            "gate": gate,
            "up": up,
            "product": activate(config.hidden_act, gate) * up,
        }
        expert["out"] = linear(expert["product"], w2, None)
        token["mixed"] = token["mixed"] + expert["share"] * expert["out"][0]
        token["experts"].append(expert)
    return token


def expert_weights(experts, e):
    """``(W1, W3, W2)`` of expert e: gate, up and down, each (out, in)."""
    both = array(experts.gate_up_proj)[e]
    half = len(both) // 2
    return both[:half], both[half:], array(experts.down_proj)[e]
