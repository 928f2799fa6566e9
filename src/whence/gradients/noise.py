"""Noise methods: any gradient method at embeddings with noise, and what its attributions are over the draws."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch

from whence.errors import InputError
from whence.gradients.engine import Gradients, each_sum
from whence.gradients.method import GradientMethod, groups
from whence.gradients.moments import Moments
from whence.gradients.saliency import Saliency
from whence.methods.base import Cost, Explanation, Method
from whence.methods.checks import check_number, check_whole
from whence.methods.run import Run
from whence.methods.values import Embeds, Place, input_embeddings, target_values
from whence.registry import loadable, resolve
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Target

_STREAM = 2
"""Sets the noise's random numbers apart from others of the same seed."""


@dataclass
class Draws:
    """What the draws of one input add up to: attributions per dimension, token scores, and the work done."""

    attributions: Moments = field(default_factory=Moments)
    scores: Moments = field(default_factory=Moments)
    cost: Cost = field(default_factory=lambda: Cost(forwards=1))


@dataclass(frozen=True)
class NoiseMethod(Method):
    """What becomes of a gradient method's attributions when noise is added to the embeddings.

    Noise is normal, independent for every dimension, with a standard deviation of `noise` times the range
    max_d x_{i,d} − min_d x_{i,d} of the token's own embedding. Draw s has the generator of the run's seed and s, and
    takes token after token from it, so neither other inputs nor later tokens change a token's noise.
    """

    family: ClassVar[str] = "gradients"
    needs: ClassVar[frozenset[str]] = frozenset({"embeddings"})

    method: Any
    samples: int
    noise: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "method", wrapped(self.method))
        check_whole("samples", self.samples, 1)
        check_number("noise", self.noise, above=0)

    @property
    def inner(self) -> GradientMethod:
        """The method wrapped."""
        return self.method

    def cost(self, tokens: int, rows: int) -> Cost:
        """One forward for the values, and the wrapped method's points for each draw."""
        one = self.inner.points_cost(tokens, rows)
        return Cost(1 + self.samples * one.forwards, self.samples * one.backwards)

    def _refuse(self, subject: Subject) -> None:
        super()._refuse(subject)
        self.inner._refuse(subject)

    @abstractmethod
    def _summary(self, draws: Draws) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Scores `(row, token)`, and their standard errors where they are means."""

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        values, readouts = target_values(subject, inputs, targets, run)
        draws = [Draws() for _ in inputs]
        for chosen in groups(subject, inputs, self.samples, run):
            some = [i for i in chosen for _ in range(self.samples)]
            places = self._places(subject, [inputs[i] for i in chosen], run.seed)
            take = partial(self._take, draws, some)
            rows = [readouts[i] for i in some]
            points = self.inner.points(subject, places, run)
            each_sum(
                subject, [p.inputs for p in places], points, run, take, rows, label=self.key, layer=self.inner.at_layer
            )
        return [self._explanation(*found) for found in zip(draws, values, readouts, strict=True)]

    def _take(self, draws: Sequence[Draws], items: Sequence[int], place: int, found: Gradients) -> None:
        own = draws[items[place]]
        own.attributions.add(found.total)
        own.scores.add(self.inner.reduced(found.total))
        own.cost.add(found.cost.forwards, found.cost.backwards)

    def _explanation(self, draws: Draws, values: torch.Tensor, readouts: Sequence[Any]) -> Explanation:
        scores, errors = self._summary(draws)
        return Explanation(
            readouts=readouts,
            scores=scores.cpu().double().numpy(),
            values=values.cpu().numpy(),
            baseline_values=None,
            cost=draws.cost,
            standard_errors=None if errors is None else errors.cpu().double().numpy(),
        )

    def _places(self, subject: Subject, inputs: Sequence[Inputs], seed: int) -> list[Place]:
        """Each input `samples` times over, with the noise of each draw."""
        embeds = input_embeddings(subject, inputs)
        return [
            Place(item, _noisy(x, self.noise, np.random.default_rng([seed, draw, _STREAM])))
            for item, x in zip(inputs, embeds, strict=True)
            for draw in range(self.samples)
        ]


@dataclass(frozen=True)
class SquaredNoiseMethod(NoiseMethod):
    """A noise method whose scores are sums over dimensions of squares: at least 0, in the square of the unit."""

    method: str | GradientMethod = Saliency()  # noqa: RUF009
    samples: int = 20
    noise: float = 0.1

    @property
    def scores_unit(self) -> str:
        """The square of the wrapped method's."""
        return f"({self.inner.scores_unit or 'unit of the target'})²"

    @property
    def signed(self) -> bool:
        """A square has no sign."""
        return False


def wrapped(method: str | GradientMethod) -> GradientMethod:
    """The gradient method asked for by its name or as an instance; an `InputError` for what cannot be wrapped."""
    made = resolve("methods", method)() if isinstance(method, str) else method
    if not isinstance(made, GradientMethod):
        able = [name for name, one in loadable("methods").items() if issubclass(one, GradientMethod)]
        got = made.key if isinstance(made, Method) else repr(made)
        raise InputError(f"Noise can be added to gradient methods, got {got}. Wanted one of: {', '.join(able)}.")
    if made.bounded:
        raise InputError(
            f"{made.key} with {made.params} finds out on the way how many points it needs, and noise is added to a "
            f"fixed number. Give it a number of steps."
        )
    return made


def _noisy(embeds: Embeds, level: float, generator: np.random.Generator) -> Embeds:
    normal = torch.from_numpy(generator.standard_normal(tuple(embeds.shape)))
    spread = level * (embeds.amax(dim=-1, keepdim=True) - embeds.amin(dim=-1, keepdim=True))
    return embeds + spread * normal.to(embeds.device, embeds.dtype)
