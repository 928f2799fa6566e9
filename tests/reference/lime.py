"""LIME on text: a ridge regression on masks, weighted by how near each mask is to the whole."""

import numpy as np


def distance_to_whole(mask):
    """``1 - cos(mask, 1) = 1 - √(k / n)`` for k kept of n; 1 for none kept, whose cosine counts as 0."""
    mask = [float(kept) for kept in mask]
    length = np.sqrt(sum(kept * kept for kept in mask))
    if length == 0:
        return 1.0
    return 1 - sum(mask) / (length * np.sqrt(len(mask)))


def kernel(mask, width):
    """``π(z) = exp(-D² / σ²)``, D the cosine distance for text (Ribeiro et al. 2016, section 3.4; no σ given)."""
    return np.exp(-(distance_to_whole(mask) ** 2) / width**2)


def package_kernel(mask, width=25.0):
    """``√exp(-(100 D)² / width²)``, as the lime package weighs text: `kernel` with ``σ = √2 · width / 100``."""
    return np.sqrt(np.exp(-((100 * distance_to_whole(mask)) ** 2) / width**2))


def weighted_ridge(masks, values, weights, penalty):
    """Minimises ``Σ_m π_m (v_m - c - Σ_i w_i z_mi)² + penalty · Σ_i w_i²`` over w and c; returns (w, c).

    Ribeiro et al. 2016, eq. 2, with ridge in place of the K-LASSO of algorithm 1, as the lime package ends (its penalty
    is 1). The intercept c bears no penalty; the weights π are not normalised, so the penalty is relative to their sum.
    """
    n = len(masks[0])
    system, right = np.zeros((n + 1, n + 1)), np.zeros(n + 1)
    for mask, value, weight in zip(masks, values, weights, strict=True):
        row = [*(float(kept) for kept in mask), 1.0]
        for i in range(n + 1):
            right[i] += weight * row[i] * value
            for j in range(n + 1):
                system[i, j] += weight * row[i] * row[j]
    for i in range(n):
        system[i, i] += penalty
    solution = np.linalg.solve(system, right)
    return solution[:n], solution[n]


def lime(v, masks, width, penalty):
    """The weights w of the surrogate fitted to ``v`` on ``masks``: `kernel`, then `weighted_ridge`."""
    return weighted_ridge(masks, [v(mask) for mask in masks], [kernel(mask, width) for mask in masks], penalty)[0]
