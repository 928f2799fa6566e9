"""Occlusion."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from whence.errors import InputError
from whence.methods.base import Cost
from whence.perturbation.engine import Estimate, Game, Masks, PerturbationMethod, Play


@dataclass(frozen=True)
class Occlusion(PerturbationMethod):
    """How much the target falls, on average, when a window of neighbouring features is masked that covers the feature.

    Formula: score_i = 1/|W_i| Σ_{w in W_i} (f(x) − f(x without w)), W_i the windows that cover feature i: `window`
    features side by side, a window every `stride` features from the first on, the last one cut off at the end; of an
    image squares of `window` by `window` units.
    Source: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 4.2; the mean over
    the windows that cover a unit as in common use.
    Shapes and units: one score a feature and target, in the target's unit. A window's whole effect goes to each of its
    features.
    Cost: one forward pass for the input and one for each window, no backward pass.
    Errors: `InputError` for a window or stride below 1, a stride beyond the window (features in between would have
    no score); `UnsupportedError` for a strategy that the model cannot serve.
    Does not claim: that scores add up; that a masked input is one the model was made for.

    With `window=1` it is `leave_one_out`. `features` and `strategy` as in every perturbation method.

    >>> Occlusion(window=3).cost(tokens=10, rows=1)
    Cost(forwards=9, backwards=0)
    """

    window: int = 3
    stride: int = 1

    key: ClassVar[str] = "occlusion"
    caveat: ClassVar[str] = (
        "Occlusion gives every token of a window the effect of the whole window, so effects are blurred over "
        "neighbours; masked texts may be unlike anything the model was trained on."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in (("window", self.window), ("stride", self.stride)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(f"{name} must be a whole number of at least 1, got {value!r}.")
        if self.stride > self.window:
            raise InputError(
                f"A stride of {self.stride} leaves out features between windows of {self.window}, which would have no "
                f"score. Choose a stride of at most {self.window}."
            )

    @property
    def bounded(self) -> bool:
        """Rows of different reach have windows of their own at their ends; of an image, windows are squares."""
        return True

    def cost(self, tokens: int, rows: int) -> Cost:
        """The input and each window; for each row after the first at most the windows at its end."""
        return Cost(1 + len(_starts(tokens, self.window, self.stride)) + (rows - 1) * self.window, 0)

    def _play(self, game: Game) -> Play:
        covered = self._windows(game)
        without = yield ~covered
        drops = game.whole - without
        return Estimate((covered.T @ drops / covered.sum(axis=0)[:, None]).T)

    def _windows(self, game: Game) -> Masks:
        """Which features each window covers, `(windows, features)`."""
        if game.inputs.grid is None:
            return _cover(game.features, self.window, self.stride)
        down, across = (_cover(side, self.window, self.stride) for side in game.inputs.grid)
        return np.einsum("ar,bc->abrc", down, across).reshape(len(down) * len(across), -1)


def _starts(features: int, window: int, stride: int) -> range:
    """Where windows start: as many as it takes to cover every feature."""
    return range(0, max(1, features - window + stride), stride)


def _cover(features: int, window: int, stride: int) -> Masks:
    starts = np.array(_starts(features, window, stride))[:, None]
    place = np.arange(features)[None, :]
    return (place >= starts) & (place < starts + window)
