"""Input × gradient, as it stands in the papers."""

import numpy as np
import torch


def gradient(model, embeds, value):
    """∂f/∂x at the input embeddings ``embeds`` (T, d): Simonyan et al. 2013, section 3 (``w = ∂S/∂I``)."""
    x = embeds.detach().clone().requires_grad_(True)
    f = value(model(inputs_embeds=x[None]).logits)
    return torch.autograd.grad(f, x)[0]


def word_embeddings(model, ids):
    """The rows of the word-embedding table for ``ids`` (a sequence of T ints): (T, d)."""
    return model.get_input_embeddings().weight.detach()[torch.as_tensor(ids)]


def input_x_gradient(model, ids, value):
    """``score_t = Σ_d x_td · ∂f/∂x_td``: T scores (Shrikumar et al. 2016, section 2, "gradient × input").

    x are the word embeddings; ``value`` maps the logits of a batch of one, ``(1, T, V)`` or ``(1, C)``, to a scalar f.
    """
    x = word_embeddings(model, ids)
    g = gradient(model, x, value)
    scores = np.zeros(len(x))
    for t in range(x.shape[0]):
        for d in range(x.shape[1]):
            scores[t] += float(x[t, d]) * float(g[t, d])
    return scores
