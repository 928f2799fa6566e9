"""The forward pass of an encoder–decoder T5 1.1 in NumPy float64 (Raffel et al. 2020, section 2.1; Shazeer 2020)."""

import math

import numpy as np

from .forward import assert_same_logits
from .primitives import activate, array, attend, linear, rms_norm, split_heads, weights


def t5_forward(model, ids, decoder_ids):
    """RMSNorm → self-attention with a relative bias → residual; in the decoder RMSNorm → cross-attention → residual;
    RMSNorm → gated gelu_new MLP → residual. The tied head reads the decoder's last RMSNorm, scaled by d^-0.5.
    """
    words = array(model.shared.weight)
    trace = {"word": words[list(ids)], "decoder_word": words[list(decoder_ids)]}
    trace["encoder"] = _stack(model.encoder, trace["word"], None)
    trace["decoder"] = _stack(model.decoder, trace["decoder_word"], trace["encoder"]["normed"])
    trace["head_scale"] = model.config.d_model**-0.5 if model.config.scale_decoder_outputs else 1.0
    trace["logits"] = linear(trace["head_scale"] * trace["decoder"]["normed"], *weights(model.lm_head))
    assert_same_logits(model, trace["logits"], input_ids=ids, decoder_input_ids=decoder_ids)
    return trace


def _stack(stack, x, encoded):
    trace = {"layers": []}
    bias = relative_bias(stack, len(x))
    for block in stack.block:
        attention = block.layer[0]
        t = {"x": x, "norm1": rms_norm(x, attention.layer_norm)}
        t["self"] = _attention(attention.SelfAttention, t["norm1"], t["norm1"], bias, causal=encoded is not None)
        t["attended"] = linear(t["self"]["mixed"], *weights(attention.SelfAttention.o))
        x = t["before_cross"] = t["x"] + t["attended"]
        if encoded is not None:
            cross = block.layer[1]
            t["norm_cross"] = rms_norm(x, cross.layer_norm)
            t["cross"] = _attention(cross.EncDecAttention, t["norm_cross"], encoded, None, causal=False)
            t["crossed"] = linear(t["cross"]["mixed"], *weights(cross.EncDecAttention.o))
            x = x + t["crossed"]
        t["middle"] = x
        feed = block.layer[-1]
        t["norm2"] = rms_norm(x, feed.layer_norm)
        t["gate"] = linear(t["norm2"], *weights(feed.DenseReluDense.wi_0))
        t["up"] = linear(t["norm2"], *weights(feed.DenseReluDense.wi_1))
        t["product"] = activate(stack.config.dense_act_fn, t["gate"]) * t["up"]
        t["mlp"] = linear(t["product"], *weights(feed.DenseReluDense.wo))
        x = t["middle"] + t["mlp"]
        trace["layers"].append(t)
    trace["last"] = x
    trace["normed"] = rms_norm(x, stack.final_layer_norm)
    return trace


def _attention(module, x, read, bias, causal):
    """Queries from x, keys and values from what is read; scores are not scaled."""
    t = {"scale": 1.0, "causal": causal, "bias": bias}
    for name, source in (("q", x), ("k", read), ("v", read)):
        t[name] = split_heads(linear(source, *weights(getattr(module, name))), module.n_heads)
    attend(t)
    return t


def relative_bias(stack, length):
    """(H, T, T): the bias of head h for key i seen from query j, by the bucket of i − j; the first layer's, for all."""
    first = stack.block[0].layer[0].SelfAttention
    table = array(first.relative_attention_bias.weight)
    bias = np.zeros((table.shape[1], length, length))
    for j in range(length):
        for i in range(length):
            bias[:, j, i] = table[
                bucket(i - j, stack.is_decoder, len(table), stack.config.relative_attention_max_distance)
            ]
    return bias


def bucket(offset, causal, buckets, far):
    """Each small distance has a bucket of its own, larger ones share them logarithmically up to ``far``.

    An encoder keeps the second half of the buckets for keys after the query; a decoder sees none.
    """
    base, distance = 0, max(-offset, 0)
    if not causal:
        buckets, distance = buckets // 2, abs(offset)
        base = buckets if offset > 0 else 0
    exact = buckets // 2
    if distance < exact:
        return base + distance
    shared = int(math.log(distance / exact) / math.log(far / exact) * (buckets - exact))
    return base + min(exact + shared, buckets - 1)
