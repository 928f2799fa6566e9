"""Target values of inputs, without gradients."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from whence.methods.rows import read_values
from whence.methods.run import Run
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Readout, Target, resolve_all

Embeds = Float[Tensor, "_ hidden"]
"""The embeddings of one input; those of a list differ in length."""


@dataclass(frozen=True, eq=False)
class Place:
    """Where an input is explained: at its own embeddings, or at others near them."""

    inputs: Inputs
    embeds: Embeds


def input_embeddings(subject: Subject, inputs: Sequence[Inputs]) -> list[Embeds]:
    """The embeddings of each input, alone."""
    return [subject.collate([item]).embeds[0] for item in inputs]


def target_values(
    subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
) -> tuple[list[Float[Tensor, " row"]], list[list[Readout]]]:
    """Each input's target values, float64, and the targets as resolved on it: one forward each."""
    readouts: list[list[Readout]] = [[] for _ in inputs]
    values: dict[int, Tensor] = {}

    def work(chosen: Sequence[int]) -> None:
        with torch.no_grad():
            logits = subject.logits(subject.collate([inputs[i] for i in chosen]))
            for row, i in enumerate(chosen):
                readouts[i] = resolve_all(subject, inputs[i], targets, logits[row])
                values[i] = read_values(logits[row : row + 1], [readouts[i]])[0].cpu().double()

    run.in_batches(subject, range(len(inputs)), lambda i: len(inputs[i]), work, "target values")
    return [values[i] for i in range(len(inputs))], readouts


def values_at(
    subject: Subject,
    inputs: Sequence[Inputs],
    embeds: Sequence[Embeds],
    readouts: Sequence[Sequence[Readout]],
    run: Run,
) -> list[Float[Tensor, " row"]]:
    """Each input's target values, float64, with other embeddings in its tokens' place: one forward each."""
    values: dict[int, Tensor] = {}

    def work(chosen: Sequence[int]) -> None:
        with torch.no_grad():
            batch = subject.collate([inputs[i] for i in chosen])
            logits = subject.logits(replace(batch, embeds=stack_embeddings([embeds[i] for i in chosen])))
            for row, i in enumerate(chosen):
                values[i] = read_values(logits[row : row + 1], [readouts[i]])[0].cpu().double()

    run.in_batches(subject, range(len(inputs)), lambda i: len(inputs[i]), work, "target values")
    return [values[i] for i in range(len(inputs))]


def stack_embeddings(embeds: Sequence[Float[Tensor, "_ hidden"]]) -> Float[Tensor, "batch longest hidden"]:
    """Embeddings of several inputs, padded on the right with zeros."""
    return torch.nn.utils.rnn.pad_sequence(list(embeds), batch_first=True)
