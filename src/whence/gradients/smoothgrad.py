"""SmoothGrad."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from whence.gradients.input_x_gradient import InputXGradient
from whence.gradients.method import GradientMethod
from whence.gradients.noise import Draws, NoiseMethod


@dataclass(frozen=True)
class SmoothGrad(NoiseMethod):
    """A gradient method's attributions, averaged over noise on the embeddings.

    Formula: with A(x) the attributions of `method` per dimension, Ā = 1/n Σ_s A(x + ε_s), n = `samples`, and scores
    are Ā reduced as `method` reduces A. ε_{s,i,d} is normal with standard deviation `noise` · (max_d x_{i,d} −
    min_d x_{i,d}), the range of the token's own embedding.
    Source: Smilkov et al. 2017, "SmoothGrad: removing noise by adding noise", section 3, for A the gradient
    (`method=Saliency()`) and the range of the whole image; the range of all tokens would make a token's noise depend
    on those behind it.
    Shapes and units: one score a token and target, in the unit of `method`; where `method` adds up dimensions as they
    are, `provenance["standard_error"]` gives each score's standard error over the draws.
    Cost: one forward pass, and `samples` times what the points of `method` cost.
    Errors: `InputError` for a method that is no gradient method, or for parameters out of range.
    Does not claim: that scores add up; that noisy embeddings are inputs the model knows.

    `method` is a gradient method or its name.

    >>> SmoothGrad(samples=10).cost(tokens=10, rows=2)
    Cost(forwards=11, backwards=20)
    """

    method: str | GradientMethod = InputXGradient()  # noqa: RUF009
    samples: int = 20
    noise: float = 0.1

    key: ClassVar[str] = "smoothgrad"
    caveat: ClassVar[str] = (
        "SmoothGrad averages over embeddings that are no token's; how much noise is added decides what is smoothed."
    )

    @property
    def scores_unit(self) -> str | None:
        """That of the method wrapped."""
        return self.inner.scores_unit

    @property
    def signed(self) -> bool:
        """Whether the method wrapped is."""
        return self.inner.signed

    def _summary(self, draws: Draws) -> tuple[torch.Tensor, torch.Tensor | None]:
        errors = draws.scores.standard_error if self.inner.linear else None
        return self.inner.reduced(draws.attributions.mean), errors
