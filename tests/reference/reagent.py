"""ReAGent: a distribution of importance over the tokens of a context, updated by what random replacements change."""

import math

import numpy as np


def softmax(scores):
    """``exp(s_i) / Σ_j exp(s_j)``, shifted by the largest."""
    top = max(scores)
    raw = [math.exp(s - top) for s in scores]
    return np.array(raw) / sum(raw)


def update(scores, replaced, before, after):
    """One step on the logistic scores: ``s_i ← s_i + g(Δp)`` where token i was replaced, ``s_i + g(-Δp)`` where not.

    ``Δp = p(target | context) - p(target | context with the replaced tokens)`` and ``g(x) = logit((1 + x) / 2) =
    log((1 + x) / (1 - x))``, an odd function, so the same amount goes up or down (Zhao & Shan 2024, as their code
    computes it; g is infinite at ±1).
    """
    change = before - after
    step = math.log((1 + change) / (1 - change))
    return np.array([s + step if is_replaced else s - step for s, is_replaced in zip(scores, replaced, strict=True)])


def rationale(distribution, size):
    """The ``size`` positions of the largest importance, the first of equals first."""
    return sorted(range(len(distribution)), key=lambda i: (-distribution[i], i))[:size]


def replace(tokens, replaced, others):
    """``tokens`` with those of ``others`` wherever ``replaced`` holds."""
    return [other if changed else token for token, changed, other in zip(tokens, replaced, others, strict=True)]


def run(probability, holds, tokens, start, draws, size):
    """One run: (distribution, steps taken, stopped or not).

    ``probability(tokens)`` is that of the target; ``holds(tokens)`` says if the target is among the top k predictions.
    ``start`` are the first logistic scores (uniform draws of [0, 1) in the authors' code), ``draws`` the random choices
    of each step: the mask of replaced tokens, the tokens put there, and the tokens put in for the stopping rule. After
    each step all tokens outside the `rationale` of ``size`` are replaced; the run stops when the target still `holds`.
    """
    before = probability(list(tokens))
    scores = np.array(start, float)
    for step, (replaced, others, fillers) in enumerate(draws, start=1):
        scores = update(scores, replaced, before, probability(replace(tokens, replaced, others)))
        kept = rationale(softmax(scores), size)
        rest = [i not in kept for i in range(len(tokens))]
        if holds(replace(tokens, rest, fillers)):
            return softmax(scores), step, True
    return softmax(scores), len(draws), False


def reagent(probability, holds, tokens, starts, draws, size):
    """Mean of the distributions of those independent runs that stopped; an error where none did (their code: 0/0)."""
    stopped = [
        distribution
        for start, own in zip(starts, draws, strict=True)
        for distribution, _, has_stopped in [run(probability, holds, tokens, start, own, size)]
        if has_stopped
    ]
    if not stopped:
        raise ValueError(f"None of {len(starts)} runs stopped, so there is no mean to take.")
    return np.stack(stopped).mean(axis=0)
