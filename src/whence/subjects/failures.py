"""What a forward pass fails with: memory that runs out, or a model that cannot be run the way whence runs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from whence.errors import UnsupportedError, WhenceError

_OUT_OF_MEMORY = ("can't allocate memory", "out of memory")


@contextmanager
def failures_of(model: Any) -> Iterator[None]:
    """A `with` around the model's forward pass, that says in whence's words what made it fail; the cause is kept.

    Passed on as they are: whence's own errors, warnings that the caller made errors, and memory that ran out, for which
    there is a remedy (`Run.in_batches`).
    """
    try:
        yield
    except (WhenceError, Warning):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise UnsupportedError(
            f"{type(model).__name__} failed when run from the embeddings of its tokens: {_said(error)}. whence runs a "
            f"model with `inputs_embeds` and, where there is padding, an attention mask. If this one needs more (ids, "
            f"boxes, table cells), wrap it in a model that fills them in; if only this input fails, give another one."
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on whatever device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _OUT_OF_MEMORY)


def _said(error: Exception) -> str:
    """The kind of an error and the first line of what it says."""
    first = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {first.rstrip('.')}" if first else type(error).__name__
