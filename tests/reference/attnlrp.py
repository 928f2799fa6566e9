"""AttnLRP as explicit messages: relevance carried from one logit back to the tokens, one operation at a time.

Achtibat et al. 2024, "AttnLRP: Attention-Aware Layer-Wise Relevance Propagation for Transformers" (ICML 2024). No
autograd and no gradient: every rule below takes the values of the forward pass (`forward.py`) and the relevance R of an
operation's output, and returns the relevance of its inputs. ε only guards a division by zero and follows the sign of
the denominator.

The relevance that tokens do not receive is swallowed on the way: by biases, by position and token-type embeddings, by
the softmax (whose rule does not conserve). Pass a dict as ``absorbed`` to have it counted by name; then
``logit = Σ scores + Σ absorbed``.
"""

import numpy as np

from .forward import array, bert_forward, gpt2_forward, join_heads, llama_forward, split_heads, weights

EPSILON = 1e-15


def attnlrp_llama(model, ids, position, token_id, absorbed=None):
    """T relevances for the logit ``token_id`` at ``position`` of a Llama.

    For a sequence classifier pass the last position and the class.
    """
    absorbed = {} if absorbed is None else absorbed
    trace = llama_forward(model, ids)
    r = _relevance_of_one_logit(trace["logits"], position, token_id)
    r = linear_rule(trace["normed"], *weights(trace["head"]), r, absorbed)
    r = identity_rule(r)  # the last RMSNorm
    for t, block in reversed(list(zip(trace["layers"], model.model.layers, strict=True))):
        attention, mlp = block.self_attn, block.mlp
        r_middle, r_mlp = add_rule(t["middle"], t["mlp"], r)
        r_product = linear_rule(t["product"], *weights(mlp.down_proj), r_mlp, absorbed)
        r_active, r_up = product_rule(r_product)
        r_gate = identity_rule(r_active)  # SiLU
        r_norm2 = linear_rule(t["norm2"], *weights(mlp.gate_proj), r_gate, absorbed)
        r_norm2 = r_norm2 + linear_rule(t["norm2"], *weights(mlp.up_proj), r_up, absorbed)
        r_middle = r_middle + identity_rule(r_norm2)  # RMSNorm

        r_x, r_attended = add_rule(t["x"], t["attended"], r_middle)
        r_mixed = linear_rule(t["mixed"], *weights(attention.o_proj), r_attended, absorbed)
        r_q, r_k, r_v = attention_rule(t, split_heads(r_mixed, len(t["q"])), absorbed)
        r_q = join_heads(rotation_rule(t["q_straight"], t["q"], t["cos"], t["sin"], r_q))
        r_k = join_heads(rotation_rule(t["k_straight"], t["k"], t["cos"], t["sin"], r_k))
        r_norm1 = linear_rule(t["norm1"], *weights(attention.q_proj), r_q, absorbed)
        r_norm1 = r_norm1 + linear_rule(t["norm1"], *weights(attention.k_proj), r_k, absorbed)
        r_norm1 = r_norm1 + linear_rule(t["norm1"], *weights(attention.v_proj), join_heads(r_v), absorbed)
        r = r_x + identity_rule(r_norm1)  # RMSNorm
    return r.sum(axis=1)


def attnlrp_gpt2(model, ids, position, token_id, absorbed=None):
    """T relevances for the logit ``token_id`` at ``position`` of a GPT-2; classifiers as in `attnlrp_llama`."""
    absorbed = {} if absorbed is None else absorbed
    trace = gpt2_forward(model, ids)
    core = model.transformer
    r = _relevance_of_one_logit(trace["logits"], position, token_id)
    r = linear_rule(trace["normed"], *weights(trace["head"]), r, absorbed)
    r = layer_norm_rule(trace["last"], core.ln_f, r, absorbed)
    for t, block in reversed(list(zip(trace["layers"], core.h, strict=True))):
        r_middle, r_mlp = add_rule(t["middle"], t["mlp"], r)
        r_active = linear_rule(t["active"], *weights(block.mlp.c_proj), r_mlp, absorbed)
        r_hidden = identity_rule(r_active)  # gelu_new
        r_norm2 = linear_rule(t["norm2"], *weights(block.mlp.c_fc), r_hidden, absorbed)
        r_middle = r_middle + layer_norm_rule(t["middle"], block.ln_2, r_norm2, absorbed)

        r_x, r_attended = add_rule(t["x"], t["attended"], r_middle)
        r_mixed = linear_rule(t["mixed"], *weights(block.attn.c_proj), r_attended, absorbed)
        r_qkv = attention_rule(t, split_heads(r_mixed, len(t["q"])), absorbed)
        r_flat = np.concatenate([join_heads(part) for part in r_qkv], axis=1)
        r_norm1 = linear_rule(t["norm1"], *weights(block.attn.c_attn), r_flat, absorbed)
        r = r_x + layer_norm_rule(t["x"], block.ln_1, r_norm1, absorbed)
    return _word_rule(trace, r, absorbed)


def attnlrp_bert(model, ids, class_id, absorbed=None):
    """T relevances for the logit of ``class_id`` of a BERT sequence classifier."""
    absorbed = {} if absorbed is None else absorbed
    trace = bert_forward(model, ids)
    core = model.bert
    r = _relevance_of_one_logit(trace["logits"], 0, class_id)
    r = linear_rule(trace["tanh"], *weights(model.classifier), r, absorbed)
    r = identity_rule(r)  # tanh
    r_first = linear_rule(trace["first"], *weights(core.pooler.dense), r, absorbed)
    r = np.zeros_like(trace["word"])
    r[0] = r_first[0]
    for t, block in reversed(list(zip(trace["layers"], core.encoder.layer, strict=True))):
        r_sum = layer_norm_rule(t["sum2"], block.output.LayerNorm, r, absorbed)
        r_middle, r_mlp = add_rule(t["middle"], t["mlp"], r_sum)
        r_active = linear_rule(t["active"], *weights(block.output.dense), r_mlp, absorbed)
        r_hidden = identity_rule(r_active)  # gelu
        r_middle = r_middle + linear_rule(t["middle"], *weights(block.intermediate.dense), r_hidden, absorbed)

        r_sum = layer_norm_rule(t["sum1"], block.attention.output.LayerNorm, r_middle, absorbed)
        r, r_attended = add_rule(t["x"], t["attended"], r_sum)
        r_mixed = linear_rule(t["mixed"], *weights(block.attention.output.dense), r_attended, absorbed)
        attention = block.attention.self
        r_qkv = attention_rule(t, split_heads(r_mixed, len(t["q"])), absorbed)
        for part, module in zip(r_qkv, (attention.query, attention.key, attention.value), strict=True):
            r = r + linear_rule(t["x"], *weights(module), join_heads(part), absorbed)
    r = layer_norm_rule(trace["embedded"], core.embeddings.LayerNorm, r, absorbed)
    return _word_rule(trace, r, absorbed)


def linear_rule(x, w, b, r, absorbed):
    """``R_i = Σ_j x_i w_ji R_j / (z_j + ε sign z_j)``, ``z = Wx + b``: the bias keeps its share (ε-rule, sec. 3.2)."""
    received = np.zeros_like(x)
    for t in range(x.shape[0]):
        z = w @ x[t] + (0.0 if b is None else b)
        ratio = r[t] / stabilised(z)
        for i in range(x.shape[1]):
            received[t, i] = x[t, i] * np.dot(w[:, i], ratio)
        if b is not None:
            _count(absorbed, "bias", np.dot(b, ratio))
    return received


def identity_rule(r):
    """``R_in = R_out``: element-wise activations (section 3.2) and RMSNorm (Proposition 3.4).

    RMSNorm is ``y_i = c w_i x_i`` with c taken as a constant: each output has one input, so the ε-rule is the identity.
    """
    return r


def layer_norm_rule(x, module, r, absorbed):
    """The ε-rule on ``y = Mx + b``, ``M_ji = c w_j (δ_ji - 1/n)``, with ``c = 1/sqrt(var + eps)`` taken as a constant.

    Proposition 3.4: only the normalising factor has the identity rule; centring, weight and bias are an affine map.
    """
    w, b, n = array(module.weight), array(module.bias), x.shape[1]
    received = np.zeros_like(x)
    for t in range(x.shape[0]):
        c = 1 / np.sqrt(x[t].var() + module.eps)
        m = np.zeros((n, n))
        for j in range(n):
            for i in range(n):
                m[j, i] = c * w[j] * ((1.0 if i == j else 0.0) - 1 / n)
        received[t] = linear_rule(x[t : t + 1], m, b, r[t : t + 1], absorbed)[0]
    return received


def add_rule(a, b, r):
    """``z = a + b``: ``R_a = a R / (z + ε sign z)`` and likewise ``R_b`` (ε-rule of a sum)."""
    ratio = r / stabilised(a + b)
    return a * ratio, b * ratio


def product_rule(r):
    """``z = a ⊙ b``, two live factors: half of R to each (uniform rule, Proposition 3.2)."""
    return r / 2, r / 2


def rotation_rule(x, rotated, cos, sin, r):
    """The ε-rule through the rotation of each pair (d, d + D/2) of coordinates, a linear map without bias."""
    received, half = np.zeros_like(x), x.shape[-1] // 2
    ratio = r / stabilised(rotated)
    for h in range(x.shape[0]):
        for t in range(x.shape[1]):
            for d in range(half):
                e = d + half
                received[h, t, d] = x[h, t, d] * (cos[t, d] * ratio[h, t, d] + sin[t, e] * ratio[h, t, e])
                received[h, t, e] = x[h, t, e] * (cos[t, e] * ratio[h, t, e] - sin[t, d] * ratio[h, t, d])
    return received


def attention_rule(t, r_out, absorbed):
    """From the relevance of each head's output, (H, T, d), to that of its queries, keys and values.

    Both matrix products by ε- and uniform rule in sequence (Proposition 3.3), the softmax between by Proposition 3.1.
    Key-value heads shared by several query heads collect from all of them.
    """
    r_q, r_k, r_v = np.zeros_like(t["q"]), np.zeros_like(t["k"]), np.zeros_like(t["v"])
    heads, length, width = t["q"].shape
    for h in range(heads):
        g = h // (heads // t["k"].shape[0])
        for j in range(length):
            seen = j + 1 if t["causal"] else length
            r_weights = np.zeros(seen)
            for i in range(seen):
                for p in range(width):
                    # O = A V: R_A[j,i] = Σ_p A[j,i] V[i,p] R_O[j,p] / (2 O[j,p] + ε), and the other half to V
                    share = t["weights"][h, j, i] * t["v"][g, i, p] / stabilised(2 * t["out_heads"][h, j, p])
                    r_weights[i] += share * r_out[h, j, p]
                    r_v[g, i, p] += share * r_out[h, j, p]
            logits = t["scale"] * t["dots"][h, j, :seen]
            r_dots = softmax_rule(
                logits, t["weights"][h, j, :seen], r_weights, absorbed
            )  # scaling hands R on unchanged
            for i in range(seen):
                for d in range(width):
                    # S = Q Kᵀ: R_Q[j,d] = Σ_i Q[j,d] K[i,d] R_S[j,i] / (2 S[j,i] + ε), and the other half to K
                    share = t["q"][h, j, d] * t["k"][g, i, d] / stabilised(2 * t["dots"][h, j, i])
                    r_q[h, j, d] += share * r_dots[i]
                    r_k[g, i, d] += share * r_dots[i]
    return r_q, r_k, r_v


def softmax_rule(x, s, r, absorbed):
    """``R_i = x_i (R'_i - s_i Σ_j R'_j)`` (Proposition 3.1): linearised at x; the constant term keeps its share."""
    received = np.zeros_like(x)
    for i in range(len(x)):
        received[i] = x[i] * (r[i] - s[i] * r.sum())
    _count(absorbed, "softmax", r.sum() - received.sum())
    return received


def stabilised(z):
    """``z + ε sign(z)``, with sign(0) = +1."""
    return z + EPSILON * np.where(z >= 0, 1.0, -1.0)


def _word_rule(trace, r, absorbed):
    """Embedding = word + constants: ``R_word = word R / embedding``, summed over the width; constants keep theirs."""
    r_word, r_constants = add_rule(trace["word"], trace["embedded"] - trace["word"], r)
    _count(absorbed, "positions", r_constants.sum())
    return r_word.sum(axis=1)


def _relevance_of_one_logit(logits, position, index):
    r = np.zeros_like(logits)
    r[position, index] = logits[position, index]
    return r


def _count(absorbed, name, amount):
    absorbed[name] = absorbed.get(name, 0.0) + float(amount)
