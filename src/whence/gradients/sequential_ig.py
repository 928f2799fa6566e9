"""Sequential integrated gradients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float

from whence.gradients.engine import Point, weighted_gradients
from whence.gradients.method import GradientMethod, places_of
from whence.gradients.paths import Way
from whence.gradients.quadrature import Quadrature, check_quadrature, quadrature_points
from whence.methods.base import Cost, Explanation
from whence.methods.baselines import Baseline, baseline_embeddings, check_baseline, resolved_baseline
from whence.methods.checks import check_whole
from whence.methods.run import Run
from whence.methods.values import Embeds, Place, target_values, values_at
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Readout, Target

_TOKENS_AT_ONCE = 64
"""Inputs with one token at its baseline that are held at a time."""


@dataclass(frozen=True)
class SequentialIG(GradientMethod):
    """Integrated gradients of each token on its own: it alone moves from its baseline, all others stay.

    Formula: score_i = Σ_d (x_{i,d} − x'_{i,d}) · ∫₀¹ ∂f(x̄ⁱ + α(x − x̄ⁱ))/∂x_{i,d} dα, with x̄ⁱ the input with token i
    at its baseline x'_i, the integral by `quadrature` in `steps` points. Completeness holds for each token,
    score_i = f(x) − f(x̄ⁱ), up to the quadrature's error, which `provenance["token_residual"]` gives `(target, token)`.
    Source: Enguehard 2023, "Sequential Integrated Gradients: a simple but effective method for explaining language
    models", section 3, without its division by the norm of all scores, so that scores keep their unit.
    Shapes and units: one score a token and target, in the target's unit.
    Cost: for n tokens n · `steps` + n + 1 forward passes and n · `steps` backward passes for each target row.
    Errors: as integrated gradients.
    Does not claim: that scores add up to anything: each is the whole effect of its token, so tokens that can stand in
    for each other all score low.

    `baseline` and `baseline_text` as in integrated gradients; "auto" is the mask token, as in the paper, where the
    tokenizer has one, else its pad, unk or eos token, or zero.

    >>> SequentialIG(steps=4).cost(tokens=10, rows=2)
    Cost(forwards=51, backwards=80)
    """

    steps: int = 8
    baseline: Baseline = "auto"
    quadrature: Quadrature = "gauss_legendre"
    baseline_text: Any = None

    key: ClassVar[str] = "sequential_ig"
    caveat: ClassVar[str] = (
        "Sequential integrated gradients measure one token at a time with all others in place: scores do not add up, "
        "and tokens that can stand in for each other all score low."
    )

    def __post_init__(self) -> None:
        check_whole("steps", self.steps, 1)
        check_baseline(self.baseline, self.baseline_text)
        check_quadrature(self.quadrature, self.steps)

    def cost(self, tokens: int, rows: int) -> Cost:
        """The input, each token at its baseline, and each token's path with a backward a row."""
        points = self.points_cost(tokens, rows)
        return Cost(1 + tokens + points.forwards, points.backwards)

    def points_cost(self, tokens: int, rows: int) -> Cost:
        """Each token's path, with a backward a row."""
        return Cost(tokens * self.steps, tokens * self.steps * rows)

    def points(self, subject: Subject, places: Sequence[Place], run: Run) -> list[Point]:
        """For every token the nodes of the quadrature, and the gradient of that token alone."""
        starts = baseline_embeddings(subject, places, self.baseline, self.baseline_text, run.seed)
        return [
            point
            for i, (place, start) in enumerate(zip(places, starts, strict=True))
            for point in self._nodes(i, Way(place.inputs, start, place.embeds))
        ]

    def _nodes(self, item: int, way: Way) -> list[Point]:
        nodes, weights = (found.tolist() for found in quadrature_points(self.quadrature, self.steps))
        return [
            Point(item, partial(_of_token, token, way.times(weight)), _moved(way, token, node))
            for token in range(len(way.inputs))
            for node, weight in zip(nodes, weights, strict=True)
        ]

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        values, readouts = target_values(subject, inputs, targets, run)
        places = places_of(subject, inputs)
        starts = baseline_embeddings(subject, places, self.baseline, self.baseline_text, run.seed)
        ways = [Way(place.inputs, start, place.embeds) for place, start in zip(places, starts, strict=True)]
        points = [point for i, way in enumerate(ways) for point in self._nodes(i, way)]
        found = weighted_gradients(subject, inputs, points, run, readouts=readouts, label=self.key)
        explanations = []
        for way, one, value, rows in zip(ways, found, values, readouts, strict=True):
            scores = self.reduced(one.total).cpu().double().numpy()
            change = value.numpy()[:, None] - _without_each(subject, way, rows, run)
            explanations.append(
                Explanation(
                    readouts=rows,
                    scores=scores,
                    values=value.numpy(),
                    baseline_values=None,
                    cost=Cost(one.cost.forwards + 1 + len(way.inputs), one.cost.backwards),
                    resolved={"baseline": resolved_baseline(subject, self.baseline)},
                    notes={"token_residual": (change - scores).tolist()},
                )
            )
        return explanations


def _moved(way: Way, token: int, alpha: float) -> Callable[[], Embeds]:
    """What makes the input with one token so far on its way."""

    def make() -> Embeds:
        embeds = way.end.clone()
        embeds[token] = torch.lerp(way.start[token], way.end[token], alpha)
        return embeds

    return make


def _of_token(token: int, weight: Callable[[Embeds], Embeds], at: Embeds) -> Embeds:
    """The weight at one token, and none at all others."""
    every = weight(at)
    alone = torch.zeros_like(every)
    alone[token] = every[token]
    return alone


def _without_each(subject: Subject, way: Way, readouts: Sequence[Readout], run: Run) -> Float[np.ndarray, "row token"]:
    """The target values with each token in turn at its baseline."""
    found: list[torch.Tensor] = []
    for first in range(0, len(way.inputs), _TOKENS_AT_ONCE):
        tokens = range(first, min(first + _TOKENS_AT_ONCE, len(way.inputs)))
        embeds = [_moved(way, token, 0.0)() for token in tokens]
        found += values_at(subject, [way.inputs] * len(tokens), embeds, [readouts] * len(tokens), run)
    return torch.stack(found, dim=1).numpy()
