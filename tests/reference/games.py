"""Cooperative games whose values are known in closed form: what the twins of the Shapley family are tested on."""

import math

import numpy as np


def masks_of(n):
    """All 2^n masks of n features, True = kept, in binary counting order with feature 0 as the lowest bit."""
    return [np.array([bool(number >> i & 1) for i in range(n)]) for number in range(2**n)]


def table(values):
    """The game that looks ``v(mask)`` up in 2^n values, ordered as `masks_of`."""

    def v(mask):
        return float(values[sum(1 << i for i in range(len(mask)) if mask[i])])

    return v


def random_game(n, seed):
    """A game without structure: every coalition worth an independent normal draw."""
    return table(np.random.default_rng(seed).normal(size=2**n))


def additive(worths, empty=0.0):
    """``v(S) = empty + Σ_{i∈S} worth_i``: every feature deserves its own worth."""
    return lambda mask: empty + sum(float(w) for w, kept in zip(worths, mask, strict=True) if kept)


def product(kept, dropped):
    """``v(S) = Π_{i∈S} kept_i · Π_{i∉S} dropped_i``."""
    return lambda mask: math.prod(
        float(a) if is_kept else float(b) for a, b, is_kept in zip(kept, dropped, mask, strict=True)
    )


def product_of_two(kept, dropped):
    """Shapley values of `product` with two features: ``φ_1 = (a_1 - b_1)(a_2 + b_2) / 2``, and the other way round."""
    (a, c), (b, d) = kept, dropped
    return np.array([(a - b) * (c + d) / 2, (c - d) * (a + b) / 2])


def unanimity(members):
    """``v(S) = 1`` when S holds all of ``members``, else 0: the members share 1 equally."""
    return lambda mask: float(all(mask[i] for i in members))


def majority(quota):
    """``v(S) = 1`` when S has at least ``quota`` features, else 0: all n share 1 equally."""
    return lambda mask: float(sum(mask) >= quota)


def weighted_majority(quota, votes):
    """``v(S) = 1`` when the votes of S reach ``quota``, else 0; of [3; 2, 1, 1]: 2/3, 1/6, 1/6."""
    return lambda mask: float(sum(w for w, kept in zip(votes, mask, strict=True) if kept) >= quota)


def glove(left):
    """Pairs of gloves: those in ``left`` hold a left one, the others a right one; of 1 and 2: 2/3, 1/6, 1/6."""

    def v(mask):
        lefts = sum(bool(mask[i]) for i in left)
        return float(min(lefts, sum(mask) - lefts))

    return v


def airport(costs):
    """``v(S) = max_{i∈S} cost_i``, 0 for none (Littlechild & Owen 1973)."""
    return lambda mask: max((float(c) for c, kept in zip(costs, mask, strict=True) if kept), default=0.0)


def airport_values(costs):
    """Shapley values of `airport`: all who need a stretch of runway share it (Littlechild & Owen 1973)."""
    order = sorted(range(len(costs)), key=lambda i: costs[i])
    scores, share, before = np.zeros(len(costs)), 0.0, 0.0
    for position, i in enumerate(order):
        share += (costs[i] - before) / (len(costs) - position)
        before = costs[i]
        scores[i] = share
    return scores
