"""SquareGrad."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from whence.gradients.noise import Draws, SquaredNoiseMethod


@dataclass(frozen=True)
class SquareGrad(SquaredNoiseMethod):
    """A gradient method's attributions, squared and averaged over noise on the embeddings.

    Formula: with A(x) the attributions of `method` per dimension, score_i = Σ_d 1/n Σ_s A_{i,d}(x + ε_s)²,
    n = `samples`. ε_{s,i,d} is normal with standard deviation `noise` · (max_d x_{i,d} − min_d x_{i,d}), the range of
    the token's own embedding.
    Source: Hooker et al. 2018, "A Benchmark for Interpretability Methods in Deep Neural Networks", section 4.2
    (SmoothGrad-Squared), for A the gradient.
    Shapes and units: one score a token and target, at least 0, in the square of the unit of `method`.
    Cost: one forward pass, and `samples` times what the points of `method` cost.
    Errors: `InputError` for a method that is no gradient method, or for parameters out of range.
    Does not claim: a direction; that scores add up.

    `method` is a gradient method or its name.

    >>> SquareGrad(samples=10).cost(tokens=10, rows=2)
    Cost(forwards=11, backwards=20)
    """

    key: ClassVar[str] = "squaregrad"
    caveat: ClassVar[str] = (
        "SquareGrad says how large a gradient is around the input, not in which direction nor how much of the "
        "prediction is due to a token."
    )

    def _summary(self, draws: Draws) -> tuple[torch.Tensor, torch.Tensor | None]:
        found = draws.attributions
        return (found.variance + found.mean**2).sum(dim=-1), None
