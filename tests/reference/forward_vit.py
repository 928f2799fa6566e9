"""The forward pass of a ViT classifier in NumPy float64 (Dosovitskiy et al. 2021, equations 1-4)."""

import numpy as np

from .forward import assert_same_logits
from .primitives import activate, array, attend, convolution, layer_norm, linear, split_heads, weights


def vit_forward(model, pixels):
    """Patches by a convolution, behind a cls token, plus positions; LayerNorm → attention → residual; LayerNorm →
    gelu MLP → residual; LayerNorm; the cls token → classifier. ``pixels`` is (C, H, W), ``logits`` (1, classes).
    """
    core, config = model.vit, model.config
    tables, heads = core.embeddings, config.num_attention_heads
    projection = tables.patch_embeddings.projection
    patches = convolution(pixels, array(projection.weight), array(projection.bias), projection.stride)
    trace = {"pixels": pixels, "grid": patches, "patches": patches.reshape(len(patches), -1).T, "layers": []}
    trace["joined"] = np.concatenate([array(tables.cls_token)[0], trace["patches"]])
    x = trace["embedded"] = trace["joined"] + array(tables.position_embeddings)[0]
    for block in core.layers:
        attention = block.attention
        t = {"x": x, "scale": (config.hidden_size // heads) ** -0.5, "causal": False}
        t["norm1"] = layer_norm(x, block.layernorm_before)
        for name in ("q", "k", "v"):
            t[name] = split_heads(linear(t["norm1"], *weights(getattr(attention, f"{name}_proj"))), heads)
        attend(t)
        t["attended"] = linear(t["mixed"], *weights(attention.o_proj))
        t["middle"] = x + t["attended"]
        t["norm2"] = layer_norm(t["middle"], block.layernorm_after)
        t["hidden"] = linear(t["norm2"], *weights(block.mlp.fc1))
        t["active"] = activate(config.hidden_act, t["hidden"])
        t["mlp"] = linear(t["active"], *weights(block.mlp.fc2))
        x = t["middle"] + t["mlp"]
        trace["layers"].append(t)
    trace["last"] = x
    trace["normed"] = layer_norm(x, core.layernorm)
    trace["first"] = trace["normed"][:1]
    trace["logits"] = linear(trace["first"], *weights(model.classifier))
    assert_same_logits(model, trace["logits"], pixel_values=pixels)
    return trace
