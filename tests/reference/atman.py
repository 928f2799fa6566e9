"""AtMan: attention scores of a suppressed token are scaled down, and the loss is seen to change."""

import math

import numpy as np


def factors(n, suppressed, factor, similarities=None, threshold=1.0):
    """``f``, how strongly each of n keys is suppressed: ``factor`` for the suppressed one, 0 for others.

    With ``similarities`` (cosines of the embeddings with the suppressed token's), a key whose cosine is at least
    ``threshold`` is suppressed too, by ``factor · cosine`` (Deiseroth et al. 2023, section 3.3, as their code has it).
    """
    f = np.zeros(n)
    for k in range(n):
        if k == suppressed:
            f[k] = factor
        elif similarities is not None and similarities[k] >= threshold:
            f[k] = factor * similarities[k]
    return f


def suppressed_scores(scores, f):
    """``H̃ = H ∘ (1 - f)``: column k of one head's pre-softmax scores times 1 - f_k, for all queries (section 3.2).

    f = 1 makes a score 0, not -∞; a negative score comes nearer to 0, so that suppression raises that attention.
    """
    changed = np.array(scores, float)
    for query in range(changed.shape[0]):
        for key in range(changed.shape[1]):
            changed[query, key] *= 1 - f[key]
    return changed


def shifted_suppressed_scores(scores, f):
    """``H̃ = (H - min_k H) ∘ (1 - f)``, the authors' code: with rows shifted to be ≥ 0 first, f > 0 only lowers.

    The minimum is over all keys, also those the causal mask hides. At f = 0 the attention is unchanged, as softmax
    ignores a shift of the row.
    """
    shifted = np.array(scores, float)
    for query in range(shifted.shape[0]):
        shifted[query] -= min(shifted[query])
    return suppressed_scores(shifted, f)


def attention(query, key, value, f, visible, shifted=False):
    """``softmax(mask(H̃)) V`` of one head: (output, weights), H = q·k / √d before the mask, ``visible[q][k]`` the mask.

    Whether H is scaled by √d before or after the factor is the same: both factors are products (and so is the shift).
    """
    scores = np.zeros((len(query), len(key)))
    for i in range(len(query)):
        for j in range(len(key)):
            scores[i, j] = sum(a * b for a, b in zip(query[i], key[j], strict=True)) / math.sqrt(len(query[i]))
    scores = shifted_suppressed_scores(scores, f) if shifted else suppressed_scores(scores, f)
    weights, output = np.zeros(scores.shape), np.zeros((len(query), len(value[0])))
    for i in range(len(query)):
        seen = [j for j in range(len(key)) if visible[i][j]]
        top = max(scores[i, j] for j in seen)
        total = sum(math.exp(scores[i, j] - top) for j in seen)
        for j in seen:
            weights[i, j] = math.exp(scores[i, j] - top) / total
            output[i] += weights[i, j] * np.array(value[j])
    return output, weights


def score(log_prob_whole, log_prob_suppressed):
    """``L(suppressed) - L(whole)``, L = -log p(target): positive where the token supported the target (section 3.1).

    For several target tokens, the sum over them. The authors' code has the opposite sign.
    """
    return float(np.sum(log_prob_whole) - np.sum(log_prob_suppressed))
