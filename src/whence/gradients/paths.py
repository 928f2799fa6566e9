"""Ways from a baseline to an input, their points and their ends."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float

from whence.errors import WhenceWarning
from whence.gradients.engine import Point
from whence.methods.base import Explanation
from whence.methods.run import Run
from whence.methods.values import Embeds, target_values, values_at
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Readout, Target

_WORTH_A_WARNING = 0.2
"""The share of value − baseline value from which a residual is warned of."""


@dataclass(frozen=True, eq=False)
class Way:
    """The straight way of one input from its baseline to where it is explained."""

    inputs: Inputs
    start: Embeds
    end: Embeds

    def at(self, alpha: float) -> Callable[[], Embeds]:
        """What makes the point `alpha` of the way."""
        return partial(torch.lerp, self.start, self.end, alpha)

    def times(self, share: float) -> Callable[[Embeds], Embeds]:
        """The weight that multiplies a gradient by a share of the way."""
        return partial(_step, self.start, self.end, share)


@dataclass(frozen=True, eq=False)
class Ends:
    """The targets of one input, and their values at the input and at its baseline."""

    readouts: Sequence[Readout]
    values: Float[np.ndarray, " row"]
    baseline_values: Float[np.ndarray, " row"]

    @property
    def change(self) -> Float[np.ndarray, " row"]:
        """What scores are to add up to."""
        return self.values - self.baseline_values


def along(item: int, way: Way, alpha: float, share: float) -> Point:
    """The point `alpha` of the way, its gradient times `share` of the way in each dimension."""
    return Point(item, way.times(share), way.at(alpha))


def ends_of(
    subject: Subject, inputs: Sequence[Inputs], starts: Sequence[Embeds], targets: Sequence[Target], run: Run
) -> list[Ends]:
    """The targets' values at both ends: two forward passes for each input."""
    values, readouts = target_values(subject, inputs, targets, run)
    before = values_at(subject, inputs, starts, readouts, run)
    return [Ends(r, v.numpy(), b.numpy()) for r, v, b in zip(readouts, values, before, strict=True)]


def warn_of_residual(name: str, explanations: Sequence[Explanation], advice: str) -> None:
    """Say so when the scores miss the change they should add up to by more than a fifth of it."""
    shares = []
    for found in explanations:
        change = found.values - found.baseline_values
        missed = np.abs(change - found.scores.sum(axis=1))
        shares += (missed / np.maximum(np.abs(change), 1e-12)).tolist()
    worst = max(shares)
    if worst > _WORTH_A_WARNING:
        warnings.warn(
            f"{name} have not converged: the residual is up to {worst:.0%} of value − baseline value. "
            f"The scores are no better than that. {advice}",
            WhenceWarning,
            stacklevel=3,
        )


def _step(start: Embeds, end: Embeds, share: float, at: Embeds) -> Embeds:
    wide = torch.promote_types(end.dtype, torch.float32)
    return share * (end.to(wide) - start.to(wide))
