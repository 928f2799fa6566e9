"""The messages of four LRP rule sets, one operation at a time, in NumPy float64: no autograd, no gradient of a model.

Every function takes the values of the forward pass and the relevance R of an operation's output, and returns the
relevance of its inputs. Sources, by rule:

* linear maps, sums: ε-rule (Bach et al. 2015, eq. 58), ε → 0 except in ``lrp_epsilon``;
* activations: identity (Achtibat et al. 2024, "AttnLRP", section 3.2);
* softmax: Taylor (AttnLRP, Prop. 3.1); products: uniform (Prop. 3.2); matrix products: both (Prop. 3.3);
* normalisations: the divisor a constant (AttnLRP, Prop. 3.4; Ali et al. 2022, section 4.2, the LN rule);
* attention weights as constants: Voita et al. 2021, and Ali et al. 2022, section 4.1, the AH rule.

What inputs do not receive is counted by name in ``absorbed``; where a rule set halves products,
``value = Σ scores + Σ absorbed``.
"""

from dataclasses import dataclass

import numpy as np

from .primitives import array

NO_ZERO = 1e-15


@dataclass(frozen=True)
class Rules:
    """A rule set: how much of R each of two live factors receives, (1/2, 1/2), (0, 1) or (1, 1), and two more choices.

    ``weights``: attention weights and values. ``dots``: queries and keys. ``gate``: the activated factor of a gated
    MLP and the other. ``mixing``: an expert's routing weight and its output. ``divisor``: of a normalisation, held
    ``"constant"`` or differentiated as part of it (``"taylor"``). ``epsilon``: the stabiliser of linear maps.
    """

    weights: tuple
    dots: tuple
    gate: tuple
    mixing: tuple
    divisor: str
    epsilon: float


HALVES, SECOND, BOTH = (0.5, 0.5), (0.0, 1.0), (1.0, 1.0)
RULES = {
    "attnlrp": Rules(weights=HALVES, dots=HALVES, gate=HALVES, mixing=HALVES, divisor="constant", epsilon=0.0),
    "cp_lrp": Rules(weights=SECOND, dots=SECOND, gate=SECOND, mixing=SECOND, divisor="constant", epsilon=0.0),
    "ah_ln": Rules(weights=SECOND, dots=SECOND, gate=HALVES, mixing=SECOND, divisor="constant", epsilon=0.0),
    "lrp_epsilon": Rules(weights=BOTH, dots=BOTH, gate=BOTH, mixing=BOTH, divisor="taylor", epsilon=1e-6),
}


def linear_rule(x, w, b, r, absorbed, epsilon=0.0):
    """``R_i = Σ_j x_i w_ji R_j / (z_j + ε sign z_j)``, ``z = Wx + b``: the bias keeps its share, and ε its own."""
    received = np.zeros_like(x)
    for t in range(x.shape[0]):
        z = w @ x[t] + (0.0 if b is None else b)
        ratio = r[t] / stabilised(z, epsilon)
        for i in range(x.shape[1]):
            received[t, i] = x[t, i] * np.dot(w[:, i], ratio)
        if b is not None:
            count(absorbed, "bias", np.dot(b, ratio))
        if epsilon:
            count(absorbed, "epsilon", (r[t] - z * ratio).sum())
    return received


def convolution_rule(x, z, w, b, stride, r, absorbed, epsilon=0.0, padding=(0, 0)):
    """`linear_rule` of a convolution: ``R_i = Σ_j x_i w_ij R_j / z_j`` over the outputs j that see the input i.

    x is (C, H, W), w (O, C, U, V), z and r (O, rows, columns).
    """
    height, width = w.shape[2:]
    wide = np.pad(x, ((0, 0), (padding[0], padding[0]), (padding[1], padding[1])))
    received, ratio = np.zeros_like(wide), r / stabilised(z, epsilon)
    for o in range(z.shape[0]):
        for row in range(z.shape[1]):
            for column in range(z.shape[2]):
                top, left = row * stride[0], column * stride[1]
                seen = (slice(None), slice(top, top + height), slice(left, left + width))
                received[seen] += wide[seen] * w[o] * ratio[o, row, column]
                if b is not None:
                    count(absorbed, "bias", b[o] * ratio[o, row, column])
    if epsilon:
        count(absorbed, "epsilon", (r - z * ratio).sum())
    return received[:, padding[0] : padding[0] + x.shape[1], padding[1] : padding[1] + x.shape[2]]


def identity_rule(r):
    """``R_in = R_out``: element-wise activations, in every rule set (AttnLRP, section 3.2)."""
    return r


def rms_norm_rule(x, module, r, rules, absorbed):
    """Divisor constant: ``y_i = c w_i x_i`` has one input each, so the ε-rule is the identity. Else `taylor_rule`.

    ``∂y_j/∂x_i = w_j (δ_ij / s - x_i x_j / (n s³))`` with ``s = sqrt(mean(x²) + eps)``.
    """
    if rules.divisor == "constant":
        return r
    w, n = array(module.weight), x.shape[1]
    received = np.zeros_like(x)
    for t in range(x.shape[0]):
        s = np.sqrt(np.mean(x[t] ** 2) + module.variance_epsilon)
        jacobian = np.zeros((n, n))
        for j in range(n):
            for i in range(n):
                jacobian[j, i] = w[j] * ((1.0 if i == j else 0.0) / s - x[t, i] * x[t, j] / (n * s**3))
        received[t] = taylor_rule(x[t], w * x[t] / s, jacobian, r[t], absorbed)
    return received


def layer_norm_rule(x, module, r, rules, absorbed):
    """Divisor constant: the ε-rule on ``y = Mx + b``, ``M_ji = w_j (δ_ji - 1/n) / s``, ``s = sqrt(var + eps)``.

    Else `taylor_rule` of the whole, ``∂y_j/∂x_i = w_j ((δ_ij - 1/n) / s - (x_j - m)(x_i - m) / (n s³))``.
    """
    w, b, n = array(module.weight), array(module.bias), x.shape[1]
    received = np.zeros_like(x)
    for t in range(x.shape[0]):
        centred, s = x[t] - x[t].mean(), np.sqrt(x[t].var() + module.eps)
        centring, jacobian = np.zeros((n, n)), np.zeros((n, n))
        for j in range(n):
            for i in range(n):
                centring[j, i] = w[j] * ((1.0 if i == j else 0.0) - 1 / n) / s
                jacobian[j, i] = centring[j, i] - w[j] * centred[j] * centred[i] / (n * s**3)
        if rules.divisor == "constant":
            received[t] = linear_rule(x[t : t + 1], centring, b, r[t : t + 1], absorbed)[0]
        else:
            received[t] = taylor_rule(x[t], w * centred / s + b, jacobian, r[t], absorbed)
    return received


def taylor_rule(x, y, jacobian, r, absorbed):
    """``R_i = x_i Σ_j (∂y_j/∂x_i) R_j / y_j``: first-order Taylor, gradient × input; what is of no order stays."""
    received = np.zeros_like(x)
    for i in range(len(x)):
        for j in range(len(y)):
            received[i] += x[i] * jacobian[j, i] * r[j] / stabilised(y[j])
    count(absorbed, "taylor", r.sum() - received.sum())
    return received


def add_rule(a, b, r):
    """``z = a + b``: ``R_a = a R / z`` and likewise ``R_b`` (ε-rule of a sum)."""
    ratio = r / stabilised(a + b)
    return a * ratio, b * ratio


def constant_rule(x, embedded, r, absorbed, name):
    """``z = x + constants``: x keeps its part of R, the constants theirs, counted under ``name``."""
    r_x, r_constants = add_rule(x, embedded - x, r)
    count(absorbed, name, r_constants.sum())
    return r_x


def product_rule(r, shares):
    """``z = a ⊙ b``: the share of R that a receives, and that of b (Prop. 3.2 where they are halves)."""
    return shares[0] * r, shares[1] * r


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


def attention_rule(t, r_out, rules, absorbed):
    """From the relevance of each head's output, (H, T, d), to that of its queries, keys and values.

    ``O_jp = Σ_i A_ji V_ip``: each term ``A_ji V_ip R_jp / O_jp`` goes to A and to V by the shares of ``rules.weights``;
    ``S_ji = Σ_d Q_jd K_id`` likewise by ``rules.dots``; between them `softmax_rule` and the scores' constant bias.
    Key-value heads shared by several query heads collect from all of them.
    """
    r_q, r_k, r_v = np.zeros_like(t["q"]), np.zeros_like(t["k"]), np.zeros_like(t["v"])
    heads, length, width = t["q"].shape
    for h in range(heads):
        g = h // (heads // t["k"].shape[0])
        for j in range(length):
            seen = j + 1 if t["causal"] else t["k"].shape[1]
            r_weights = np.zeros(seen)
            for i in range(seen):
                for p in range(t["v"].shape[2]):
                    term = t["weights"][h, j, i] * t["v"][g, i, p] / stabilised(t["out_heads"][h, j, p])
                    to_weight, to_value = product_rule(term * r_out[h, j, p], rules.weights)
                    r_weights[i] += to_weight
                    r_v[g, i, p] += to_value
            if rules.weights[0] == 0:
                continue
            scores = t["scores"][h, j, :seen]
            r_scores = softmax_rule(scores, t["weights"][h, j, :seen], r_weights, absorbed)
            scaled = t["scale"] * t["dots"][h, j, :seen]
            r_dots = constant_rule(scaled, scores, r_scores, absorbed, "relative positions")
            for i in range(seen):
                for d in range(width):
                    term = t["q"][h, j, d] * t["k"][g, i, d] / stabilised(t["dots"][h, j, i])
                    to_query, to_key = product_rule(term * r_dots[i], rules.dots)
                    r_q[h, j, d] += to_query
                    r_k[g, i, d] += to_key
    return r_q, r_k, r_v


def softmax_rule(x, s, r, absorbed):
    """``R_i = x_i (R'_i - s_i Σ_j R'_j)`` (Prop. 3.1): linearised at x; the constant term keeps its share."""
    received = np.zeros_like(x)
    for i in range(len(x)):
        received[i] = x[i] * (r[i] - s[i] * r.sum())
    count(absorbed, "softmax", r.sum() - received.sum())
    return received


def renormalisation_rule(chosen, r, rules, absorbed):
    """``p = t / Σ t``: divisor constant, the identity; else the Taylor form ``R_i = R'_i - p_i Σ_j R'_j``."""
    if rules.divisor == "constant":
        return r
    total, n = chosen.sum(), len(chosen)
    jacobian = np.zeros((n, n))
    for j in range(n):
        for i in range(n):
            jacobian[j, i] = (1.0 if i == j else 0.0) / total - chosen[j] / total**2
    return taylor_rule(chosen, chosen / total, jacobian, r, absorbed)


def stabilised(z, epsilon=0.0):
    """``z + ε sign(z)``, with sign(0) = +1; never zero."""
    return z + max(epsilon, NO_ZERO) * np.where(z >= 0, 1.0, -1.0)


def count(absorbed, name, amount):
    """Add to what an operation of this name has kept; nothing is named that keeps nothing by its nature."""
    if amount != 0:
        absorbed[name] = absorbed.get(name, 0.0) + float(amount)
