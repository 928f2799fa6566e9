"""Shapley values by weighted regression."""

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from whence.perturbation.engine import Game, Masks, Values
from whence.perturbation.masks import nothing_kept
from whence.perturbation.sampling import Plan, SamplingMethod, Scores, jackknife


@dataclass(frozen=True)
class KernelShap(SamplingMethod):
    """An estimate of each feature's Shapley value: the additive model that fits the values of subsets best.

    Formula: φ = argmin Σ_S π(S) (v(S) − v(∅) − Σ_{i∈S} φ_i)² under Σ_i φ_i = v(N) − v(∅), with the Shapley kernel
    π(S) = (n − 1) / (C(n, |S|) |S| (n − |S|)).
    Source: Lundberg and Lee 2017, "A Unified Approach to Interpreting Model Predictions", theorem 2 and equation 9; the
    constraint solved exactly, subsets drawn with their complements as in Covert and Lee 2021, "Improving KernelSHAP".
    Subsets: the sizes of largest weight (1 and n − 1, then 2 and n − 2, ...) are taken whole as long as there are as
    many samples for them as they have subsets; of the other sizes subsets are drawn by their weight.
    Shapes and units: one score a feature and target, in the target's unit; scores of a row add up to v(N) − v(∅)
    exactly. Standard errors: jackknife over the draws; 0 where every subset was taken.
    Cost: at most 1 + `samples` forward passes for each reach of the rows, v(∅) among them.
    Errors: `InputError` for fewer `samples` than determine the scores.
    Does not claim: what `exact_shapley` does not; that its estimate is unbiased for few samples.

    `samples`, `tolerance`, `features` and `strategy` as in every sampling method.

    >>> KernelShap(samples=256).cost(tokens=10, rows=1)
    Cost(forwards=257, backwards=0)
    """

    key: ClassVar[str] = "kernel_shap"
    complete: ClassVar[bool] = True
    caveat: ClassVar[str] = (
        "These are estimates of Shapley values: read them with their standard errors. They average over masked texts, "
        "most of which are unlike anything the model was trained on."
    )

    def _plan(self, game: Game) -> Plan:
        return _Regression(game, self.samples)


class _Regression(Plan):
    """The subsets taken whole, those drawn, and the regression on both."""

    size = 2

    def __init__(self, game: Game, samples: int) -> None:
        super().__init__(game)
        n = game.features
        self._empty = np.zeros_like(game.whole)
        self._mass = {s: (1 / s + 1 / (n - s)) for s in range(1, n)}
        self._whole_sizes = _taken_whole(self._mass, n, samples - 1)
        self._drawn_sizes = [s for s in self._mass if s not in self._whole_sizes]
        self._taken = _subsets(n, self._whole_sizes)
        self._taken_values = np.zeros((0, len(game.rows)))
        self._drawn = np.zeros((0, n), dtype=bool)
        self._drawn_values = np.zeros((0, len(game.rows)))

    def begin(self) -> Masks:
        return np.concatenate([nothing_kept(self.game.features), self._taken])

    def begun(self, values: Values) -> None:
        self._empty, self._taken_values = values[0], values[1:]

    def sufficient(self) -> bool:
        return not self._drawn_sizes

    def determined(self) -> bool:
        """Whether the subsets, with the constraint, span all directions; a subset's complement adds none."""
        return bool(np.linalg.matrix_rank(self._directions(np.arange(len(self._drawn)))) >= self.game.features - 1)

    def baseline(self) -> Float[np.ndarray, " row"]:
        return self._empty

    def draw(self, generator: np.random.Generator, count: int) -> Masks:
        mass = np.array([self._mass[s] for s in self._drawn_sizes])
        sizes = generator.choice(self._drawn_sizes, size=count, p=mass / mass.sum())
        ranks = np.argsort(generator.random((count, self.game.features)), axis=1).argsort(axis=1)
        kept = ranks < sizes[:, None]
        drawn = np.stack([kept, ~kept], axis=1).reshape(2 * count, -1)
        self._drawn = np.concatenate([self._drawn, drawn])
        return drawn

    def receive(self, values: Values) -> None:
        self._drawn_values = np.concatenate([self._drawn_values, values])

    def estimate(self) -> tuple[Scores, Scores]:
        count = len(self._drawn_values)
        scores = self._fit(np.arange(count))
        return scores, jackknife(self._fit, count // 2, 2) if count else np.zeros_like(scores)

    def _fit(self, chosen: Int[np.ndarray, " kept"]) -> Scores:
        """The regression on the subsets taken whole and these of those drawn, the last feature's score eliminated."""
        change = self.game.whole - self._empty
        if self.game.features == 1:
            return change[:, None]
        masks = np.concatenate([self._taken, self._drawn[chosen]]).astype(float)
        values = np.concatenate([self._taken_values, self._drawn_values[chosen]])
        weights = np.sqrt(self._weights(len(chosen)))[:, None]
        wanted = values - self._empty - masks[:, -1:] * change
        first = np.linalg.lstsq(weights * self._directions(chosen), weights * wanted, rcond=None)[0]
        return np.concatenate([first, change[None] - first.sum(axis=0)]).T

    def _directions(self, chosen: Int[np.ndarray, " kept"]) -> Float[np.ndarray, "subset direction"]:
        masks = np.concatenate([self._taken, self._drawn[chosen]]).astype(float)
        return masks[:, :-1] - masks[:, -1:]

    def _weights(self, drawn: int) -> Float[np.ndarray, " subset"]:
        """Subsets of a size taken whole share that size's mass; those drawn share what mass is left."""
        n = self.game.features
        sizes = self._taken.sum(axis=1)
        taken = [self._mass[int(s)] / comb(n, int(s)) for s in sizes]
        left = sum(self._mass[s] for s in self._drawn_sizes)
        return np.array([*taken, *([left / drawn] * drawn if drawn else [])])


def _taken_whole(mass: dict[int, float], features: int, samples: int) -> list[int]:
    """The sizes of which every subset is taken: from the outside in, while a size's share of samples covers it."""
    sizes: list[int] = []
    left = samples
    for small in range(1, features // 2 + 1):
        pair = sorted({small, features - small})
        subsets = comb(features, small) * len(pair)
        share = sum(mass[s] for s in pair) / sum(m for s, m in mass.items() if s not in sizes)
        if subsets > left * share + 1e-9:
            break
        sizes += pair
        left -= subsets
    return sizes


def _subsets(features: int, sizes: list[int]) -> Masks:
    """Every subset of these sizes."""
    masks = np.zeros((sum(comb(features, s) for s in sizes), features), dtype=bool)
    chosen = (members for s in sizes for members in combinations(range(features), s))
    for row, members in zip(masks, chosen, strict=True):
        row[list(members)] = True
    return masks
