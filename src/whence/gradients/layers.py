"""The output of one of a model's blocks, to take gradients of it in the place of the input embeddings."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from whence.errors import InputError, UnsupportedError
from whence.methods.model_map import map_of
from whence.methods.probe import hidden_of, with_hidden
from whence.methods.run import Run
from whence.methods.values import Embeds, stack_embeddings
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject

Of = Callable[[Tensor], Tensor]
"""From the embeddings of the batch just run to what gradients are to be taken of."""


def check_layer(layer: object) -> None:
    """An `InputError` for a layer that is neither None nor a whole number."""
    if layer is not None and (isinstance(layer, bool) or not isinstance(layer, int)):
        raise InputError(f"layer must be None (the input embeddings) or a whole number, got {layer!r}.")


@contextmanager
def layer_output(subject: Subject, layer: int | None) -> Iterator[Of]:
    """While open, the block's output in passes of this thread is a leaf to differentiate by: that of the last pass.

    Layers count from 0, negative ones from the end; None stands for the embeddings. Raises `UnsupportedError` where
    the layer's tokens are not the input's.
    """
    if layer is None:
        yield lambda embeds: embeds
        return
    thread, seen = threading.get_ident(), list[Tensor]()

    def take(module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        if threading.get_ident() != thread:
            return None
        hidden = hidden_of(output)
        assert hidden is not None
        seen.append(hidden.detach().requires_grad_(torch.is_grad_enabled()))
        return with_hidden(output, seen[-1].clone())

    def of(embeds: Tensor) -> Tensor:
        outputs = [seen.pop() for _ in range(len(seen))]
        if len(outputs) != 1 or outputs[0].shape[:2] != embeds.shape[:2]:
            shapes = ", ".join(str(tuple(one.shape)) for one in outputs)
            raise UnsupportedError(
                f"Layer {layer} of {subject.name} holds {shapes} (batch, token, hidden) where the input is "
                f"{tuple(embeds.shape)}: its tokens are not the input's, so scores cannot be told by token. "
                f"Use layer=None."
            )
        return outputs[0]

    handle = _block(subject, layer).register_forward_hook(take)
    try:
        yield of
    finally:
        handle.remove()


def layer_values(
    subject: Subject,
    inputs: Sequence[Inputs],
    points: Sequence[tuple[int, Callable[[], Embeds]]],
    run: Run,
    layer: int,
) -> list[Float[Tensor, "_ hidden"]]:
    """The layer's output at each point (the input's number and its embeddings), without gradient: one forward each."""
    found: dict[int, Tensor] = {}

    def work(chosen: Sequence[int]) -> None:
        with torch.no_grad():
            batch = subject.collate([inputs[points[p][0]] for p in chosen])
            embeds = stack_embeddings([points[p][1]() for p in chosen])
            subject.logits(replace(batch, embeds=embeds))
            outputs = of(embeds)
        for row, p in enumerate(chosen):
            found[p] = outputs[row, : len(inputs[points[p][0]])].clone()

    with layer_output(subject, layer) as of:
        run.in_batches(subject, range(len(points)), lambda p: len(inputs[points[p][0]]), work, "layer outputs")
    return [found[p] for p in range(len(points))]


def _block(subject: Subject, layer: int) -> nn.Module:
    blocks = map_of(subject.model).blocks
    stacks = dict.fromkeys(block.stack for block in blocks)
    if len(stacks) > 1:
        raise UnsupportedError(
            f"{subject.name} has several stacks of layers ({', '.join(stacks)}), each with tokens of its own, so "
            f"layer={layer} names no one layer. Use layer=None, the embeddings of both."
        )
    if not -len(blocks) <= layer < len(blocks):
        raise InputError(f"There is no layer {layer}: {subject.name} has layers 0 to {len(blocks) - 1}.")
    return blocks[layer].module
