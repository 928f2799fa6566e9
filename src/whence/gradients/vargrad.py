"""VarGrad."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from whence.gradients.noise import Draws, SquaredNoiseMethod


@dataclass(frozen=True)
class VarGrad(SquaredNoiseMethod):
    """How much a gradient method's attributions vary with noise on the embeddings.

    Formula: with A(x) the attributions of `method` per dimension and Ā their mean over draws,
    score_i = Σ_d 1/n Σ_s (A_{i,d}(x + ε_s) − Ā_{i,d})², n = `samples`. ε_{s,i,d} is normal with standard deviation
    `noise` · (max_d x_{i,d} − min_d x_{i,d}), the range of the token's own embedding.
    Source: Adebayo et al. 2018, "Local Explanation Methods for Deep Neural Networks Lack Sensitivity to Parameter
    Values", section 2, for A the gradient.
    Shapes and units: one score a token and target, at least 0, in the square of the unit of `method`.
    Cost: one forward pass, and `samples` times what the points of `method` cost.
    Errors: `InputError` for a method that is no gradient method, or for parameters out of range.
    Does not claim: a direction; that scores add up. Where the model is linear in a token, its score is 0.

    `method` is a gradient method or its name.

    >>> VarGrad(samples=10).cost(tokens=10, rows=2)
    Cost(forwards=11, backwards=20)
    """

    key: ClassVar[str] = "vargrad"
    caveat: ClassVar[str] = (
        "VarGrad measures how unsteady a gradient is under noise, not how much the prediction is due to a token."
    )

    def _summary(self, draws: Draws) -> tuple[torch.Tensor, torch.Tensor | None]:
        return draws.attributions.variance.sum(dim=-1), None
