"""Axioms as checks of a method given as ``phi(v, n)``: each returns by how much the method fails, 0 where it holds.

A method that samples must use the same draws in every call. `linearity` then still holds, and `efficiency` and `dummy`
hold for orders; `symmetry` holds only in expectation.
"""

import numpy as np


def efficiency(phi, v, n):
    """``|Σ_i φ_i - (v(all) - v(none))|``."""
    return abs(phi(v, n).sum() - (v(np.ones(n, bool)) - v(np.zeros(n, bool))))


def dummy(phi, v, n, i):
    """``|φ_i|`` in the game where feature i changes nothing: v is asked without it, whether it is there or not."""

    def blind(mask):
        changed = np.array(mask, bool)
        changed[i] = False
        return v(changed)

    return abs(phi(blind, n)[i])


def symmetry(phi, v, n, i, j):
    """``|φ_i - φ_j|`` in the game ``v(S) + v(S with i and j exchanged)``, where i and j do the same."""

    def even(mask):
        changed = np.array(mask, bool)
        changed[[i, j]] = changed[[j, i]]
        return v(np.array(mask, bool)) + v(changed)

    scores = phi(even, n)
    return abs(scores[i] - scores[j])


def linearity(phi, v, w, n, a=2.0, b=-3.0):
    """``max_i |φ_i(a v + b w) - a φ_i(v) - b φ_i(w)|``."""
    together = phi(lambda mask: a * v(mask) + b * w(mask), n)
    return np.abs(together - a * phi(v, n) - b * phi(w, n)).max()
