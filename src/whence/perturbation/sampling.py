"""Estimates from sampled masks: in rounds, until they are sure enough, out of budget, or broken off."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from whence.errors import InputError, WhenceWarning
from whence.methods.base import Cost
from whence.perturbation.engine import Estimate, Game, Masks, PerturbationMethod, Play, Values

_ROUNDS = 8
"""Rounds that a budget is spent in; after each an estimate may be sure enough, or the user break off."""
_GROUPS = 10
"""Parts that a sample is cut into for a jackknife."""

Scores = Float[np.ndarray, "row feature"]


class Plan(ABC):
    """How a method samples and estimates on one game.

    The masks of `begin` are asked first, once; then `draw` after `draw`, each of `size` masks.
    """

    size: int = 1

    def __init__(self, game: Game) -> None:
        self.game = game

    def baseline(self) -> Float[np.ndarray, " row"] | None:
        """v(∅), for a method whose scores add up to v(all) − v(∅)."""
        return None

    def begin(self) -> Masks:
        """The masks to ask for before anything is drawn; by default none."""
        return np.zeros((0, self.game.features), dtype=bool)

    def begun(self, values: Values) -> None:
        """Take the values of the first masks."""
        assert len(values) == 0, "a plan that asks for masks first takes their values"

    def determined(self) -> bool:
        """Whether what was received determines the scores."""
        return True

    def by_row(self) -> dict[str, Float[np.ndarray, " row"]]:
        """What the provenance is to say of each row, by name."""
        return {}

    def sufficient(self) -> bool:
        """Whether no sample is needed: the first masks were all there are."""
        return False

    @abstractmethod
    def draw(self, generator: np.random.Generator, count: int) -> Masks:
        """The masks of `count` further draws, one draw after the other."""

    @abstractmethod
    def receive(self, values: Values) -> None:
        """Take the values of the masks drawn last."""

    @abstractmethod
    def estimate(self) -> tuple[Scores, Scores]:
        """Scores and their standard errors, from what was received."""


@dataclass(frozen=True)
class SamplingMethod(PerturbationMethod):
    """A perturbation method that estimates its scores from masks drawn at random, with a standard error for each.

    `samples` is the budget: the most masked inputs that a game may ask for (equal ones are run once). `tolerance`
    ends it earlier: as soon as no standard error in a row is more than this share of the row's largest score; None to
    spend the whole budget. Draws depend on the run's seed, not on the text: two texts of one length are masked alike.
    When the user breaks off (Ctrl-C), what is known so far is returned, with its standard errors.
    """

    samples: int = 512
    tolerance: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.samples, bool) or not isinstance(self.samples, int) or self.samples < 2:
            raise InputError(f"samples must be a whole number of at least 2, got {self.samples!r}.")
        if self.tolerance is not None and not (isinstance(self.tolerance, float) and 0 < self.tolerance < 1):
            raise InputError(f"tolerance must be a share between 0 and 1, or None, got {self.tolerance!r}.")

    @property
    def bounded(self) -> bool:
        """Equal masks are run once, and a tolerance ends a game early."""
        return True

    def cost(self, tokens: int, rows: int) -> Cost:
        """The input, and the budget for each row that can depend on other features."""
        return Cost(1 + rows * self.samples, 0)

    @abstractmethod
    def _plan(self, game: Game) -> Plan:
        """How to sample and estimate on this game."""

    def _play(self, game: Game) -> Play:
        plan = self._plan(game)
        asked = plan.begin()
        plan.begun((yield asked))
        spent, resolved = len(asked), {}
        if not plan.sufficient():
            counts = self._counts(plan, spent)
            for number, count in enumerate(counts):
                masks = plan.draw(np.random.default_rng([game.seed, number]), count)
                try:
                    values = yield masks
                except KeyboardInterrupt:
                    if number == 0 or not plan.determined():
                        raise
                    warn_of_breaking_off(spent, spent + plan.size * sum(counts[number:]))
                    resolved["broken_off"] = True
                    break
                plan.receive(values)
                spent += len(masks)
                if self._sure(plan):
                    break
        if not plan.determined():
            raise InputError(
                f"The {spent} masks drawn do not determine the scores of {plan.game.features} features. Raise "
                f"samples=, or mask more at a time (features='word' or 'sentence')."
            )
        scores, errors = plan.estimate()
        return Estimate(scores, errors, plan.baseline(), resolved | {"samples": spent}, plan.by_row())

    def _counts(self, plan: Plan, spent: int) -> list[int]:
        """How many draws to make in each round; at least two in all, without which there is no standard error."""
        draws = (self.samples - spent) // plan.size
        if draws < 2:
            raise InputError(
                f"{self.samples} samples are too few for {plan.game.features} features: {self.key} needs at least "
                f"{spent + 2 * plan.size}. Raise samples=, or mask more at a time (features='word' or 'sentence')."
            )
        return [len(part) for part in np.array_split(np.arange(draws), min(_ROUNDS, draws // 2))]

    def _sure(self, plan: Plan) -> bool:
        """Whether the standard errors are within the tolerance."""
        if self.tolerance is None or not plan.determined():
            return False
        scores, errors = plan.estimate()
        return bool((errors.max(axis=1) <= self.tolerance * np.abs(scores).max(axis=1)).all())


def jackknife(
    fit: Callable[[Int[np.ndarray, " kept"]], Scores], draws: int, size: int = 1
) -> Float[np.ndarray, "row feature"]:
    """Standard errors of an estimate: se² = (G−1)/G Σ_g (θ_g − mean θ)², θ_g the estimate without the g-th part.

    `fit` makes an estimate from the masks with these indices; there are `draws` draws of `size` masks, which stay
    together. Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", equation 11.5, by groups.
    """
    groups = min(_GROUPS, draws)
    part = np.repeat(np.arange(draws) % groups, size)
    left_out = np.stack([fit(np.flatnonzero(part != g)) for g in range(groups)])
    spread: Scores = np.sqrt((groups - 1) / groups * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    return spread


def warn_of_breaking_off(spent: int, budget: int) -> None:
    """Say that scores rest on fewer samples than were asked for."""
    warnings.warn(
        f"Broken off: the scores are estimates from {spent} of {budget} samples.",
        WhenceWarning,
        stacklevel=2,
    )
