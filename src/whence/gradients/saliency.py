"""Saliency."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from jaxtyping import Float
from torch import Tensor

from whence.errors import InputError
from whence.gradients.engine import Point
from whence.gradients.layers import check_layer
from whence.gradients.method import PerDimension, PointMethod
from whence.methods.run import Run
from whence.methods.values import Place
from whence.subjects.subject import Subject

Form = Literal["norm", "signed", "absolute"]


@dataclass(frozen=True)
class Saliency(PointMethod):
    """How steeply the target changes with each token's embedding.

    Formula: with g_i = ∂f/∂x_i, score_i = ‖g_i‖₂ (`form="norm"`), Σ_d g_{i,d} ("signed") or Σ_d |g_{i,d}| ("absolute").
    Source: Simonyan et al. 2013, "Deep Inside Convolutional Networks", section 3, where an image's score is the largest
    |g_{i,d}| of a pixel; the norm for text: Li et al. 2016, "Visualizing and Understanding Neural Models in NLP".
    Shapes and units: one score a token and target, in the target's unit per unit of embedding; "norm" and "absolute"
    are at least 0.
    Cost: one forward pass, one backward pass for each target row.
    Errors: `InputError` for an unknown form or layer, `UnsupportedError` for a layer whose tokens are not the input's.
    Does not claim: a direction ("norm", "absolute"); that the sum over dimensions of "signed" is a direction anybody
    would move in; that scores add up; that a token matters when it is changed by more than a little.

    `layer` takes the gradient with respect to the output of that block (from 0, negative ones from the end) in the
    place of the embeddings.

    >>> Saliency(form="signed").cost(tokens=10, rows=3)
    Cost(forwards=1, backwards=3)
    """

    form: Form = "norm"
    layer: int | None = None

    key: ClassVar[str] = "saliency"
    caveat: ClassVar[str] = (
        "Saliency says how sensitive the prediction is to a small change of a token's embedding, not how much of the "
        "prediction is due to the token."
    )

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise InputError(f"Unknown form {self.form!r} of saliency. Known: {', '.join(get_args(Form))}.")
        check_layer(self.layer)

    @property
    def scores_unit(self) -> str:
        """The unit of a slope."""
        return "target's unit per unit of embedding"

    @property
    def signed(self) -> bool:
        """Only where dimensions are added up with their sign."""
        return self.form == "signed"

    @property
    def linear(self) -> bool:
        """Only where dimensions are added up as they are."""
        return self.form == "signed"

    @property
    def at_layer(self) -> int | None:
        """The layer asked for."""
        return self.layer

    def points(self, subject: Subject, places: Sequence[Place], run: Run) -> list[Point]:
        """The place itself, its gradient as it is."""
        return [Point(i, 1.0, place.embeds.clone) for i, place in enumerate(places)]

    def reduced(self, attributions: PerDimension) -> Float[Tensor, "row token"]:
        """The gradient's norm, or its sum with or without signs."""
        if self.form == "norm":
            return attributions.norm(dim=-1)
        return (attributions.abs() if self.form == "absolute" else attributions).sum(dim=-1)
