"""Sobol' indices of a game of independent masks: exact, and by Jansen's estimators from given designs."""

import numpy as np

from .games import masks_of


def crossed(a, b):
    """The designs ``A_B^(i)``: A with column i from B, one for each i."""
    designs = []
    for i in range(a.shape[1]):
        design = np.array(a)
        for row in range(len(a)):
            design[row, i] = b[row, i]
        designs.append(design)
    return designs


def total_order(v, a, b):
    """``S_Ti = 1/(2N) Σ_j (f(A)_j - f(A_B^(i))_j)² / Var f(A)`` (Jansen 1999; Saltelli et al. 2010, table 2 f).

    The estimator of Fel et al. 2021. The variance is that of f(A) alone, over N - 1, as in their code; v is never asked
    about B itself.
    """
    f_a = _run(v, a)
    variance = _variance(f_a)
    scores = np.zeros(a.shape[1])
    for i, design in enumerate(crossed(a, b)):
        for before, after in zip(f_a, _run(v, design), strict=True):
            scores[i] += (before - after) ** 2 / (2 * len(a) * variance)
    return scores


def first_order(v, a, b):
    """``S_i = 1 - 1/(2N) Σ_j (f(B)_j - f(A_B^(i))_j)² / Var f(A)`` (Jansen 1999; Saltelli et al. 2010, table 2 c)."""
    f_b = _run(v, b)
    variance = _variance(_run(v, a))
    scores = np.ones(a.shape[1])
    for i, design in enumerate(crossed(a, b)):
        for other, mixed in zip(f_b, _run(v, design), strict=True):
            scores[i] -= (other - mixed) ** 2 / (2 * len(a) * variance)
    return scores


def exact(v, n, keep=0.5):
    """First and total order by enumeration, each feature kept with probability ``keep``: (S_i, S_Ti).

    ``S_i = Var(E[f | x_i]) / Var f`` and ``S_Ti = E[Var(f | x_~i)] / Var f`` (Homma & Saltelli 1996; Fel et al.
    2021).
    """
    masks = masks_of(n)
    chances = [np.prod([keep if kept else 1 - keep for kept in mask]) for mask in masks]
    values = [v(mask) for mask in masks]
    mean = sum(p * f for p, f in zip(chances, values, strict=True))
    variance = sum(p * (f - mean) ** 2 for p, f in zip(chances, values, strict=True))
    first, total = np.zeros(n), np.zeros(n)
    for i in range(n):
        for state, chance in [(True, keep), (False, 1 - keep)]:
            given = sum(p * f for p, f, m in zip(chances, values, masks, strict=True) if bool(m[i]) is state) / chance
            first[i] += chance * (given - mean) ** 2 / variance
        for mask, p in zip(masks, chances, strict=True):
            if mask[i]:
                without = mask.copy()
                without[i] = False
                total[i] += p / keep * keep * (1 - keep) * (v(mask) - v(without)) ** 2 / variance
    return first, total


def _run(v, design):
    return [float(v(row)) for row in design]


def _variance(values):
    mean = sum(values) / len(values)
    variance = sum((f - mean) ** 2 for f in values) / (len(values) - 1)
    if variance == 0:
        raise ValueError("The value does not vary over the design, so there is no variance to share out.")
    return variance
