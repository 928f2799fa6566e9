"""ContextCite: a LASSO of the response's logit-probability on which sources of the context are kept."""

import math

import numpy as np


def logit_probability(token_log_probs):
    """``σ⁻¹(p) = log(p / (1 - p))`` of the whole response, ``log p = Σ_t log p(token_t | before)``.

    Cohen-Wang et al. 2024, section 3. By ``expm1``, so that p near 1 stays exact; the logit of p = 1 is infinite.
    """
    log_p = math.fsum(token_log_probs)
    if log_p >= 0:
        raise ValueError(f"The response has log-probability {log_p}: its logit is infinite.")
    return log_p - math.log(-math.expm1(log_p))


def standardised(masks):
    """``(z - mean) / scale`` by column, its mean, and its scale √(mean square deviation), 1 where nothing varies."""
    z = np.array([[float(kept) for kept in mask] for mask in masks])
    mean, scale = np.zeros(z.shape[1]), np.ones(z.shape[1])
    for i in range(z.shape[1]):
        mean[i] = sum(z[:, i]) / len(z)
        deviation = math.sqrt(sum((x - mean[i]) ** 2 for x in z[:, i]) / len(z))
        scale[i] = deviation if deviation > 0 else 1.0
    return (z - mean) / scale, mean, scale


def lasso_objective(x, y, weights, intercept, penalty):
    """``1/(2M) Σ_m (y_m - c - w·x_m)² + penalty · Σ_i |w_i|``: what scikit-learn's Lasso minimises, c unpenalised."""
    loss = 0.0
    for row, value in zip(x, y, strict=True):
        loss += (value - intercept - sum(w * z for w, z in zip(weights, row, strict=True))) ** 2 / (2 * len(y))
    return loss + penalty * sum(abs(w) for w in weights)


def lasso_violation(x, y, weights, intercept, penalty):
    """By how much (w, c) fails the conditions of optimality of `lasso_objective`; 0 at its minimum, and only there.

    With residuals r: ``1/M Σ_m r_m = 0``; ``1/M Σ_m x_mi r_m = penalty · sign(w_i)`` where w_i ≠ 0, and its absolute
    value at most the penalty where w_i = 0 (Karush–Kuhn–Tucker).
    """
    x, y = np.array(x, float), np.array(y, float)
    residuals = [
        value - intercept - sum(w * z for w, z in zip(weights, row, strict=True))
        for row, value in zip(x, y, strict=True)
    ]
    worst = abs(sum(residuals) / len(y))
    for i, w in enumerate(weights):
        slope = sum(row[i] * r for row, r in zip(x, residuals, strict=True)) / len(y)
        gap = abs(slope - penalty * np.sign(w)) if w != 0 else max(0.0, abs(slope) - penalty)
        worst = max(worst, gap)
    return worst


def lasso(x, y, penalty, sweeps=2000, tolerance=1e-13):
    """Minimises `lasso_objective` one coordinate at a time: ``w_i ← S(1/M Σ x_mi r_m^(-i), penalty) / (1/M Σ x_mi²)``.

    S(a, t) = sign(a) max(|a| - t, 0) (Friedman et al. 2010, eqs. 5 and 6); r^(-i) are the residuals without feature i.
    Returns (w, c).
    """
    x, y = np.array(x, float), np.array(y, float)
    rows, n = x.shape
    weights, intercept = np.zeros(n), 0.0
    for _ in range(sweeps):
        intercept = (y - x @ weights).mean()
        for i in range(n):
            partial = y - intercept - x @ weights + x[:, i] * weights[i]
            square = x[:, i] @ x[:, i] / rows
            pull = x[:, i] @ partial / rows
            weights[i] = 0.0 if square == 0 else np.sign(pull) * max(abs(pull) - penalty, 0.0) / square
        if lasso_violation(x, y, weights, intercept, penalty) < tolerance:
            return weights, intercept
    raise ValueError(f"The LASSO has not converged in {sweeps} sweeps.")


def context_cite(masks, values, tokens, penalty=0.01):
    """Weights and intercept of the surrogate ``f(z) = c + w·z`` of the logit-probabilities ``values``, in their unit.

    As the authors' code fits it: `standardised` masks, the values divided by the number of response ``tokens``, the
    LASSO with an unpenalised intercept, then both scales undone: ``w_i = tokens · β_i / scale_i`` and
    ``c = tokens · (c' - Σ_i β_i mean_i / scale_i)``. The masks are drawn Bernoulli(1/2) (section 3).
    """
    x, mean, scale = standardised(masks)
    slopes, offset = lasso(x, [value / tokens for value in values], penalty)
    weights = np.array([tokens * slope / s for slope, s in zip(slopes, scale, strict=True)])
    return weights, tokens * offset - sum(w * m for w, m in zip(weights, mean, strict=True))
