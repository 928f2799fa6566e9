"""Integrated gradients of one token at a time."""

import numpy as np

from .input_x_gradient import gradient, word_embeddings


def sequential_ig(model, ids, value, baseline_embeds, points, weights):
    """``score_i = Σ_d (x_id - x'_id) · Σ_k w_k ∂f/∂x_id``, token i alone at x'_i + α_k (x_i - x'_i): T scores.

    Enguehard 2023, section 3, without its normalisation; ``baseline_embeds`` (x') is (T, d).
    """
    x = word_embeddings(model, ids)
    scores = np.zeros(len(x))
    for i in range(len(x)):
        for alpha, weight in zip(points, weights, strict=True):
            moved = x.clone()
            moved[i] = baseline_embeds[i] + float(alpha) * (x[i] - baseline_embeds[i])
            g = gradient(model, moved, value)
            for d in range(x.shape[1]):
                scores[i] += float(weight) * float(x[i, d] - baseline_embeds[i, d]) * float(g[i, d])
    return scores
