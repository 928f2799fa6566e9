"""Total-order Sobol' indices."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from whence.errors import InputError
from whence.perturbation.engine import Game, Masks, Values
from whence.perturbation.sampling import Plan, SamplingMethod, Scores, jackknife

_MOST_FEATURES = 10_600
"""Half the dimensions that direction numbers are known for."""
_CONSTANT = 1e-12
"""A standard deviation below this share of the largest value is rounding."""


@dataclass(frozen=True)
class Sobol(SamplingMethod):
    """How much of the target's variance over random masks a feature has a part in, alone or together with others.

    Formula: S_Ti = 1/(2N) Σ_j (f(A_j) − f(A_B^(i)_j))² / Var f(A), with A and B two designs of N masks and A_B^(i) the
    first with its column i from the second. Each feature is kept with probability 1/2.
    Source: Jansen 1999, "Analysis of Variance Designs for Model Output", equation 12; Fel et al. 2021, "Look at the
    Variance! Efficient Black-box Explanations with Sobol-based Sensitivity Analysis", equation 4. There masks are
    continuous; here the points of a scrambled Sobol' sequence keep a feature where they are at least 1/2.
    Shapes and units: one score a feature and target, a share of the variance, never negative. Features that act
    together each have the whole of what they do together, so scores of a row add up to 1 or more. Where the target does
    not vary, scores are 0. Standard errors: a jackknife over the N masks of the first design.
    Cost: at most 1 + `samples` forward passes for each reach of the rows, n + 1 for each of N masks; about half of
    them are equal to others, and run once.
    Errors: `InputError` for fewer `samples` than four masks take, or for more than 10,600 features.
    Does not claim: whether a feature speaks for or against the target; what the target is with nothing masked, which
    is one mask in 2ⁿ. Standard errors do not know that the points lie more evenly than random ones: they are too large
    rather than too small.

    `samples`, `tolerance`, `features` and `strategy` as in every sampling method.

    >>> Sobol(samples=110).cost(tokens=10, rows=1)
    Cost(forwards=111, backwards=0)
    """

    key: ClassVar[str] = "sobol"
    caveat: ClassVar[str] = (
        "Sobol' indices are shares of the variance over random masks: they say how much a token matters there, not "
        "whether it speaks for or against, and masked texts are unlike anything the model was trained on."
    )

    @property
    def scores_unit(self) -> str:
        """A share, whatever the target's unit."""
        return "share of variance"

    @property
    def signed(self) -> bool:
        """A share of a variance is never negative."""
        return False

    def _plan(self, game: Game) -> Plan:
        if game.features > _MOST_FEATURES:
            raise InputError(
                f"sobol can tell at most {_MOST_FEATURES:,} features apart, got {game.features:,}. Mask more at a time "
                f"(features='word' or 'sentence', of an image larger units)."
            )
        return _Designs(game)


class _Designs(Plan):
    """Points of one scrambled Sobol' sequence: half of the coordinates make up A, the others B."""

    least = 4

    def __init__(self, game: Game) -> None:
        super().__init__(game)
        self.size = game.features + 1
        self._sequence: Any = None
        self._values = np.empty((0, self.size, len(game.rows)))

    def draw(self, generator: np.random.Generator, count: int) -> Masks:
        a, b = self._points(generator, count)
        crossed = np.repeat(a[:, None], self.size, axis=1)
        feature = np.arange(self.game.features)
        crossed[:, feature + 1, feature] = b
        return crossed.reshape(-1, self.game.features)

    def _points(self, generator: np.random.Generator, count: int) -> tuple[Masks, Masks]:
        """The next masks of both designs; the first round's generator scrambles the sequence, later ones go on in it.

        The first point is drawn alone: scipy warns of a beginning whose length is no power of 2.
        """
        parts = []
        if self._sequence is None:
            from scipy.stats.qmc import Sobol as Sequence

            self._sequence = Sequence(2 * self.game.features, scramble=True, seed=generator)
            parts, count = [self._sequence.random(1)], count - 1
        points = np.concatenate([*parts, self._sequence.random(count)]) >= 0.5
        return points[:, : self.game.features], points[:, self.game.features :]

    def receive(self, values: Values) -> None:
        self._values = np.concatenate([self._values, values.reshape(-1, *self._values.shape[1:])])

    def estimate(self) -> tuple[Scores, Scores]:
        def fit(kept: Int[np.ndarray, " kept"]) -> Scores:
            return total_order(self._values[kept])

        draws = len(self._values)
        return fit(np.arange(draws)), jackknife(fit, draws)


def total_order(values: Float[np.ndarray, "point design row"]) -> Float[np.ndarray, "row feature"]:
    """Total-order indices from the values of A and, behind them, of each A_B^(i); 0 where A's do not vary.

    >>> total_order(np.array([[[0.0], [1.0], [0.0]], [[1.0], [0.0], [1.0]]])).tolist()
    [[1.0, 0.0]]
    """
    first = values[:, 0]
    variance = first.var(axis=0, ddof=1)
    changes = ((values[:, 1:] - first[:, None]) ** 2).mean(axis=0) / 2
    constant = np.sqrt(variance) <= _CONSTANT * np.abs(first).max(axis=0)
    scores: Scores = np.where(constant, 0.0, changes / np.where(constant, 1.0, variance)).T
    return scores
