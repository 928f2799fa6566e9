"""Relevance carried from one logit of a ViT classifier back to its pixels."""

import numpy as np

from .forward_vit import vit_forward
from .lrp import mlp_rule, one_logit
from .messages import add_rule, attention_rule, constant_rule, convolution_rule, count, layer_norm_rule, linear_rule
from .primitives import array, join_heads, split_heads, weights


def lrp_vit(model, pixels, index, rules, absorbed):
    """R of every pixel and channel, (C, H, W), for the logit of class ``index``."""
    trace = vit_forward(model, pixels)
    core = model.vit
    r = one_logit(trace["logits"], 0, index)
    r_first = linear_rule(trace["first"], *weights(model.classifier), r, absorbed, rules.epsilon)
    r = np.zeros_like(trace["normed"])
    r[0] = r_first[0]
    r = layer_norm_rule(trace["last"], core.layernorm, r, rules, absorbed)
    for t, block in reversed(list(zip(trace["layers"], core.layers, strict=True))):
        r_middle, r_mlp = add_rule(t["middle"], t["mlp"], r)
        r_norm2 = mlp_rule(t, weights(block.mlp.fc1), weights(block.mlp.fc2), r_mlp, rules, absorbed)
        r_middle = r_middle + layer_norm_rule(t["middle"], block.layernorm_after, r_norm2, rules, absorbed)

        attention = block.attention
        r_x, r_attended = add_rule(t["x"], t["attended"], r_middle)
        r_mixed = linear_rule(t["mixed"], *weights(attention.o_proj), r_attended, absorbed, rules.epsilon)
        r_qkv = attention_rule(t, split_heads(r_mixed, len(t["q"])), rules, absorbed)
        r_norm1 = np.zeros_like(t["norm1"])
        for part, module in zip(r_qkv, (attention.q_proj, attention.k_proj, attention.v_proj), strict=True):
            r_norm1 += linear_rule(t["norm1"], *weights(module), join_heads(part), absorbed, rules.epsilon)
        r = r_x + layer_norm_rule(t["x"], block.layernorm_before, r_norm1, rules, absorbed)
    r = constant_rule(trace["joined"], trace["embedded"], r, absorbed, "positions")
    count(absorbed, "cls token", r[0].sum())
    projection = core.embeddings.patch_embeddings.projection
    w, b, grid = array(projection.weight), array(projection.bias), trace["grid"]
    r_grid = r[1:].T.reshape(grid.shape)
    return convolution_rule(pixels, grid, w, b, projection.stride, r_grid, absorbed, rules.epsilon)
