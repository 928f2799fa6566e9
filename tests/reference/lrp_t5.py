"""Relevance carried from one logit of a T5's decoder back to its source tokens and to its target prefix."""

import numpy as np

from .forward_t5 import t5_forward
from .lrp import gated_mlp, one_logit
from .messages import add_rule, attention_rule, linear_rule, rms_norm_rule
from .primitives import join_heads, split_heads, weights


def lrp_t5(model, ids, decoder_ids, position, index, rules, absorbed):
    """``(R of the encoder's word embeddings, R of the decoder's)``, both (T, d), for one logit of the decoder."""
    trace = t5_forward(model, ids, decoder_ids)
    r = one_logit(trace["logits"], position, index)
    read = trace["head_scale"] * trace["decoder"]["normed"]  # scaling hands R on unchanged
    r = linear_rule(read, *weights(model.lm_head), r, absorbed, rules.epsilon)
    r_encoded = np.zeros_like(trace["word"])
    r_decoder = _stack(model.decoder, trace["decoder"], r, trace["encoder"]["normed"], r_encoded, rules, absorbed)
    return _stack(model.encoder, trace["encoder"], r_encoded, None, None, rules, absorbed), r_decoder


def _stack(stack, trace, r, encoded, r_encoded, rules, absorbed):
    """To the stack's embeddings; what cross-attention reads from ``encoded`` is added to ``r_encoded``."""
    r = rms_norm_rule(trace["last"], stack.final_layer_norm, r, rules, absorbed)
    for t, block in reversed(list(zip(trace["layers"], stack.block, strict=True))):
        feed, self_layer = block.layer[-1], block.layer[0]
        r_middle, r_mlp = add_rule(t["middle"], t["mlp"], r)
        dense = feed.DenseReluDense
        mlp = weights(dense.wi_0), weights(dense.wi_1), weights(dense.wo)
        r_norm2 = gated_mlp(t["norm2"], t["product"], *mlp, r_mlp, rules, absorbed)
        r = r_middle + rms_norm_rule(t["middle"], feed.layer_norm, r_norm2, rules, absorbed)

        if encoded is not None:
            cross = block.layer[1]
            r, r_crossed = add_rule(t["before_cross"], t["crossed"], r)
            r_q, r_k, r_v = _attention(cross.EncDecAttention, t["cross"], r_crossed, rules, absorbed)
            r_norm = _projection(cross.EncDecAttention.q, t["norm_cross"], r_q, rules, absorbed)
            r = r + rms_norm_rule(t["before_cross"], cross.layer_norm, r_norm, rules, absorbed)
            r_encoded += _projection(cross.EncDecAttention.k, encoded, r_k, rules, absorbed)
            r_encoded += _projection(cross.EncDecAttention.v, encoded, r_v, rules, absorbed)

        attention = self_layer.SelfAttention
        r_x, r_attended = add_rule(t["x"], t["attended"], r)
        r_qkv = _attention(attention, t["self"], r_attended, rules, absorbed)
        r_norm1 = np.zeros_like(t["norm1"])
        for part, module in zip(r_qkv, (attention.q, attention.k, attention.v), strict=True):
            r_norm1 += _projection(module, t["norm1"], part, rules, absorbed)
        r = r_x + rms_norm_rule(t["x"], self_layer.layer_norm, r_norm1, rules, absorbed)
    return r


def _attention(module, t, r, rules, absorbed):
    r_mixed = linear_rule(t["mixed"], *weights(module.o), r, absorbed, rules.epsilon)
    return attention_rule(t, split_heads(r_mixed, len(t["q"])), rules, absorbed)


def _projection(module, x, r_heads, rules, absorbed):
    return linear_rule(x, *weights(module), join_heads(r_heads), absorbed, rules.epsilon)
