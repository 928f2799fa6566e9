"""Relevance carried from one logit back to the tokens of Llama, Mixtral, GPT-2 and BERT by the rules of a rule set.

The values come from the forward passes, the rules from `messages`; here stands only which operation follows which.
Each function returns the relevance of every coordinate of every word embedding, (T, d): sum over d for the token.
"""

import numpy as np

from .forward import bert_forward, gpt2_forward, llama_forward
from .forward_mixtral import expert_weights, mixtral_forward
from .messages import (
    add_rule,
    attention_rule,
    constant_rule,
    identity_rule,
    layer_norm_rule,
    linear_rule,
    product_rule,
    renormalisation_rule,
    rms_norm_rule,
    rotation_rule,
    softmax_rule,
)
from .primitives import array, join_heads, split_heads, weights


def lrp_llama(model, ids, position, index, rules, absorbed):
    """For the logit ``index`` at ``position`` of a Llama; of a sequence classifier, the last position and the class."""
    trace = llama_forward(model, ids)
    r = _from_rotary_head(model, trace, position, index, rules, absorbed)
    for t, block in reversed(list(zip(trace["layers"], model.model.layers, strict=True))):
        r_middle, r_mlp = add_rule(t["middle"], t["mlp"], r)
        mlp = (weights(block.mlp.gate_proj), weights(block.mlp.up_proj), weights(block.mlp.down_proj))
        r_norm2 = gated_mlp(t["norm2"], t["product"], *mlp, r_mlp, rules, absorbed)
        r_middle = r_middle + rms_norm_rule(t["middle"], block.post_attention_layernorm, r_norm2, rules, absorbed)
        r = _rotary_attention(t, block, r_middle, rules, absorbed)
    return r


def lrp_mixtral(model, ids, position, index, rules, absorbed):
    """For the logit ``index`` at ``position`` of a Mixtral."""
    trace = mixtral_forward(model, ids)
    r = _from_rotary_head(model, trace, position, index, rules, absorbed)
    for t, block in reversed(list(zip(trace["layers"], model.model.layers, strict=True))):
        r_middle, r_mlp = add_rule(t["middle"], t["mlp"], r)
        r_norm2 = np.stack(
            [
                _mixture(token, row, block.mlp, r_row, rules, absorbed)
                for token, row, r_row in zip(t["tokens"], t["norm2"], r_mlp, strict=True)
            ]
        )
        r_middle = r_middle + rms_norm_rule(t["middle"], block.post_attention_layernorm, r_norm2, rules, absorbed)
        r = _rotary_attention(t, block, r_middle, rules, absorbed)
    return r


def lrp_gpt2(model, ids, position, index, rules, absorbed):
    """For the logit ``index`` at ``position`` of a GPT-2; classifiers as in `lrp_llama`."""
    trace = gpt2_forward(model, ids)
    core = model.transformer
    r = one_logit(trace["logits"], position, index)
    r = linear_rule(trace["normed"], *weights(trace["head"]), r, absorbed, rules.epsilon)
    r = layer_norm_rule(trace["last"], core.ln_f, r, rules, absorbed)
    for t, block in reversed(list(zip(trace["layers"], core.h, strict=True))):
        r_middle, r_mlp = add_rule(t["middle"], t["mlp"], r)
        r_norm2 = mlp_rule(t, weights(block.mlp.c_fc), weights(block.mlp.c_proj), r_mlp, rules, absorbed)
        r_middle = r_middle + layer_norm_rule(t["middle"], block.ln_2, r_norm2, rules, absorbed)

        r_x, r_attended = add_rule(t["x"], t["attended"], r_middle)
        r_mixed = linear_rule(t["mixed"], *weights(block.attn.c_proj), r_attended, absorbed, rules.epsilon)
        r_qkv = attention_rule(t, split_heads(r_mixed, len(t["q"])), rules, absorbed)
        r_flat = np.concatenate([join_heads(part) for part in r_qkv], axis=1)
        r_norm1 = linear_rule(t["norm1"], *weights(block.attn.c_attn), r_flat, absorbed, rules.epsilon)
        r = r_x + layer_norm_rule(t["x"], block.ln_1, r_norm1, rules, absorbed)
    return constant_rule(trace["word"], trace["embedded"], r, absorbed, "positions")


def lrp_bert(model, ids, position, index, rules, absorbed):
    """For the logit of class ``index`` of a BERT sequence classifier, whose logits have one row: position 0."""
    trace = bert_forward(model, ids)
    core = model.bert
    r = one_logit(trace["logits"], position, index)
    r = linear_rule(trace["tanh"], *weights(model.classifier), r, absorbed, rules.epsilon)
    r = identity_rule(r)  # tanh
    r_first = linear_rule(trace["first"], *weights(core.pooler.dense), r, absorbed, rules.epsilon)
    r = np.zeros_like(trace["word"])
    r[0] = r_first[0]
    for t, block in reversed(list(zip(trace["layers"], core.encoder.layer, strict=True))):
        r_sum = layer_norm_rule(t["sum2"], block.output.LayerNorm, r, rules, absorbed)
        r_middle, r_mlp = add_rule(t["middle"], t["mlp"], r_sum)
        mlp = weights(block.intermediate.dense), weights(block.output.dense)
        r_middle = r_middle + mlp_rule({**t, "norm2": t["middle"]}, *mlp, r_mlp, rules, absorbed)

        attention = block.attention.self
        r_sum = layer_norm_rule(t["sum1"], block.attention.output.LayerNorm, r_middle, rules, absorbed)
        r, r_attended = add_rule(t["x"], t["attended"], r_sum)
        dense = weights(block.attention.output.dense)
        r_mixed = linear_rule(t["mixed"], *dense, r_attended, absorbed, rules.epsilon)
        r_qkv = attention_rule(t, split_heads(r_mixed, len(t["q"])), rules, absorbed)
        for part, module in zip(r_qkv, (attention.query, attention.key, attention.value), strict=True):
            r = r + linear_rule(t["x"], *weights(module), join_heads(part), absorbed, rules.epsilon)
    r = layer_norm_rule(trace["embedded"], core.embeddings.LayerNorm, r, rules, absorbed)
    return constant_rule(trace["word"], trace["embedded"], r, absorbed, "positions")


def mlp_rule(t, inner, outer, r, rules, absorbed):
    """``outer(act(inner(norm2)))``."""
    r_active = linear_rule(t["active"], *outer, r, absorbed, rules.epsilon)
    return linear_rule(t["norm2"], *inner, identity_rule(r_active), absorbed, rules.epsilon)


def gated_mlp(x, product, gate, up, down, r, rules, absorbed):
    """``down(act(gate(x)) ⊙ up(x))``: the activated factor is the first of ``rules.gate``."""
    r_product = linear_rule(product, *down, r, absorbed, rules.epsilon)
    r_active, r_up = product_rule(r_product, rules.gate)
    r_x = linear_rule(x, *gate, identity_rule(r_active), absorbed, rules.epsilon)
    return r_x + linear_rule(x, *up, r_up, absorbed, rules.epsilon)


def one_logit(logits, position, index):
    """All of the relevance, the logit itself, at the one logit explained."""
    r = np.zeros_like(logits)
    r[position, index] = logits[position, index]
    return r


def _from_rotary_head(model, trace, position, index, rules, absorbed):
    r = one_logit(trace["logits"], position, index)
    r = linear_rule(trace["normed"], *weights(trace["head"]), r, absorbed, rules.epsilon)
    return rms_norm_rule(trace["last"], model.model.norm, r, rules, absorbed)


def _rotary_attention(t, block, r_middle, rules, absorbed):
    attention = block.self_attn
    r_x, r_attended = add_rule(t["x"], t["attended"], r_middle)
    r_mixed = linear_rule(t["mixed"], *weights(attention.o_proj), r_attended, absorbed, rules.epsilon)
    r_q, r_k, r_v = attention_rule(t, split_heads(r_mixed, len(t["q"])), rules, absorbed)
    r_q = rotation_rule(t["q_straight"], t["q"], t["cos"], t["sin"], r_q)
    r_k = rotation_rule(t["k_straight"], t["k"], t["cos"], t["sin"], r_k)
    r_norm1 = np.zeros_like(t["norm1"])
    for part, module in ((r_q, attention.q_proj), (r_k, attention.k_proj), (r_v, attention.v_proj)):
        r_norm1 += linear_rule(t["norm1"], *weights(module), join_heads(part), absorbed, rules.epsilon)
    return r_x + rms_norm_rule(t["x"], block.input_layernorm, r_norm1, rules, absorbed)


def _mixture(token, row, mlp, r, rules, absorbed):
    """One token's relevance through ``Σ_e p_e E_e(x)``, (d,), to x by the experts and, where p lives, by the router."""
    x, r_x = row[None], np.zeros_like(row)
    r_shares = np.zeros(len(token["chosen"]))
    ratio = np.divide(r, token["mixed"], out=np.zeros_like(r), where=token["mixed"] != 0)
    for k, (e, expert) in enumerate(zip(token["chosen"], token["experts"], strict=True)):
        r_share, r_out = product_rule(expert["share"] * expert["out"] * ratio, rules.mixing)
        r_shares[k] = r_share.sum()
        gate, up, down = ((w, None) for w in expert_weights(mlp.experts, e))
        r_x += gated_mlp(x, expert["product"], gate, up, down, r_out, rules, absorbed)[0]
    if rules.mixing[0] == 0:
        return r_x
    chosen = np.array([token["softmax"][e] for e in token["chosen"]])
    r_softmax = np.zeros_like(token["softmax"])
    r_softmax[token["chosen"]] = renormalisation_rule(chosen, r_shares, rules, absorbed)
    r_scores = softmax_rule(token["scores"], token["softmax"], r_softmax, absorbed)
    return r_x + linear_rule(x, array(mlp.gate.weight), None, r_scores[None], absorbed, rules.epsilon)[0]
