"""Activations of a model's blocks computed again in the backward pass instead of kept."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint
from transformers.modeling_layers import GradientCheckpointingLayer


@contextmanager
def checkpointed(model: torch.nn.Module, around: Callable[[], AbstractContextManager[Any]]) -> Iterator[None]:
    """While open, each block of the model keeps only its input and is computed again when its gradient is wanted.

    `around` makes the context that the second computation runs in, such as the rules the first ran in. Blocks are what
    transformers calls gradient checkpointing layers; a model without any runs as always. It is the instances' `forward`
    that is wrapped, for as long as this is open: classes and the model's own checkpointing switch are left alone.
    """
    blocks = [m for m in model.modules() if isinstance(m, GradientCheckpointingLayer) and "forward" not in vars(m)]
    for block in blocks:
        block.forward = partial(_run, block.forward, around)
    try:
        yield
    finally:
        for block in blocks:
            del block.forward


def _run(
    forward: Callable[..., Any], around: Callable[[], AbstractContextManager[Any]], *args: Any, **kwargs: Any
) -> Any:
    return checkpoint(
        forward,
        *args,
        use_reentrant=False,
        preserve_rng_state=False,
        context_fn=lambda: (nullcontext(), around()),
        **kwargs,
    )
