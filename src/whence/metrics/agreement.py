"""Rank agreement of explanations."""

from itertools import permutations

import numpy as np
from jaxtyping import Float

from whence.records import Agreement, Attribution

_COUNTED_OUT = 8
"""Up to how many tokens all orders are tried: 8! = 40,320."""


def agreements(attributions: tuple[Attribution, ...], k: int = 3) -> tuple[Agreement, ...]:
    """The agreement of every pair of explanations on every target row.

    Spearman's ρ and Kendall's τ_b of the signed scores, each with its two-sided p-value against independence, and the
    share of the k tokens of largest |score| that both have. Up to eight tokens the p-values count all orders out;
    beyond, they are scipy's. Only tokens the target can depend on are compared: those in front of it.
    With fewer than three tokens, or constant scores, there is no correlation and it is None; constant scores have no
    top tokens either.
    Source: Kendall 1938, Spearman 1904; for explanations Krishna et al. 2022, "The Disagreement Problem".
    Does not claim: that agreement is truth. The p-values treat tokens as independent, which neighbours are not.
    """
    found = []
    for first in range(len(attributions)):
        for second in range(first + 1, len(attributions)):
            for row in range(len(attributions[first].targets)):
                reach = attributions[first].visible(row)
                a, b = (attributions[i].scores[row, :reach] for i in (first, second))
                found.append(
                    Agreement(first, second, row, len(a), *_correlations(a, b), min(k, len(a)), _overlap(a, b, k))
                )
    return tuple(found)


def _correlations(
    a: Float[np.ndarray, " token"], b: Float[np.ndarray, " token"]
) -> tuple[float | None, float | None, float | None, float | None]:
    from scipy import stats

    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None, None, None, None
    spearman, kendall = stats.spearmanr(a, b), stats.kendalltau(a, b)
    p_values = _counted_out(a, b) if len(a) <= _COUNTED_OUT else (float(spearman.pvalue), float(kendall.pvalue))
    return float(spearman.statistic), p_values[0], float(kendall.statistic), p_values[1]


def _counted_out(a: Float[np.ndarray, " token"], b: Float[np.ndarray, " token"]) -> tuple[float, float]:
    """For ρ and τ, the share of all orders of b that correlate with a as strongly, either way, as the one it has."""
    from scipy.stats import rankdata

    orders = np.array(list(permutations(rankdata(b))))
    first, second = np.triu_indices(len(a), 1)
    rho = orders @ (rankdata(a) - (len(a) + 1) / 2)
    tau = np.sign(orders[:, first] - orders[:, second]) @ np.sign(a[first] - a[second])
    return tuple(float(np.mean(np.abs(s) >= np.abs(s[0]) - 1e-9)) for s in (rho, tau))  # type: ignore[return-value]


def _overlap(a: Float[np.ndarray, " token"], b: Float[np.ndarray, " token"], k: int) -> float | None:
    if len(a) > 1 and (np.ptp(np.abs(a)) == 0 or np.ptp(np.abs(b)) == 0):
        return None
    k = min(k, len(a))
    top_a, top_b = (set(np.argsort(-np.abs(x), kind="stable")[:k].tolist()) for x in (a, b))
    return len(top_a & top_b) / k
