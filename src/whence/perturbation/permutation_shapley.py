"""Shapley values from permutations."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from whence.perturbation.engine import Game, Masks, Values
from whence.perturbation.masks import nothing_kept
from whence.perturbation.sampling import Plan, SamplingMethod, Scores


@dataclass(frozen=True)
class PermutationShapley(SamplingMethod):
    """An estimate of each feature's Shapley value: what it adds to those before it, averaged over random orders.

    Formula: φ_i ≈ 1/m Σ_π (v(P_i^π ∪ {i}) − v(P_i^π)), P_i^π the features in front of i in the order π. Orders come in
    antithetic pairs, each with its reverse.
    Source: Castro, Gómez and Tejada 2009, "Polynomial Calculation of the Shapley Value Based on Sampling", section 3;
    pairs as in Mitchell et al. 2022, "Sampling Permutations for Shapley Value Estimation", section 4.2.
    Shapes and units: one score a feature and target, in the target's unit; scores of a row add up to v(N) − v(∅)
    exactly. Standard errors: those of a mean over pairs, σ/√pairs.
    Cost: at most 1 + `samples` forward passes for each reach of the rows, 2 (n − 1) for each pair of orders.
    Errors: `InputError` for fewer `samples` than two pairs of orders take.
    Does not claim: what `exact_shapley` does not; that the standard error, from few pairs, is itself exact.

    `samples`, `tolerance`, `features` and `strategy` as in every sampling method.

    >>> PermutationShapley(samples=100).cost(tokens=10, rows=1)
    Cost(forwards=101, backwards=0)
    """

    key: ClassVar[str] = "permutation_shapley"
    complete: ClassVar[bool] = True
    caveat: ClassVar[str] = (
        "These are estimates of Shapley values: read them with their standard errors. They average over masked texts, "
        "most of which are unlike anything the model was trained on."
    )

    def _plan(self, game: Game) -> Plan:
        return _Walks(game)


class _Walks(Plan):
    """From nothing kept to everything kept, in a random order and in its reverse: feature by feature."""

    def __init__(self, game: Game) -> None:
        super().__init__(game)
        self.size = 2 * (game.features - 1)
        self._empty = np.zeros_like(game.whole)
        self._orders = np.empty((0, game.features), dtype=int)
        self._added: list[Scores] = []

    def begin(self) -> Masks:
        return nothing_kept(self.game.features)

    def begun(self, values: Values) -> None:
        self._empty = values[0]

    def baseline(self) -> Float[np.ndarray, " row"]:
        return self._empty

    def sufficient(self) -> bool:
        return self.game.features == 1

    def draw(self, generator: np.random.Generator, count: int) -> Masks:
        orders = np.stack([generator.permutation(self.game.features) for _ in range(count)])
        self._orders = np.stack([orders, orders[:, ::-1]], axis=1).reshape(2 * count, -1)
        ranks = np.argsort(self._orders, axis=1)
        kept = ranks[:, None, :] <= np.arange(self.game.features - 1)[None, :, None]
        return kept.reshape(-1, self.game.features)

    def receive(self, values: Values) -> None:
        steps = values.reshape(len(self._orders), -1, values.shape[1])
        added = np.diff(
            steps,
            axis=1,
            prepend=self._everywhere(steps, self._empty),
            append=self._everywhere(steps, self.game.whole),
        )
        by_feature = np.empty_like(added)
        np.put_along_axis(by_feature, self._orders[:, :, None], added, axis=1)
        self._added += list(by_feature.reshape(-1, 2, *by_feature.shape[1:]).mean(axis=1))

    def _everywhere(self, steps: np.ndarray, end: np.ndarray) -> np.ndarray:
        return np.broadcast_to(end, (len(steps), 1, steps.shape[2]))

    def estimate(self) -> tuple[Scores, Scores]:
        if self.game.features == 1:
            alone = (self.game.whole - self._empty)[:, None]
            return alone, np.zeros_like(alone)
        pairs = np.stack(self._added)
        return pairs.mean(axis=0).T, (pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs))).T
