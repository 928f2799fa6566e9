"""What gradient methods have in common: points with weights, and token scores from sums over dimensions."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from whence.gradients.engine import Gradients, Point, weighted_gradients
from whence.methods.base import Cost, Explanation, Method
from whence.methods.run import Run
from whence.methods.values import Place, input_embeddings
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Target

_BATCHES_AT_ONCE = 4
"""Full batches of samples held at a time."""

PerDimension = Float[Tensor, "row token hidden"]


@dataclass(frozen=True)
class GradientMethod(Method):
    """A method whose attributions are a weighted sum of gradients, at the input or at any place near it.

    Noise methods wrap it: they ask for its points at noisy embeddings, and reduce what comes out as it does.
    """

    family: ClassVar[str] = "gradients"
    needs: ClassVar[frozenset[str]] = frozenset({"embeddings"})

    @property
    def at_layer(self) -> int | None:
        """The layer whose output gradients are taken of; None for the input embeddings."""
        return None

    @property
    def linear(self) -> bool:
        """Whether `reduced` is linear, so that the mean of scores is the score of the mean."""
        return True

    @abstractmethod
    def points(self, subject: Subject, places: Sequence[Place], run: Run) -> list[Point]:
        """The points and weights of every place, whose sums are its attributions per dimension."""

    @abstractmethod
    def points_cost(self, tokens: int, rows: int) -> Cost:
        """What the points of one place cost, with what is needed to make them."""

    def reduced(self, attributions: PerDimension) -> Float[Tensor, "row token"]:
        """Token scores from attributions per dimension."""
        return attributions.sum(dim=-1)


@dataclass(frozen=True)
class PointMethod(GradientMethod):
    """A gradient method of one point: the place itself."""

    def points_cost(self, tokens: int, rows: int) -> Cost:
        """One forward, one backward a row."""
        return Cost(1, rows)

    def cost(self, tokens: int, rows: int) -> Cost:
        """One forward, one backward a row."""
        return self.points_cost(tokens, rows)

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        places = places_of(subject, inputs)
        points = self.points(subject, places, run)
        found = weighted_gradients(subject, inputs, points, run, targets=targets, label=self.key, layer=self.at_layer)
        return [self._explanation(one) for one in found]

    def _explanation(self, found: Gradients) -> Explanation:
        return Explanation(
            readouts=found.readouts,
            scores=self.reduced(found.total).cpu().double().numpy(),
            values=found.values.cpu().double().numpy(),
            baseline_values=None,
            cost=found.cost,
        )


def places_of(subject: Subject, inputs: Sequence[Inputs]) -> list[Place]:
    """Each input at its own embeddings."""
    return [Place(item, x) for item, x in zip(inputs, input_embeddings(subject, inputs), strict=True)]


def groups(subject: Subject, inputs: Sequence[Inputs], samples: int, run: Run) -> Iterator[list[int]]:
    """The inputs' numbers, short ones first, in groups whose samples fill batches and are held at the same time."""
    budget = _BATCHES_AT_ONCE * run.token_budget(subject.device)
    group: list[int] = []
    for i in sorted(range(len(inputs)), key=lambda i: len(inputs[i])):
        if group and (len(group) + 1) * len(inputs[i]) * samples > budget:
            yield group
            group = []
        group.append(i)
    if group:
        yield group
