"""What is known of a tensor beside its numbers: that it is a gate, or that a number was added to it.

A gate is made of activations alone: the sigmoid of something, a router's weights, whatever was reshaped, gathered or
scaled of them since. A shift is the number β in u + β: it carries no relevance of its own, so a product with a gate,
(u + β) ⊙ g = u ⊙ g + β g, owes the second term to the gate.
"""

from typing import Any

from torch import Tensor

from whence.relevance.elementwise import forget_origin, is_curved, root_of, set_origin
from whence.relevance.liveness import is_live, set_live

_GATE = "_whence_gate"
_SHIFT = "_whence_shift"


def is_gate(tensor: Tensor) -> bool:
    """Whether the tensor is made of activations alone."""
    return is_curved(tensor) or getattr(tensor, _GATE, False)


def shift_of(tensor: Tensor) -> float:
    """The number that was added to the tensor."""
    return getattr(tensor, _SHIFT, 0.0)


def keep_traits(result: Any, args: tuple[Any, ...]) -> None:
    """Give what a reshaping, a choice or a cast returns the traits of what it was given."""
    source = args[0] if args else None
    if isinstance(source, Tensor):
        _set(result, gate=is_gate(source), shift=shift_of(source))
    elif isinstance(source, list | tuple) and source and all(isinstance(x, Tensor) for x in source):
        _set(result, gate=all(is_gate(x) for x in source), shift=0.0)


def forget(tensor: Tensor) -> None:
    """Take the tensor for what it is now, after it was overwritten."""
    forget_origin(tensor)
    set_live(tensor)
    for trait in (_GATE, _SHIFT):
        if hasattr(tensor, trait):
            delattr(tensor, trait)


def adopt(tensor: Tensor, other: Tensor) -> Tensor:
    """`tensor`, known for what `other` is, whose numbers it holds."""
    forget(tensor)
    if root_of(other) is not other:
        set_origin(tensor, root_of(other), curved=is_curved(other))
    _set(tensor, gate=is_gate(other), shift=shift_of(other))
    return tensor


def shifted(result: Any, args: tuple[Any, ...], signs: tuple[float, float]) -> None:
    """Traits of a sum: of a tensor and a number, with these signs, or of gates and constants."""
    tensors, numbers = _parts(args)
    if len(tensors) == 1 and len(numbers) == 1:
        shift = 0.0 if is_curved(tensors[0]) else signs[0] * shift_of(tensors[0]) + signs[1] * numbers[0]
        _set(result, gate=is_gate(tensors[0]), shift=shift)
    else:
        _set(result, gate=all(is_gate(x) for x in tensors if is_live(x)), shift=0.0)


def multiplied(result: Any, args: tuple[Any, ...]) -> None:
    """Traits of a product: of a tensor and a number, or of gates and constants."""
    tensors, numbers = _parts(args)
    shift = shift_of(tensors[0]) * numbers[0] if len(tensors) == 1 and len(numbers) == 1 else 0.0
    _set(result, gate=all(is_gate(x) for x in tensors if is_live(x)), shift=shift)


def _parts(args: tuple[Any, ...]) -> tuple[list[Tensor], list[float]]:
    operands = args[:2]
    return [x for x in operands if isinstance(x, Tensor)], [float(x) for x in operands if isinstance(x, int | float)]


def _set(result: Any, *, gate: bool, shift: float) -> None:
    if gate or shift:
        for tensor in result if isinstance(result, list | tuple) else (result,):
            if is_live(tensor):
                setattr(tensor, _GATE, gate)
                setattr(tensor, _SHIFT, shift)
