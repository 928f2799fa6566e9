"""Which tensors relevance flows through: those that depend on the input, not weights or what is made of weights."""

from typing import Any

import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch.nn import Parameter

_CONSTANT = "_whence_constant"


def is_live(value: object) -> bool:
    """Whether relevance flows through `value`: it takes a gradient, and not for the sake of parameters alone."""
    return (
        isinstance(value, Tensor)
        and value.requires_grad
        and not isinstance(value, Parameter)
        and not getattr(value, _CONSTANT, False)
    )


def any_live(values: Any) -> bool:
    """Whether a tensor among `values`, or in a list or tuple among them, is live."""
    return any(any_live(value) if isinstance(value, list | tuple) else is_live(value) for value in values)


def set_constant(tensor: Tensor) -> Tensor:
    """`tensor`, remembered as a constant although it takes a gradient."""
    setattr(tensor, _CONSTANT, True)
    return tensor


def set_live(tensor: Tensor) -> None:
    """Take the tensor for no constant any more: something live was written into it."""
    if hasattr(tensor, _CONSTANT):
        delattr(tensor, _CONSTANT)


def mark_constants(result: Any, function: Any) -> None:
    """Remember what a call without live tensors returns as constant; embeddings looked up are live, to be explained."""
    for tensor in result if isinstance(result, list | tuple) else (result,):
        made = isinstance(tensor, Tensor) and tensor.requires_grad and not isinstance(tensor, Parameter)
        if made and function is not F.embedding and not tensor.is_leaf:
            set_constant(tensor)
