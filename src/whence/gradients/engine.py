"""Gradients of every target row at any number of points of embedding space, summed with weights.

A gradient method is a choice of points and weights: the input itself, points on a path, points with noise. One forward
pass at a point serves all rows; rows are separate vector-Jacobian products. Points of all inputs share batches.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from whence.methods.base import Cost
from whence.methods.rows import read_values, row_gradients
from whence.methods.run import Run
from whence.methods.values import Embeds, stack_embeddings
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Readout, Target, resolve_all


@dataclass(frozen=True, eq=False)
class Point:
    """A point of one input's embedding space, made when its turn comes, and the weight of its gradient."""

    item: int
    weight: float
    make: Callable[[], Embeds]


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


def input_embeddings(subject: Subject, inputs: Sequence[Inputs]) -> list[Embeds]:
    """The embeddings of each input, alone."""
    return [subject.embed(torch.as_tensor(item.ids, device=subject.device)[None])[0] for item in inputs]


def weighted_gradients(
    subject: Subject,
    inputs: Sequence[Inputs],
    points: Sequence[Point],
    run: Run,
    readouts: Sequence[Sequence[Readout]] | None = None,
    targets: Sequence[Target] = (),
    label: str = "gradients",
) -> list[Gradients]:
    """For each input Σ_p weight_p · ∂ value_r / ∂ embeds at point p, for every row r.

    Where no readouts are given, the targets are resolved from the pass itself, so each input's point must be itself.
    """
    results: dict[int, Gradients] = {}

    def work(chosen: Sequence[Point]) -> None:
        batch = subject.collate([inputs[p.item] for p in chosen])
        leaf = stack_embeddings([p.make() for p in chosen]).requires_grad_(True)
        logits = subject.logits(replace(batch, embeds=leaf))
        rows = [
            readouts[p.item] if readouts is not None else resolve_all(subject, inputs[p.item], targets, logits[i])
            for i, p in enumerate(chosen)
        ]
        values = read_values(logits, rows)
        sums = {p.item: _nothing_yet(rows[i], leaf[i, : len(inputs[p.item])]) for i, p in enumerate(chosen)}
        for i, point in enumerate(chosen):
            sums[point.item].values = values[i, : len(rows[i])].detach()
            sums[point.item].cost.add(forwards=1, backwards=len(rows[i]))
        for group, (gradient,) in row_gradients(values, leaf):
            for i, point in enumerate(chosen):
                total = sums[point.item].total[group]
                total += point.weight * gradient[: len(total), i, : total.shape[1]]
        for item, found in sums.items():
            results[item] = results[item].plus(found) if item in results else found

    run.in_batches(subject, points, lambda p: len(inputs[p.item]), work, label)
    return [results[i] for i in range(len(inputs))]


def _nothing_yet(readouts: Sequence[Readout], embeds: Embeds) -> Gradients:
    wide = torch.promote_types(embeds.dtype, torch.float32)
    total = embeds.new_zeros((len(readouts), *embeds.shape), dtype=wide)
    return Gradients(readouts, total, embeds.new_zeros(len(readouts)), Cost())
