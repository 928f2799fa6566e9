"""What the units of some places do on encoded inputs: their activations, and their relevance for targets.

One forward pass serves all places and all target rows; rows are separate vector-Jacobian products.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from whence.errors import UnsupportedError
from whence.gradients.input_x_gradient import InputXGradient
from whence.internals.taps import Reading, Taps
from whence.methods.base import Method
from whence.methods.rows import read_values, row_gradients
from whence.registry import loadable
from whence.relevance.engine import LONG, RelevanceMethod
from whence.subjects.batch import Batch
from whence.subjects.checkpointing import checkpointed
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Readout, Target, resolve_all


@dataclass(frozen=True, eq=False)
class Measured:
    """Of one input: the readouts, their values, and the relevance of every unit at every token for each.

    Where the model puts `extra` states of its own in front (a class token before an image's patches), so do the scores.
    """

    readouts: Sequence[Readout]
    values: Float[np.ndarray, " row"]
    scores: Float32[np.ndarray, "row state unit"]
    extra: int = 0


def logits_under(method: Method, subject: Subject, batch: Batch, taps: Taps) -> tuple[Tensor, Callable[..., None]]:
    """The logits, their gradients those of the method; and what looks, before these are taken, for what has no rule.

    Raises `UnsupportedError` for a method whose scores are not one gradient, under rules or plain.
    """
    if isinstance(method, InputXGradient):
        with taps:
            return subject.logits(batch), _nothing_to_look_for
    if not isinstance(method, RelevanceMethod):
        able = [key for key, one in loadable("methods").items() if issubclass(one, RelevanceMethod | InputXGradient)]
        raise UnsupportedError(
            f"{method.key} gives no relevance to what is inside a model: that takes one gradient, under rules or "
            f"plain. Methods that do: {', '.join(able)}."
        )
    mode = method.mode()
    saving = checkpointed(subject.model, mode.again) if batch.embeds.shape[1] >= LONG else nullcontext()
    with mode, taps, saving:
        return subject.logits(batch), mode.unruled.inspect


def _nothing_to_look_for(values: Tensor) -> None:
    """A plain gradient is right everywhere."""


@dataclass(frozen=True, eq=False)
class Traced:
    """One forward pass of encoded inputs under a method's rules, ready to be differentiated at some places.

    Of each place `taken` holds what was taken at its sites, `(batch, state, width)`; `extra` is as in `Measured`.
    """

    readouts: list[list[Readout]]
    values: Float[Tensor, "batch row"]
    places: Sequence[Reading]
    taken: list[list[Float[Tensor, "batch _ _"]]]
    extra: int
    _tensors: list[Tensor]

    def gradients(self) -> Iterator[tuple[slice, list[Float[Tensor, "_ batch _ _"]]]]:
        """Some target rows at a time, as a slice, and for each place the gradients of their values; once."""
        for chosen, gradients in row_gradients(self.values, *self._tensors):
            pairs = zip(gradients, self.taken, strict=True)
            yield chosen, [gradient.reshape(len(gradient), *numbers[-1].shape) for gradient, numbers in pairs]


def traced(
    subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], places: Sequence[Reading], method: Method
) -> Traced:
    """The forward pass of these inputs, with all that stands at `places` in the graph."""
    batch = _with_leaf(subject, inputs)
    taps = Taps([site for place in places for site in place.sites])
    logits, look = logits_under(method, subject, batch, taps)
    readouts = [resolve_all(subject, item, targets, row) for item, row in zip(inputs, logits.detach(), strict=True)]
    values = read_values(logits, readouts)
    look(values)
    taken = [taps.taken(place, len(inputs)) for place in places]
    extra = _states_in_front(places[0], inputs, batch, taken[0][-1].shape[1])
    return Traced(readouts, values, places, taken, extra, [taps.tensors(place)[-1] for place in places])


def relevance_of_units(
    subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], places: Sequence[Reading], method: Method
) -> list[Measured]:
    """For each input the relevance of all units read at `places`, one after another, for each of its targets."""
    found = traced(subject, inputs, targets, places, method)
    width = sum(len(place.units) for place in places)
    tables = [
        np.zeros((len(rows), found.extra + len(x), width), np.float32)
        for x, rows in zip(inputs, found.readouts, strict=True)
    ]
    for chosen, gradients in found.gradients():
        start = 0
        for place, numbers, gradient in zip(places, found.taken, gradients, strict=True):
            scores = place.relevance(numbers, gradient).float().cpu().numpy()
            units = slice(start, start + len(place.units))
            start = units.stop
            for i, item in enumerate(inputs):
                here, there = _spans(place, item, found.extra)
                part = tables[i][chosen]
                part[:, here, units] = scores[: len(part), i, there]
    results = found.values.detach().cpu().double().numpy()
    return [Measured(rows, results[i, : len(rows)], tables[i], found.extra) for i, rows in enumerate(found.readouts)]


def activations_of_units(
    subject: Subject, inputs: Sequence[Inputs], place: Reading
) -> list[Float[np.ndarray, "token unit"]]:
    """For each input the activation of every unit of one place at every token; −∞ where a token does not pass it."""
    batch = subject.collate(inputs)
    with torch.no_grad(), Taps(place.sites) as taps:
        subject.logits(batch)
        found = place.activations(taps.taken(place, len(inputs))).double().cpu().numpy()
    extra = _states_in_front(place, inputs, batch, found.shape[1])
    tables = []
    for i, item in enumerate(inputs):
        here, there = _spans(place, item, extra)
        table = np.full((extra + len(item), len(place.units)), -np.inf)
        table[here] = found[i, there]
        tables.append(table[extra:])
    return tables


def relevance_for_activation(
    subject: Subject, inputs: Inputs, place: Reading, index: int, at: int, method: Method
) -> tuple[float, Float[np.ndarray, " token"]]:
    """One unit's activation at one token, and the relevance of the input tokens for that number alone."""
    batch = _with_leaf(subject, [inputs])
    taps = Taps(place.sites)
    look = logits_under(method, subject, batch, taps)[1]
    taken = taps.taken(place, 1)
    extra = _states_in_front(place, [inputs], batch, taken[-1].shape[1])
    here, there = _spans(place, inputs, extra)
    value = place.activations(taken)[0, there.start + extra + at - here.start, index]
    look(value)
    (gradient,) = torch.autograd.grad(value, batch.embeds)
    wide = torch.promote_types(batch.embeds.dtype, torch.float32)
    scores = (batch.embeds.detach().to(wide) * gradient).sum(dim=-1)
    return float(value.detach()), scores[0].double().cpu().numpy()


def _states_in_front(place: Reading, inputs: Sequence[Inputs], batch: Batch, length: int) -> int:
    """How many of the `length` states taken are the model's own, in front of an image's patches."""
    if inputs[0].source is not None and place.units[0].stack:
        return 0
    extra = length - batch.embeds.shape[1]
    if extra < 0 or (extra and inputs[0].grid is None):
        raise UnsupportedError(
            f"There are {length} states where {place.units[0].name} is, and {batch.embeds.shape[1]} tokens in the "
            f"input, so it cannot be told which state is which token's."
        )
    return extra


def _spans(place: Reading, inputs: Inputs, extra: int) -> tuple[slice, slice]:
    """The input's tokens (and states in front) that pass the place, and which of the states taken there are theirs.

    A decoder's states are those of the tokens behind the encoder's.
    """
    source, count = inputs.source, extra + len(inputs)
    if source is None or not place.units[0].stack:
        return slice(0, count), slice(0, count)
    if place.units[0].stack == "encoder":
        return slice(0, source), slice(0, source)
    if place.units[0].stack == "decoder":
        return slice(source, count), slice(0, count - source)
    raise UnsupportedError(f"It cannot be told whether {place.units[0].name} is of the encoder or the decoder.")


def _with_leaf(subject: Subject, inputs: Sequence[Inputs]) -> Batch:
    batch = subject.collate(inputs)
    return replace(batch, embeds=batch.embeds.detach().clone().requires_grad_(True))
