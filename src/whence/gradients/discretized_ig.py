"""Discretized integrated gradients."""

from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Int
from torch import Tensor

from whence.gradients.neighbours import Neighbours
from whence.gradients.word_paths import Rows, Strategy, WordPathMethod
from whence.methods.baselines import Baseline


@dataclass(frozen=True)
class DiscretizedIG(WordPathMethod):
    """Integrated gradients along a path that goes from token to neighbouring token (DIG).

    Formula: score_i = Σ_k Σ_d ∂f(xᵏ)/∂x_{i,d} · (x^{k+1}_{i,d} − xᵏ_{i,d}), over points x⁰ = x', ..., x^{m+1} = x of a
    path that is monotonic in every dimension, m = `steps`. From the input back: among the `neighbours` tokens nearest
    to the last anchor token w (the input's, at first), tokens of the path and the baseline left out, the next anchor a
    is the one nearest to its monotonic form (`strategy="greedy"`), or with the most dimensions between w and x'
    ("maxcount"). The monotonic form of a between e and x' is a, but e − (e − x')/m in dimensions where a is not between
    them. The path's point is the monotonic form of a between the point before and x'. Where no token is left, the path
    goes to the baseline.
    Source: Sanyal and Ren 2021, "Discretized Integrated Gradients for Explaining Language Models", equations 3 to 5,
    section 3.2; where the text leaves open what neighbours and monotonic forms are taken of, as in the authors' code.
    Shapes and units: one score a token and target, in the target's unit; `baseline_value` is f(x').
    Cost: (`steps` + 1) · 2^`upscale` + 2 forward passes, (`steps` + 1) · 2^`upscale` backward passes for each target
    row; besides, the distances of each anchor to all tokens, once for each token and model.
    Errors: as integrated gradients; `UnsupportedError` for a subject without a vocabulary, such as images. A warning
    where the residual is more than a fifth of value − baseline value.
    Does not claim: that the points are tokens: most anchors are moved in many dimensions to keep the path monotonic;
    that a left Riemann sum over so few points has converged: the residual says.

    - `upscale`: how often to halve the parts of the path.
    - `baseline` and `baseline_text` as in integrated gradients; "auto" is the mask token, or the first of pad, unk and
      eos that there is, or zero (the authors use pad, and leave [CLS] and [SEP] where they are: here all tokens move).

    Control tokens are no anchors.

    >>> DiscretizedIG(steps=9, upscale=1).cost(tokens=10, rows=2)
    Cost(forwards=22, backwards=40)
    """

    steps: int = 30
    strategy: Strategy = "greedy"
    neighbours: int = 500
    upscale: int = 0
    baseline: Baseline = "auto"
    baseline_text: Any = None

    key: ClassVar[str] = "discretized_ig"
    caveat: ClassVar[str] = (
        "Discretized integrated gradients follow a path near real tokens, which makes each step meaningful and the sum "
        "coarse: see the residual."
    )

    def _candidates(
        self, near: Neighbours, step: int, words: Int[Tensor, " token"], start: Rows, end: Rows
    ) -> Int[Tensor, "token candidate"]:
        """The tokens nearest to the last anchors."""
        return near.of_tokens(words)
