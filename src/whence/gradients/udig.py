"""Uniform discretized integrated gradients."""

from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Int
from torch import Tensor

from whence.gradients.neighbours import Neighbours
from whence.gradients.word_paths import Rows, Strategy, WordPathMethod
from whence.methods.baselines import Baseline


@dataclass(frozen=True)
class UDIG(WordPathMethod):
    """Integrated gradients along a path of real tokens' neighbourhoods that keeps to the straight line (UDIG).

    Formula: as discretized integrated gradients, score_i = Σ_k Σ_d ∂f(xᵏ)/∂x_{i,d} · (x^{k+1}_{i,d} − xᵏ_{i,d}), but
    the candidates for anchor number s of m = `steps` are the `neighbours` tokens nearest to the point
    x' + (m + 1 − s)/(m + 1) · (x − x') of the straight line.
    Source: Sinha Roy and Kundu 2024, "Uniform Discretized Integrated Gradients: An effective attribution based method
    for explaining large language models", section 3, and the authors' code, which this follows; where that finds no
    candidate left it stops with an error, here the path goes to the baseline.
    Shapes and units: one score a token and target, in the target's unit; `baseline_value` is f(x').
    Cost: (`steps` + 1) · 2^`upscale` + 2 forward passes, (`steps` + 1) · 2^`upscale` backward passes for each target
    row; besides, the distances of `steps` points of each token to all tokens.
    Errors: as integrated gradients; `UnsupportedError` for a subject without a vocabulary, such as images. A warning
    where the residual is more than a fifth of value − baseline value.
    Does not claim: that the points are tokens: most anchors are moved in many dimensions to keep the path monotonic;
    that a left Riemann sum over so few points has converged: the residual says.

    `strategy`, `upscale`, `baseline` and `baseline_text` as in discretized integrated gradients; the paper's baseline
    is the mask token, which "auto" takes where there is one.

    >>> UDIG(steps=9).cost(tokens=10, rows=2)
    Cost(forwards=12, backwards=20)
    """

    steps: int = 30
    strategy: Strategy = "greedy"
    neighbours: int = 50
    upscale: int = 0
    baseline: Baseline = "auto"
    baseline_text: Any = None

    key: ClassVar[str] = "udig"
    caveat: ClassVar[str] = (
        "Uniform discretized integrated gradients follow a path near real tokens and near the straight line; their sum "
        "is coarse: see the residual."
    )

    def _candidates(
        self, near: Neighbours, step: int, words: Int[Tensor, " token"], start: Rows, end: Rows
    ) -> Int[Tensor, "token candidate"]:
        """The tokens nearest to the point of the straight line, from the input back."""
        return near.of_points(start + (self.steps - step) / (self.steps + 1) * (end - start))
