"""DeepLIFT's multipliers carried from one logit back to the word embeddings of Llama, GPT-2 and BERT, by hand.

The values of both passes come from the literal forward passes. Shrikumar et al. 2017: multipliers (eq. 2), their chain
rule (eq. 3), the linear rule (section 3.5.1), the rescale rule (section 3.5.2). A product of two activations gives each
factor its Shapley value; a normalisation's product with its divisor is split in one order, as `normalisation` says.
"""

import numpy as np

from .forward import forward
from .lrp import one_logit
from .primitives import activate, array, join_heads, split_heads, weights


def deeplift(model, ids, other, position, index):
    """``Σ_d (x_td - x'_td) m_td`` of every token, ``x`` and ``x'`` the word embeddings of ``ids`` and ``other``."""
    here, there = forward(model, ids), forward(model, other)
    start = one_logit(np.ones_like(here["logits"]), position, index)
    walk = {"llama": llama, "gpt2": gpt2, "bert": bert}[model.config.model_type]
    return ((here["word"] - there["word"]) * walk(model, here, there, start)).sum(axis=1)


def llama(model, here, there, m):
    m = linear(m, here["head"])
    m = normalisation(here["last"], there["last"], model.model.norm, m)
    for block, t, o in backwards(model.model.layers, here, there):
        mlp = block.mlp
        m_product = linear(m, mlp.down_proj)
        active, active_o = (activate(model.config.hidden_act, x["gate"]) for x in (t, o))
        m_active, m_up = product(active, active_o, t["up"], o["up"], m_product)
        m_gate = rescale(lambda x: activate(model.config.hidden_act, x), t["gate"], o["gate"], m_active)
        m_norm2 = linear(m_gate, mlp.gate_proj) + linear(m_up, mlp.up_proj)
        m = m + normalisation(t["middle"], o["middle"], block.post_attention_layernorm, m_norm2)
        attention = block.self_attn
        m_q, m_k, m_v = attend(t, o, split_heads(linear(m, attention.o_proj), len(t["q"])))
        m_q, m_k = (unrotate(part, t["cos"], t["sin"]) for part in (m_q, m_k))
        parts = (m_q, attention.q_proj), (m_k, attention.k_proj), (m_v, attention.v_proj)
        m_norm1 = sum(linear(join_heads(part), module) for part, module in parts)
        m = m + normalisation(t["x"], o["x"], block.input_layernorm, m_norm1)
    return m


def gpt2(model, here, there, m):
    m = linear(m, here["head"])
    m = normalisation(here["last"], there["last"], model.transformer.ln_f, m)
    for block, t, o in backwards(model.transformer.h, here, there):
        m_norm2 = mlp(model.config.activation_function, t, o, block.mlp.c_fc, block.mlp.c_proj, m)
        m = m + normalisation(t["middle"], o["middle"], block.ln_2, m_norm2)
        parts = attend(t, o, split_heads(linear(m, block.attn.c_proj), len(t["q"])))
        m_norm1 = linear(np.concatenate([join_heads(part) for part in parts], axis=1), block.attn.c_attn)
        m = m + normalisation(t["x"], o["x"], block.ln_1, m_norm1)
    return m


def bert(model, here, there, m):
    core = model.bert
    m = rescale(np.tanh, here["pooled"], there["pooled"], linear(m, model.classifier))
    first = linear(m, core.pooler.dense)
    m = np.zeros_like(here["word"])
    m[0] = first[0]
    for block, t, o in backwards(core.encoder.layer, here, there):
        m = normalisation(t["sum2"], o["sum2"], block.output.LayerNorm, m)
        m = m + mlp(model.config.hidden_act, t, o, block.intermediate.dense, block.output.dense, m)
        m = normalisation(t["sum1"], o["sum1"], block.attention.output.LayerNorm, m)
        attention = block.attention.self
        parts = attend(t, o, split_heads(linear(m, block.attention.output.dense), len(t["q"])))
        for part, module in zip(parts, (attention.query, attention.key, attention.value), strict=True):
            m = m + linear(join_heads(part), module)
    return normalisation(here["embedded"], there["embedded"], core.embeddings.LayerNorm, m)


def backwards(blocks, here, there):
    """Blocks, and their traces in both passes, from the last to the first."""
    return reversed(list(zip(blocks, here["layers"], there["layers"], strict=False)))


def linear(m, module):
    """``y_j = Σ_i w_ji x_i + b_j``: ``m_i = Σ_j w_ji m_j`` (the linear rule)."""
    return m @ weights(module)[0]


def rescale(function, x, other, m):
    """``m_x = m_y Δy / Δx``, the derivative where ``Δx`` is nothing (the rescale rule)."""
    found = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        a, b = x[place], other[place]
        if abs(a - b) < 1e-7:
            a, b = (a + b) / 2 + 1e-5, (a + b) / 2 - 1e-5
        values = function(np.array([a, b]))
        found[place] = m[place] * (values[0] - values[1]) / (a - b)
    return found


def product(a, a_other, b, b_other, m):
    """``Δ(ab) = Δa (b + b')/2 + Δb (a + a')/2``."""
    return m * (b + b_other) / 2, m * (a + a_other) / 2


def mlp(activation, t, o, inner, outer, m):
    m = rescale(lambda x: activate(activation, x), t["hidden"], o["hidden"], linear(m, outer))
    return linear(m, inner)


def normalisation(x, other, module, m):
    """``y = w c r`` with c = x, or x less its mean, v = mean c², r = 1/sqrt(v + eps): three steps, row by row.

    ``Δ(c r) = Δc · r_s + Δr · c_l``: r_s the smaller of r and r', c_l the c of the pass with the larger.
    """
    w = array(module.weight)
    centred = hasattr(module, "bias")
    eps = module.eps if centred else module.variance_epsilon
    found = np.zeros_like(x)
    for t in range(len(x)):
        c, c_other = (row - row.mean() if centred else row for row in (x[t], other[t]))
        v, v_other = np.mean(c**2), np.mean(c_other**2)
        r, r_other = (v + eps) ** -0.5, (v_other + eps) ** -0.5
        m_c = m[t] * w * min(r, r_other)
        m_r = np.sum(m[t] * w * (c_other if r <= r_other else c))
        m_v = m_r * (r - r_other) / (v - v_other) if abs(v - v_other) > 1e-12 else m_r * -0.5 * r**3
        m_c = m_c + m_v * (c + c_other) / len(c)
        found[t] = m_c - m_c.mean() if centred else m_c
    return found


def attend(t, o, m):
    """``O_j = Σ_i A_ji V_i``, ``A = softmax``, ``S_ji = s Q_j · K_i``: of the heads' outputs to Q, K and V."""
    m_q, m_k, m_v = np.zeros_like(t["q"]), np.zeros_like(t["k"]), np.zeros_like(t["v"])
    heads, length = t["q"].shape[:2]
    for h in range(heads):
        g = h // (heads // t["k"].shape[0])
        for j in range(length):
            seen = j + 1 if t["causal"] else length
            m_weights = np.zeros(seen)
            for i in range(seen):
                m_weights[i] = np.dot(m[h, j], (t["v"][g, i] + o["v"][g, i]) / 2)
                m_v[g, i] += m[h, j] * (t["weights"][h, j, i] + o["weights"][h, j, i]) / 2
            m_scores = softmax(t["scores"][h, j, :seen], o["scores"][h, j, :seen], m_weights)
            for i in range(seen):
                m_q[h, j] += t["scale"] * m_scores[i] * (t["k"][g, i] + o["k"][g, i]) / 2
                m_k[g, i] += t["scale"] * m_scores[i] * (t["q"][h, j] + o["q"][h, j]) / 2
    return m_q, m_k, m_v


def softmax(x, other, m):
    """``s = u / S``, ``u = exp(x - M)``, ``S = Σ u``, ``M = max x``: step by step.

    ``M`` is ``w x_i + (1 - w) x_j`` with i the place of the largest of x, j that of x', w such that it adds up.
    """
    n, i, j = len(x), int(np.argmax(x)), int(np.argmax(other))
    u, u_other = np.exp(x - x[i]), np.exp(other - other[j])
    s, s_other = u.sum(), u_other.sum()
    m_u, m_reciprocal = np.zeros(n), 0.0
    for k in range(n):
        to_u, to_reciprocal = product(u[k], u_other[k], 1 / s, 1 / s_other, m[k])
        m_u[k] += to_u
        m_reciprocal += to_reciprocal
    m_u += m_reciprocal * -1 / (s * s_other)
    m_z = rescale(np.exp, x - x[i], other - other[j], m_u)
    found, way = m_z.copy(), x - other
    share = 1.0 if way[i] == way[j] else (x[i] - other[j] - way[j]) / (way[i] - way[j])
    found[i] -= share * m_z.sum()
    found[j] -= (1 - share) * m_z.sum()
    return found


def unrotate(m, cos, sin):
    """The transpose of rotary positions, which are linear: coordinate d is paired with d + D/2."""
    found, half = np.zeros_like(m), m.shape[-1] // 2
    for h in range(m.shape[0]):
        for t in range(m.shape[1]):
            for d in range(half):
                e = d + half
                found[h, t, d] = m[h, t, d] * cos[t, d] + m[h, t, e] * sin[t, e]
                found[h, t, e] = m[h, t, e] * cos[t, e] - m[h, t, d] * sin[t, d]
    return found
