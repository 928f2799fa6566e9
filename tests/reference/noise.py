"""What gradients do under noise on the embeddings, draw by draw and dimension by dimension."""

import numpy as np
import torch

from .input_x_gradient import gradient, word_embeddings


def draws(model, ids, value, samples, noise, seed, times_input=False):
    """The gradients (or gradients × inputs) at ``samples`` noisy inputs: (samples, T, d).

    Smilkov et al. 2017, section 3; a token's noise has ``noise`` times the range of its own embedding. The random
    numbers are whence's: those of NumPy's generator of [seed, draw, 2], token after token.
    """
    x = word_embeddings(model, ids)
    found = np.zeros((samples, *x.shape))
    for s in range(samples):
        normal = np.random.default_rng([seed, s, 2]).standard_normal(tuple(x.shape))
        noisy = x.clone()
        for t in range(len(x)):
            spread = noise * (max(x[t].tolist()) - min(x[t].tolist()))
            for d in range(x.shape[1]):
                noisy[t, d] += spread * normal[t, d]
        g = gradient(model, noisy, value)
        found[s] = torch.mul(g, noisy) if times_input else g
    return found


def smooth(found):
    """The mean of every dimension: (T, d). Smilkov et al. 2017, section 3."""
    return np.array([[sum(found[:, t, d]) / len(found) for d in range(found.shape[2])] for t in range(found.shape[1])])


def variance(found):
    """Each token's sum over dimensions of the mean squared distance from the mean. Adebayo et al. 2018, section 2."""
    mean, scores = smooth(found), np.zeros(found.shape[1])
    for t in range(found.shape[1]):
        for d in range(found.shape[2]):
            scores[t] += sum((one - mean[t, d]) ** 2 for one in found[:, t, d]) / len(found)
    return scores


def square(found):
    """Each token's sum over dimensions of the mean square. Hooker et al. 2018, section 4.2."""
    scores = np.zeros(found.shape[1])
    for t in range(found.shape[1]):
        for d in range(found.shape[2]):
            scores[t] += sum(one**2 for one in found[:, t, d]) / len(found)
    return scores
