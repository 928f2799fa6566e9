"""Input × gradient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from whence.gradients.engine import Point
from whence.gradients.layers import check_layer
from whence.gradients.method import PointMethod
from whence.methods.run import Run
from whence.methods.values import Embeds, Place
from whence.subjects.subject import Subject


@dataclass(frozen=True)
class InputXGradient(PointMethod):
    """The target's first-order change as each token's embedding is scaled away from zero.

    Formula: score_i = Σ_d x_{i,d} · ∂f/∂x_{i,d}, with x_i the input embedding of token i, or with `layer` the output of
    that block at token i (layer gradient × activation).
    Source: Shrikumar et al. 2016, "Not Just a Black Box", section 2; Denil et al. 2014 for text.
    Shapes and units: one score a token and target, in the target's unit.
    Cost: one forward pass, one backward pass for each target row.
    Errors: `InputError` for an unknown layer, `UnsupportedError` for a layer whose tokens are not the input's.
    Does not claim: that scores add up to the value; that a token matters when it is changed by more than a little; with
    `layer`, that what a layer holds at a token comes from that token.

    `layer` counts from 0, negative ones from the end; None stands for the input embeddings.

    >>> InputXGradient().cost(tokens=10, rows=3)
    Cost(forwards=1, backwards=3)
    """

    layer: int | None = None

    key: ClassVar[str] = "input_x_gradient"
    caveat: ClassVar[str] = (
        "Input × gradient is a local linear estimate: it does not add up to the prediction, and where the model "
        "saturates it can be small for tokens that matter."
    )

    def __post_init__(self) -> None:
        check_layer(self.layer)

    @property
    def at_layer(self) -> int | None:
        """The layer asked for."""
        return self.layer

    def points(self, subject: Subject, places: Sequence[Place], run: Run) -> list[Point]:
        """The place itself, its gradient times what it is the gradient of."""
        return [Point(i, _itself, place.embeds.clone) for i, place in enumerate(places)]


def _itself(embeds: Embeds) -> Embeds:
    return embeds
