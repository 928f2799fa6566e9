"""The gradient of each token's embedding, as one number."""

import math

import numpy as np

from .input_x_gradient import gradient, word_embeddings


def saliency(model, ids, value, form):
    """Of g = ∂f/∂x (Simonyan et al. 2013, section 3), each token's ``"norm"``, ``"signed"`` or ``"absolute"`` sum."""
    return reduced(gradient(model, word_embeddings(model, ids), value), form)


def reduced(g, form):
    scores = np.zeros(len(g))
    for t, row in enumerate(g.tolist()):
        if form == "norm":
            scores[t] = math.sqrt(sum(one * one for one in row))
        else:
            scores[t] = sum(abs(one) if form == "absolute" else one for one in row)
    return scores
