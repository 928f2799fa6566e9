"""Integrated gradients."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal, get_args

import numpy as np
import torch

from whence.errors import InputError, WhenceWarning
from whence.gradients.engine import Point, input_embeddings, weighted_gradients
from whence.methods.base import Cost, Explanation, Method
from whence.methods.baseline import Baseline, baseline_embeddings, refuse_unknown_baseline
from whence.methods.run import Run
from whence.methods.values import target_values, values_at
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Target

_WORTH_A_WARNING = 0.2
"""The share of value − baseline value from which a residual is warned of."""

Quadrature = Literal["gauss_legendre", "midpoint", "left", "right", "trapezoid"]


@dataclass(frozen=True)
class IntegratedGradients(Method):
    """The gradient, averaged along the straight path from a baseline to the input, times the way travelled.

    Formula: score_i = Σ_d (x_{i,d} − x'_{i,d}) · ∫₀¹ ∂f(x' + α(x − x'))/∂x_{i,d} dα, the integral by `quadrature` in
    `steps` points. By completeness Σ_i score_i = f(x) − f(x') up to the quadrature's error, which is the residual.
    Source: Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks", equations 1 and 3, Proposition 1.
    Shapes and units: one score a token and target, in the target's unit; `baseline_value` is f(x').
    Cost: `steps` + 2 forward passes, `steps` backward passes for each target row.
    Errors: `InputError` for unknown parameters, `UnsupportedError` for a baseline token the tokenizer lacks; a warning
    where the residual is more than a fifth of value − baseline value.
    Does not claim: that the baseline is a neutral text, or that points between embeddings mean anything to the model.

    `baseline` replaces every token: "zero" by a zero embedding, the others by that token's embedding.

    >>> IntegratedGradients(steps=64).cost(tokens=10, rows=2)
    Cost(forwards=66, backwards=128)
    """

    steps: int = 32
    baseline: Baseline = "zero"
    quadrature: Quadrature = "gauss_legendre"

    key: ClassVar[str] = "integrated_gradients"
    family: ClassVar[str] = "gradients"
    needs: ClassVar[frozenset[str]] = frozenset({"embeddings"})
    complete: ClassVar[bool] = True
    caveat: ClassVar[str] = (
        "Integrated gradients explain the change from a baseline, which for text is not a natural input; another "
        "baseline gives other scores. A large residual means that the integral has not converged."
    )

    def __post_init__(self) -> None:
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 1:
            raise InputError(f"Integrated gradients want a whole number of steps, at least 1, got {self.steps!r}.")
        refuse_unknown_baseline(self.baseline)
        if self.quadrature not in get_args(Quadrature):
            raise InputError(f"Unknown quadrature {self.quadrature!r}. Known: {', '.join(get_args(Quadrature))}.")

    def cost(self, tokens: int, rows: int) -> Cost:
        """Both ends of the path once, and each point with a backward a row."""
        return Cost(self.steps + 2, self.steps * rows)

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        embeds = input_embeddings(subject, inputs)
        baselines = [
            baseline_embeddings(subject, item, x, self.baseline) for item, x in zip(inputs, embeds, strict=True)
        ]
        values, readouts = target_values(subject, inputs, targets, run)
        baseline_values = values_at(subject, inputs, baselines, readouts, run)
        nodes, weights = quadrature_points(self.quadrature, self.steps)
        points = [
            Point(i, float(weight), partial(torch.lerp, b, x, float(node)))
            for i, (x, b) in enumerate(zip(embeds, baselines, strict=True))
            for node, weight in zip(nodes, weights, strict=True)
        ]
        found = weighted_gradients(subject, inputs, points, run, readouts=readouts, label=self.key)
        explanations = [
            Explanation(
                readouts=g.readouts,
                scores=(g.total * (x - b)).sum(dim=-1).cpu().double().numpy(),
                values=value.cpu().numpy(),
                baseline_values=baseline_value.cpu().numpy(),
                cost=Cost(g.cost.forwards + 2, g.cost.backwards),
            )
            for g, x, b, value, baseline_value in zip(found, embeds, baselines, values, baseline_values, strict=True)
        ]
        _warn_of_residual(explanations)
        return explanations


def _warn_of_residual(explanations: Sequence[Explanation]) -> None:
    """Say so when the scores miss the change they should add up to by more than a fifth of it."""
    shares = []
    for found in explanations:
        change = found.values - found.baseline_values
        missed = np.abs(change - found.scores.sum(axis=1))
        shares += (missed / np.maximum(np.abs(change), 1e-12)).tolist()
    worst = max(shares)
    if worst > _WORTH_A_WARNING:
        warnings.warn(
            f"Integrated gradients have not converged: the residual is up to {worst:.0%} of value − baseline value. "
            f"The scores are no better than that. More steps or another baseline can help; on some language models "
            f"hundreds of steps do not.",
            WhenceWarning,
            stacklevel=2,
        )


def quadrature_points(rule: Quadrature, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in [0, 1] and weights that add up to 1, `steps` of each.

    >>> quadrature_points("midpoint", 2)[0].tolist()
    [0.25, 0.75]
    """
    if rule == "gauss_legendre":
        nodes, weights = np.polynomial.legendre.leggauss(steps)
        return (nodes + 1) / 2, weights / 2
    if rule == "trapezoid":
        if steps == 1:
            raise InputError("The trapezoid rule needs at least 2 steps, got 1.")
        weights = np.full(steps, 1 / (steps - 1))
        weights[[0, -1]] /= 2
        return np.linspace(0, 1, steps), weights
    shift = {"left": 0.0, "midpoint": 0.5, "right": 1.0}[rule]
    return (np.arange(steps) + shift) / steps, np.full(steps, 1 / steps)
