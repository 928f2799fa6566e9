"""Integrated gradients along the straight line, by explicit quadrature."""

import numpy as np
import torch

from .input_x_gradient import gradient, word_embeddings


def integrated_gradients(model, ids, value, baseline_embeds, points, weights):
    """``score_t = Σ_d (x_td - x'_td) · Σ_k w_k ∂f/∂x_td (x' + α_k (x - x'))``: T scores.

    Sundararajan et al. 2017, eq. 1, its integral taken as the weighted sum of eq. 3 over the nodes ``points`` (α) with
    ``weights`` (w). ``baseline_embeds`` (x') is (T, d) or (1, T, d); ``value`` as in `input_x_gradient`.
    """
    x = word_embeddings(model, ids)
    baseline = torch.as_tensor(baseline_embeds).detach().reshape(x.shape)
    scores = np.zeros(len(x))
    for alpha, weight in zip(points, weights, strict=True):
        g = gradient(model, baseline + float(alpha) * (x - baseline), value)
        for t in range(x.shape[0]):
            for d in range(x.shape[1]):
                scores[t] += float(weight) * float(x[t, d] - baseline[t, d]) * float(g[t, d])
    return scores


def left(n):
    """Nodes and weights of the left Riemann sum in n steps: α = 0, 1/n, ..., (n-1)/n."""
    return [k / n for k in range(n)], [1 / n] * n


def right(n):
    """Nodes and weights of the right Riemann sum in n steps: α = 1/n, ..., 1 (Sundararajan et al. 2017, eq. 3)."""
    return [(k + 1) / n for k in range(n)], [1 / n] * n


def midpoint(n):
    """Nodes and weights of the midpoint Riemann sum in n steps: α = 1/2n, 3/2n, ..., (2n-1)/2n."""
    return [(k + 0.5) / n for k in range(n)], [1 / n] * n


def trapezoid(n):
    """Nodes and weights of the trapezoid rule in n steps, so n + 1 nodes: α = 0, 1/n, ..., 1; the ends weigh half."""
    return [k / n for k in range(n + 1)], [0.5 / n] + [1 / n] * (n - 1) + [0.5 / n]


def gauss_legendre(n):
    """Nodes and weights of Gauss–Legendre on [0, 1] with n nodes: exact for polynomials of degree 2n - 1.

    The nodes are the roots of the Legendre polynomial P_n, found by Newton's method; on [-1, 1] the weight at the root
    z is 2 / ((1 - z²) P'_n(z)²) (Abramowitz & Stegun 1964, 25.4.29), halved when the interval is.
    """
    nodes, weights = [], []
    for k in range(n):
        z = -np.cos(np.pi * (k + 0.75) / (n + 0.5))
        for _ in range(100):
            p, slope = _legendre(n, z)
            z -= p / slope
        _, slope = _legendre(n, z)
        nodes.append((z + 1) / 2)
        weights.append(1 / ((1 - z * z) * slope * slope))
    return nodes, weights


def _legendre(n, z):
    """P_n(z) and P'_n(z) by the recurrence (k+1) P_{k+1} = (2k+1) z P_k - k P_{k-1}."""
    before, now = 0.0, 1.0
    for k in range(n):
        before, now = now, ((2 * k + 1) * z * now - k * before) / (k + 1)
    return now, n * (z * now - before) / (z * z - 1)
