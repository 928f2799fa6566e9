"""LIME."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from whence.methods.checks import check_number
from whence.perturbation.engine import Game, Masks, Values
from whence.perturbation.sampling import Plan, SamplingMethod, Scores, jackknife


@dataclass(frozen=True)
class Lime(SamplingMethod):
    """The coefficients of a linear model that imitates the target on masked texts, those close to the text first.

    Formula: (φ, c) = argmin Σ_z π(z) (v(z) − c − Σ_i φ_i z_i)² + alpha ‖φ‖², z_i = 1 where feature i is kept,
    π(z) = exp(−D(z)² / (2 · kernel_width²)), D(z) = 1 − √(|z|/n) the cosine distance to the text itself.
    Source: Ribeiro, Singh and Guestrin 2016, "Why Should I Trust You?", equations 1 and 2 and section 3.4; kernel,
    ridge penalty and draws as the authors' own package has them (there D is multiplied by 100, and kernel_width by it).
    Draws: the number of features masked uniform on 1 … n, then which; the text itself is among the samples. With
    `paired` each mask is followed by its complement, which makes the same error with fewer samples. Every feature has a
    coefficient: none are selected beforehand.
    Shapes and units: one score a feature and target, in the target's unit. Standard errors: jackknife over the draws.
    `provenance["fidelity"]` has the weighted R² of the linear model for each target: 1 where it imitates perfectly.
    Cost: at most 1 + `samples` forward passes for each reach of the rows.
    Errors: `InputError` for a kernel width or penalty that is not positive.
    Does not claim: that scores add up; that a linear model describes the target (see the fidelity); that another kernel
    width would give the same.

    `samples`, `tolerance`, `features` and `strategy` as in every sampling method.

    >>> Lime(samples=256).cost(tokens=10, rows=1)
    Cost(forwards=257, backwards=0)
    """

    kernel_width: float = 0.25
    alpha: float = 1.0
    paired: bool = False

    key: ClassVar[str] = "lime"
    caveat: ClassVar[str] = (
        "LIME describes the model by a linear one near the text: where its fidelity is low it describes it badly, and "
        "another kernel width gives other scores."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("kernel_width", self.kernel_width, above=0)
        check_number("alpha", self.alpha, above=0, or_equal=True)

    def _plan(self, game: Game) -> Plan:
        return _Surrogate(game, self.kernel_width, self.alpha, self.paired)


class _Surrogate(Plan):
    """The masks drawn, their values, and the weighted ridge regression on them."""

    def __init__(self, game: Game, kernel_width: float, alpha: float, paired: bool) -> None:
        super().__init__(game)
        self.size = 1 + paired
        self._kernel_width, self._alpha = kernel_width, alpha
        self._masks = np.ones((1, game.features), dtype=bool)
        self._values = game.whole[None]

    def draw(self, generator: np.random.Generator, count: int) -> Masks:
        n = self.game.features
        masked = generator.integers(1, n + 1, size=count)
        ranks = np.argsort(generator.random((count, n)), axis=1).argsort(axis=1)
        drawn = ranks >= masked[:, None]
        if self.size == 2:
            drawn = np.stack([drawn, ~drawn], axis=1).reshape(2 * count, n)
        self._masks = np.concatenate([self._masks, drawn])
        return drawn

    def receive(self, values: Values) -> None:
        self._values = np.concatenate([self._values, values])

    def estimate(self) -> tuple[Scores, Scores]:
        drawn = len(self._values) - 1
        return self._fit(np.arange(drawn)), jackknife(self._fit, drawn // self.size, self.size)

    def by_row(self) -> dict[str, Float[np.ndarray, " row"]]:
        everything = np.arange(len(self._values) - 1)
        weights, masks, values = self._sample(everything)
        centred = values - weights @ values
        left = centred - (masks - weights @ masks) @ self._fit(everything).T
        total = weights @ centred**2
        return {"fidelity": 1 - np.divide(weights @ left**2, total, out=np.zeros_like(total), where=total > 0)}

    def _fit(self, chosen: Int[np.ndarray, " kept"]) -> Scores:
        """Weighted ridge regression on the text itself and these draws; the intercept has no penalty."""
        weights, masks, values = self._sample(chosen)
        penalty = self._alpha / self._kernel(chosen).sum()
        centred = masks - weights @ masks
        gram = (centred * weights[:, None]).T @ centred + penalty * np.eye(self.game.features)
        moment = (centred * weights[:, None]).T @ (values - weights @ values)
        return np.linalg.lstsq(gram, moment, rcond=None)[0].T

    def _sample(
        self, chosen: Int[np.ndarray, " kept"]
    ) -> tuple[Float[np.ndarray, " sample"], Float[np.ndarray, "sample feature"], Float[np.ndarray, "sample row"]]:
        """Weights that add up to 1, masks and values of the text itself and of these draws."""
        kernel, rows = self._kernel(chosen), np.concatenate([[0], chosen + 1])
        return kernel / kernel.sum(), self._masks[rows].astype(float), self._values[rows]

    def _kernel(self, chosen: Int[np.ndarray, " kept"]) -> Float[np.ndarray, " sample"]:
        kept = self._masks[np.concatenate([[0], chosen + 1])].mean(axis=1)
        return np.exp(-((1 - np.sqrt(kept)) ** 2) / (2 * self._kernel_width**2))
