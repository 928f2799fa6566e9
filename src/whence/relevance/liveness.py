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


def mark_constants(result: Any, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Remember a result made of parameters alone as a constant; embeddings looked up stay live, to be explained."""
    results = result if isinstance(result, list | tuple) else (result,)
    made = [x for x in results if isinstance(x, Tensor) and x.requires_grad and not isinstance(x, Parameter)]
    if made and function is not F.embedding and not any_live(args) and not any_live(kwargs.values()):
        for tensor in made:
            if not tensor.is_leaf:
                setattr(tensor, _CONSTANT, True)
