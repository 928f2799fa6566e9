"""Gradients of every target row at any number of points of embedding space, summed with weights.

A gradient method is a choice of points and weights: the input itself, points on a path, points with noise. One forward
pass at a point serves all rows; rows are separate vector-Jacobian products. Points of all inputs share batches.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from whence.gradients.layers import layer_output
from whence.methods.base import Cost
from whence.methods.rows import read_values, row_gradients
from whence.methods.run import Run
from whence.methods.values import Embeds, stack_embeddings
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Readout, Target, resolve_all


@dataclass(frozen=True, eq=False)
class Point:
    """A point of one input's embedding space, made when its turn comes, and the weight of its gradient.

    A weight is one number, or a function of what the gradient is taken of (the embeddings at the point, or the output
    of a layer) that gives a number for each of its dimensions. `spent` counts forward passes that finding it has cost.
    """

    item: int
    weight: float | Callable[[Embeds], Embeds]
    make: Callable[[], Embeds]
    spent: int = 0


@dataclass(eq=False)
class Gradients:
    """Of one input: readouts, the weighted sum of gradients, the values at the last point, and the work done."""

    readouts: Sequence[Readout]
    total: Float[Tensor, "row token hidden"]
    values: Float[Tensor, " row"]
    cost: Cost

    def plus(self, other: "Gradients") -> "Gradients":
        """These and the gradients at further points of the same input."""
        self.cost.add(other.cost.forwards, other.cost.backwards)
        return Gradients(self.readouts, self.total + other.total, other.values, self.cost)


def weighted_gradients(
    subject: Subject,
    inputs: Sequence[Inputs],
    points: Sequence[Point],
    run: Run,
    readouts: Sequence[Sequence[Readout]] | None = None,
    targets: Sequence[Target] = (),
    label: str = "gradients",
    layer: int | None = None,
) -> list[Gradients]:
    """For each input Σ_p weight_p · ∂ value_r / ∂ embeds at point p, for every row r; with a layer, of its output.

    Where no readouts are given, the targets are resolved from the pass itself, so each input's point must be itself.
    """
    found: dict[int, Gradients] = {}
    each_sum(subject, inputs, points, run, found.__setitem__, readouts, targets, label, layer)
    return [found[i] for i in range(len(inputs))]


def each_sum(
    subject: Subject,
    inputs: Sequence[Inputs],
    points: Sequence[Point],
    run: Run,
    take: Callable[[int, Gradients], None],
    readouts: Sequence[Sequence[Readout]] | None = None,
    targets: Sequence[Target] = (),
    label: str = "gradients",
    layer: int | None = None,
) -> None:
    """As `weighted_gradients`, but each input's sum is handed to `take` when its last point is done, and not kept."""
    results: dict[int, Gradients] = {}
    left = Counter(point.item for point in points)

    def work(chosen: Sequence[Point]) -> None:
        batch = subject.collate([inputs[p.item] for p in chosen])
        embeds = stack_embeddings([p.make() for p in chosen]).requires_grad_(layer is None)
        logits = subject.logits(replace(batch, embeds=embeds))
        leaf = of(embeds)
        rows = [
            readouts[p.item] if readouts is not None else resolve_all(subject, inputs[p.item], targets, logits[i])
            for i, p in enumerate(chosen)
        ]
        for item, found in _sums(inputs, chosen, rows, read_values(logits, rows), leaf).items():
            results[item] = results[item].plus(found) if item in results else found
        left.subtract(point.item for point in chosen)
        for item in {point.item for point in chosen if not left[point.item]}:
            take(item, results.pop(item))

    with layer_output(subject, layer) as of:
        run.in_batches(subject, points, lambda p: len(inputs[p.item]), work, label)


def _sums(
    inputs: Sequence[Inputs],
    chosen: Sequence[Point],
    rows: Sequence[Sequence[Readout]],
    values: Float[Tensor, "batch row"],
    leaf: Float[Tensor, "batch token hidden"],
) -> dict[int, Gradients]:
    """What the points of one batch add to each input's sum."""
    sums = {p.item: _nothing_yet(rows[i], leaf[i, : len(inputs[p.item])]) for i, p in enumerate(chosen)}
    weights = []
    for i, point in enumerate(chosen):
        found = sums[point.item]
        found.values = values[i, : len(rows[i])].detach()
        found.cost.add(forwards=1 + point.spent, backwards=len(rows[i]))
        at = leaf[i, : found.total.shape[1]].detach()
        weights.append(point.weight if isinstance(point.weight, float | int) else point.weight(at))
    for group, (gradient,) in row_gradients(values, leaf):
        for i, point in enumerate(chosen):
            total = sums[point.item].total[group]
            total += weights[i] * gradient[: len(total), i, : total.shape[1]]
    return sums


def _nothing_yet(readouts: Sequence[Readout], embeds: Embeds) -> Gradients:
    wide = torch.promote_types(embeds.dtype, torch.float32)
    total = embeds.new_zeros((len(readouts), *embeds.shape), dtype=wide)
    return Gradients(readouts, total, embeds.new_zeros(len(readouts)), Cost())
