"""Expected gradients, sample by sample."""

import numpy as np

from .input_x_gradient import gradient, word_embeddings


def samples_of(model, ids, value, plain_ids, samples, seed):
    """``(x − b) · ∂f(b + α (x − b))/∂x`` summed over dimensions, for each sample: (samples, T).

    Erion et al. 2021: the expectation over baselines b and α uniform in 0 to 1 is the mean of the rows. The random
    numbers are whence's: α from NumPy's generator of [seed, sample, 1], the baseline's tokens, drawn from
    ``plain_ids``, from that of [seed, sample, 3].
    """
    x = word_embeddings(model, ids)
    found = np.zeros((samples, len(x)))
    for s in range(samples):
        alpha = np.random.default_rng([seed, s, 1]).uniform()
        drawn = np.random.default_rng([seed, s, 3]).integers(len(plain_ids), size=len(x))
        b = word_embeddings(model, [plain_ids[i] for i in drawn])
        g = gradient(model, b + alpha * (x - b), value)
        for t in range(x.shape[0]):
            for d in range(x.shape[1]):
                found[s, t] += float(x[t, d] - b[t, d]) * float(g[t, d])
    return found
