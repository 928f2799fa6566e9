"""One input's forward pass with attention weights other than the model's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from whence.attention.engine import refuse_without_attention
from whence.checks.attention.output_shift import OutputShift, has_distribution
from whence.checks.base import Case
from whence.errors import InputError
from whence.methods.attention_calls import AttentionCalls
from whence.methods.attention_layout import layout_of
from whence.methods.rows import read_values
from whence.methods.score_products import MASKED
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Readout, resolve_all

Layers = Literal["all", "last"]
"""Whose weights are replaced: those of all attention layers, or of the one computed last."""
Given = Float[Tensor, "draw head query key"]
"""Scores of one layer in the place of the model's own, for several draws of one input."""
_A_TOKEN = 1024
"""Scores that take about the memory of a token, several times over: they are drawn, sorted and put in their places."""


@dataclass(frozen=True, eq=False)
class Pass:
    """What came of some forward passes of one input: how far the output is from the model's own, and all weights."""

    logits: Float[Tensor, "draw slot output"]
    weights: Sequence[Float[Tensor, "..."]]


@dataclass(frozen=True, eq=False)
class OwnAttention:
    """An input's attention as the model computes it: what goes into each layer's softmax, and what comes out.

    Replaced are the scores and not the weights: the softmax of permuted scores are the permuted weights, masked keys
    stay masked, and weights of any scores at all are weights that the model can have.
    """

    subject: Subject
    inputs: Inputs
    scores: Sequence[Float[Tensor, "1 head query key"]]
    weights: Sequence[Float[Tensor, "1 head query key"]]
    readouts: Sequence[Readout]
    """The output's distance from the model's own at each slot, to be read from a pass."""

    def chosen(self, layers: Layers) -> range:
        """The numbers of the layers meant."""
        count = len(self.scores)
        return range(count) if layers == "all" else range(count - 1, count)

    def allowed(self, number: int) -> Bool[Tensor, "1 head query key"]:
        """Which keys each query of a layer can look at."""
        return self.scores[number] > MASKED

    def given(self, scores: Mapping[int, Given]) -> Pass:
        """A pass of as many copies of the input as the scores are for, with these scores in some layers."""
        copies = len(next(iter(scores.values())))
        seen: list[Tensor] = []

        def read(number: int, weights: Tensor) -> Tensor:
            seen.append(weights.reshape(copies, *self.scores[number].shape[1:]))
            return seen[-1].reshape(weights.shape)

        return Pass(self.logits(scores.get, copies, read), seen)

    def logits(
        self,
        scores: Callable[[int], Given | None],
        copies: int,
        read: Callable[[int, Tensor], Tensor] | None = None,
    ) -> Float[Tensor, "draw slot output"]:
        """What so many copies of the input give, with other scores in the layers that there are some for.

        A layer's scores are asked for when it is computed, and not held on to: there is one layer's at a time. `read`
        is shown the weights.
        """

        def replaced(number: int, own: Tensor) -> Tensor:
            given = scores(number)
            return own if given is None else given.reshape(own.shape)

        with AttentionCalls(scores=replaced, weights=read):
            return self.subject.logits(self.subject.collate([self.inputs] * copies))

    @property
    def tokens_worth(self) -> int:
        """How many tokens a copy of the input counts as in a batch: its own, or those its largest layer's scores are
        worth, where that is more.
        """
        return max(len(self.inputs), *(scores.numel() // _A_TOKEN for scores in self.scores))

    def shifts(self, logits: Float[Tensor, "draw slot output"]) -> Float[Tensor, "draw slot"]:
        """How far the output distribution at each slot is from the model's own: their total variation distance."""
        return read_values(logits, [self.readouts] * len(logits))


def own_attention(subject: Subject, inputs: Inputs) -> OwnAttention:
    """The attention of one input; `UnsupportedError` where it cannot be read. A session of the subject is open."""
    batch = subject.collate([inputs])
    layout = layout_of(subject, [inputs], batch)
    scores: list[Tensor] = []
    weights: list[Tensor] = []

    def read_scores(number: int, found: Tensor) -> Tensor:
        scores.append(found)
        return found

    def read_weights(number: int, found: Tensor) -> Tensor:
        weights.append(layout.arranged(number, found).reshape(scores[number].shape))
        return found

    with torch.no_grad(), AttentionCalls(scores=read_scores, weights=read_weights) as calls:
        logits = subject.logits(batch)
    refuse_without_attention(subject, calls.count)
    readouts = resolve_all(subject, inputs, [OutputShift()], logits[0])
    return OwnAttention(subject, inputs, scores, weights, readouts)


def permuted(
    own: OwnAttention, number: int, generators: Sequence[np.random.Generator]
) -> Float[Tensor, "draw head query key"]:
    """A layer's scores, those of each query in another order among the keys it can look at, a draw a generator."""
    scores, allowed = own.scores[number], own.allowed(number)
    places = torch.arange(scores.shape[-1], device=scores.device).expand(scores.shape)
    beyond = places.new_tensor(scores.shape[-1])
    in_order = places.where(allowed, beyond + places).argsort(dim=-1)
    drawn = torch.from_numpy(np.stack([generator.random(scores.shape[1:]) for generator in generators])).float()
    shuffled = drawn.to(scores.device).masked_fill(~allowed, 2.0).argsort(dim=-1, stable=True)
    copies = scores.expand(len(generators), *scores.shape[1:])
    return torch.empty_like(copies).scatter(-1, in_order.expand(copies.shape), copies.gather(-1, shuffled))


def why_no_attention(case: Case) -> str | None:
    """Why attention in the place of the model's own says nothing about a case; None if it does."""
    if case.method.family != "attention":
        return f"{case.method.key} is no attention method: its explanations are not made of attention weights."
    if not has_distribution(case.subject):
        return f"{case.subject.name} is a regression: its output is no distribution whose change could be measured."
    return None


def check_layers(layers: str) -> None:
    """An `InputError` for layers there are not."""
    if layers not in get_args(Layers):
        raise InputError(f"layers must be one of {', '.join(map(repr, get_args(Layers)))}, got {layers!r}.")
