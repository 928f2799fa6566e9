"""Shapley values of a game ``v(mask)``, True = kept: exact, by sampled orders, and by weighted regression."""

import itertools
import math

import numpy as np

from .games import masks_of


def exact_by_subsets(v, n):
    """``φ_i = Σ_{S ∌ i} |S|! (n - |S| - 1)! / n! · (v(S ∪ i) - v(S))`` (Shapley 1953; Lundberg & Lee 2017, eq. 4)."""
    scores = np.zeros(n)
    for mask in masks_of(n):
        size = int(mask.sum())
        for i in range(n):
            if not mask[i]:
                weight = math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n)
                scores[i] += weight * (v(_with(mask, i)) - v(mask))
    return scores


def exact_by_permutations(v, n):
    """``φ_i = 1/n! · Σ_σ (v(those before i in σ, and i) - v(those before i))``, over all n! orders."""
    return by_permutations(v, list(itertools.permutations(range(n))))


def by_permutations(v, permutations):
    """Mean over the given orders of what each feature adds to those before it (Mitchell et al. 2022, eq. 2)."""
    scores = np.zeros(len(permutations[0]))
    for order in permutations:
        scores += marginals(v, order) / len(permutations)
    return scores


def antithetic(v, permutations):
    """Mean over the given orders and their reverses (antithetic sampling: Mitchell et al. 2022, section 2)."""
    return antithetic_pairs(v, permutations).mean(axis=0)


def antithetic_pairs(v, permutations):
    """One row for each order: the mean of its marginals and its reverse's. Rows are independent, halves are not."""
    return np.stack([(marginals(v, order) + marginals(v, order[::-1])) / 2 for order in permutations])


def standard_errors(pairs):
    """``√(Σ_k (x_k - x̄)² / (K - 1) / K)`` of K independent rows, for instance of `antithetic_pairs`."""
    rows = len(pairs)
    mean = pairs.mean(axis=0)
    total = np.zeros(pairs.shape[1])
    for row in pairs:
        total += (row - mean) ** 2
    return np.sqrt(total / (rows - 1) / rows)


def marginals(v, order):
    """What each feature adds to those before it in ``order``; the sum telescopes to ``v(all) - v(none)``."""
    n = len(order)
    scores, mask = np.zeros(n), np.zeros(n, bool)
    before = v(mask.copy())
    for i in order:
        mask[i] = True
        now = v(mask.copy())
        scores[i] = now - before
        before = now
    return scores


def shapley_kernel(n, size):
    """``π(s) = (n - 1) / (C(n, s) · s · (n - s))``, 0 < s < n (Lundberg & Lee 2017, theorem 2)."""
    if not 0 < size < n:
        raise ValueError(f"The Shapley kernel is infinite at {size} of {n} features: none and all are constraints.")
    return (n - 1) / (math.comb(n, size) * size * (n - size))


def kernel_weights(masks):
    """`shapley_kernel` of each mask: the weights when every mask is given once, by enumeration and not by a draw."""
    return np.array([shapley_kernel(len(mask), int(sum(mask))) for mask in masks])


def size_probabilities(n):
    """``p(s) ∝ π(s) · C(n, s) ∝ 1 / (s (n - s))`` for s = 1..n-1: a size drawn so, then a mask of it uniformly, ~ π."""
    raw = [1 / (size * (n - size)) for size in range(1, n)]
    return np.array(raw) / sum(raw)


def importance_weights(masks, proposal):
    """``π(mask) / q(mask)``: the weights of masks drawn from ``proposal`` (a function: mask to its probability q).

    With q ∝ π all are equal (Covert & Lee 2021, section 3); with Bernoulli(1/2) masks, q = 2^-n, they are ∝ π. Common
    factors of the weights cancel.
    """
    return np.array([shapley_kernel(len(mask), int(sum(mask))) / proposal(mask) for mask in masks])


def kernel_shap(masks, values, weights, empty, full):
    """φ that minimises ``Σ_m w_m (v_m - v(none) - Σ_i φ_i z_mi)²`` where ``Σ_i φ_i = v(all) - v(none)``.

    Lundberg & Lee 2017, eq. 2 with theorem 2, its infinite weights at none and all taken as constraints: the intercept
    is v(none) (``empty``), the sum is v(all) (``full``) less that (Covert & Lee 2021, section 3). Solved by the
    stationarity conditions ``2Aφ + λ1 = 2b``, ``1ᵀφ = total``, with A = Σ w z zᵀ and b = Σ w z (v - v(none)).
    """
    n = len(masks[0])
    system, right = np.zeros((n + 1, n + 1)), np.zeros(n + 1)
    for mask, value, weight in zip(masks, values, weights, strict=True):
        for i in range(n):
            right[i] += 2 * weight * mask[i] * (value - empty)
            for j in range(n):
                system[i, j] += 2 * weight * mask[i] * mask[j]
    system[:n, n] = system[n, :n] = 1
    right[n] = full - empty
    rank = np.linalg.matrix_rank(system)
    if rank < n + 1:
        raise ValueError(f"The masks do not determine {n} scores: the system has rank {rank} of {n + 1}.")
    return np.linalg.solve(system, right)[:n]


def kernel_shap_closed_form(masks, values, weights, empty, full):
    """``A⁻¹(b - 1 (1ᵀA⁻¹b - v(all) + v(none)) / 1ᵀA⁻¹1)``: `kernel_shap`, A regular (Covert & Lee 2021, section 3)."""
    z, w = np.array(masks, float), np.array(weights, float)
    a = sum(weight * np.outer(row, row) for weight, row in zip(w, z, strict=True))
    b = sum(weight * row * (value - empty) for weight, row, value in zip(w, z, values, strict=True))
    inverse = np.linalg.inv(a)
    ones = np.ones(z.shape[1])
    excess = (ones @ inverse @ b - (full - empty)) / (ones @ inverse @ ones)
    return inverse @ (b - ones * excess)


def kernel_shap_of_all(v, n):
    """`kernel_shap` of all 2^n - 2 masks: equals the Shapley values exactly (Lundberg & Lee 2017, theorem 2)."""
    masks = [mask for mask in masks_of(n) if 0 < mask.sum() < n]
    if not masks:
        return np.array([v(np.ones(n, bool)) - v(np.zeros(n, bool))])
    return kernel_shap(
        masks, [v(mask) for mask in masks], kernel_weights(masks), v(np.zeros(n, bool)), v(np.ones(n, bool))
    )


def _with(mask, i):
    changed = mask.copy()
    changed[i] = True
    return changed
