"""Single operations: their LRP messages by explicit matrices and Jacobians, from the papers' sums, in NumPy float64.

Tensors are flattened: x has n entries, an output m, a matrix (m, n). ``r`` is the relevance of the output.
"""

import numpy as np
import torch

from .messages import product_rule, softmax_rule, stabilised, taylor_rule


def affine(function, x):
    """``(M, b)`` with ``function(x) = M x + b``, read off the basis vectors, flat; the function runs without rules."""
    with torch.no_grad():
        b = function(torch.zeros_like(x)).flatten()
        columns = []
        for i in range(x.numel()):
            e = torch.zeros_like(x).flatten()
            e[i] = 1.0
            columns.append(function(e.reshape(x.shape)).flatten() - b)
    return torch.stack(columns, dim=1).numpy(), b.numpy()


def epsilon_rule(x, m, b, r, epsilon=0.0):
    """``R_i = Σ_j x_i m_ji R_j / (z_j + ε sign z_j)``, ``z = M x + b`` (Bach et al. 2015, eq. 58; sign 0 = 1)."""
    received = np.zeros_like(x)
    for j in range(len(m)):
        z = sum(x[i] * m[j, i] for i in range(len(x))) + b[j]
        for i in range(len(x)):
            received[i] += x[i] * m[j, i] / stabilised(z, epsilon) * r[j]
    return received


def gamma_rule(x, m, b, r, gamma):
    """``R_i = Σ_j (c_ji + γ [c_ji]) / (z_j + γ Σ_i [c_ji] + γ [b_j]) R_j`` with ``c_ji = x_i m_ji``, ``z = M x + b``.

    [·] keeps the positive part where ``z_j ≥ 0`` and the negative part elsewhere: the γ-rule of Montavon et al. 2019,
    section 10.2.3, for inputs and outputs of either sign.
    """
    received = np.zeros_like(x)
    for j in range(len(m)):
        z = sum(x[i] * m[j, i] for i in range(len(x))) + b[j]
        part = max if z >= 0 else min
        denominator = z + gamma * sum(part(x[i] * m[j, i], 0.0) for i in range(len(x))) + gamma * part(b[j], 0.0)
        for i in range(len(x)):
            received[i] += (x[i] * m[j, i] + gamma * part(x[i] * m[j, i], 0.0)) / stabilised(denominator) * r[j]
    return received


def normalisation_rule(x, centring, divisor, slope, w, b, r, held):
    """``y = w ⊙ C x / D(x) + b`` of one row: D held, the ε-rule; else Taylor of the whole, with ``slope = ∂D/∂x``."""
    u, m = centring @ x, np.zeros((len(x), len(x)))
    for j in range(len(x)):
        for i in range(len(x)):
            m[j, i] = w[j] * centring[j, i] / divisor
            if not held:
                m[j, i] -= w[j] * u[j] * slope[i] / divisor**2
    if held:
        return epsilon_rule(x, m, b, r)
    return taylor_rule(x, w * u / divisor + b, m, r, {})


def root_mean_square(x, eps):
    """``(C, D, ∂D/∂x)`` of RMSNorm: ``D = sqrt(mean x² + ε)``."""
    d = np.sqrt(np.mean(x**2) + eps)
    return np.eye(len(x)), d, x / (len(x) * d)


def length(x):
    """``(C, D, ∂D/∂x)`` of a division by the Euclidean norm."""
    d = np.sqrt((x**2).sum())
    return np.eye(len(x)), d, x / d


def root_of_variance(x, eps):
    """``(C, D, ∂D/∂x)`` of LayerNorm: C subtracts the mean, ``D = sqrt(var + ε)``."""
    d = np.sqrt(x.var() + eps)
    return centring(len(x)), d, (x - x.mean()) / (len(x) * d)


def deviation(x, eps, correction):
    """``(C, D, ∂D/∂x)`` with ``D = std + ε``, std over ``n - correction``."""
    std = x.std(ddof=correction)
    return centring(len(x)), std + eps, (x - x.mean()) / ((len(x) - correction) * std)


def centring(n):
    """The matrix of ``x - mean(x)``."""
    return np.eye(n) - np.full((n, n), 1 / n)


def matmul_rule(a, b, r, shares):
    """``O_jp = Σ_i A_ji B_ip``: each term ``A_ji B_ip R_jp / O_jp`` by its shares to A and to B (Prop. 3.3)."""
    r_a, r_b, o = np.zeros_like(a), np.zeros_like(b), a @ b
    for j in range(a.shape[0]):
        for i in range(a.shape[1]):
            for p in range(b.shape[1]):
                to_a, to_b = product_rule(a[j, i] * b[i, p] * r[j, p] / stabilised(o[j, p]), shares)
                r_a[j, i] += to_a
                r_b[i, p] += to_b
    return r_a, r_b


def head_rule(q, k, v, scale, seen, bias, r, rules, sinks=()):
    """One attention head, (T, d) each: ``seen`` (T, K) is which keys a query sees, ``bias`` (T, K) is added to scores.

    ``sinks`` are constant scores that take part in the softmax and read no value (gpt-oss has one a head). Returns the
    relevance of q, k and v.
    """
    dots = q @ k.T
    scores, weights = scale * dots + bias, np.zeros_like(dots)
    entries = [np.append(scores[j, seen[j]], sinks) for j in range(len(q))]
    softmaxes = [np.exp(row - row.max()) / np.exp(row - row.max()).sum() for row in entries]
    for j in range(len(q)):
        weights[j, seen[j]] = softmaxes[j][: seen[j].sum()]
    r_weights, r_v = matmul_rule(weights, v, r, rules.weights)
    if rules.weights[0] == 0:
        return np.zeros_like(q), np.zeros_like(k), r_v
    r_dots = np.zeros_like(dots)
    for j in range(len(q)):
        r_softmax = np.append(r_weights[j, seen[j]], np.zeros(len(sinks)))
        r_scores = softmax_rule(entries[j], softmaxes[j], r_softmax, {})
        r_dots[j, seen[j]] = r_scores[: seen[j].sum()] * scale * dots[j, seen[j]] / stabilised(scores[j, seen[j]])
    r_q, r_k = matmul_rule(q, k.T, r_dots, rules.dots)
    return r_q, r_k.T, r_v
