"""Activations written out in Python, taken as the one element-wise function they are.

`0.5 * x * (1 + tanh(√(2/π) (x + 0.044715 x³)))` is a function of x alone, element by element, yet torch sees seven
operations, two of them products of "live" tensors. So each tensor that is an element-wise function of one other
remembers that other, its root; when two such tensors of one root meet, the result is again a function of the root,
and the identity rule leads its relevance there directly, past the steps in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from whence.relevance.liveness import is_live

_ORIGIN = "_whence_origin"


@dataclass(frozen=True, eq=False)
class Origin:
    """What a tensor is an element-wise function of, and whether that function is more than a scale and a shift."""

    root: Tensor
    curved: bool


def origin_of(tensor: Tensor) -> Origin:
    """The tensor's origin; itself, where it is no element-wise function of another."""
    return getattr(tensor, _ORIGIN, None) or Origin(tensor, False)


def root_of(tensor: Tensor) -> Tensor:
    """The tensor that this one is an element-wise function of; itself, if it is none."""
    return origin_of(tensor).root


def is_curved(tensor: Tensor) -> bool:
    """Whether the tensor is a non-linear function of its root."""
    return origin_of(tensor).curved


def set_origin(result: Tensor, root: Tensor, *, curved: bool) -> Tensor:
    """`result`, remembered as an element-wise function of `root`."""
    if result is not root:
        setattr(result, _ORIGIN, Origin(root, curved))
    return result


def forget_origin(tensor: Tensor) -> None:
    """Take the tensor for what it is now, after it was overwritten."""
    if hasattr(tensor, _ORIGIN):
        delattr(tensor, _ORIGIN)


def shared_root(operands: Sequence[Any]) -> Tensor | None:
    """The root that all live operands have in common, None where they have not."""
    roots = {id(root_of(x)): root_of(x) for x in operands if is_live(x)}
    return next(iter(roots.values())) if len(roots) == 1 else None


def keep_origin(result: Any, args: tuple[Any, ...], *, is_sum: bool) -> None:
    """Remember the root of a scaled or shifted element-wise function; a shift that differs by element is a bias."""
    operands = args[:2]
    if is_sum and any(isinstance(x, Tensor) and not is_live(x) and x.numel() > 1 for x in operands):
        return
    root = shared_root(operands)
    if root is not None and is_live(result) and result.shape == root.shape and root_of(result) is result:
        live = [x for x in operands if is_live(x)]
        curved = any(is_curved(x) for x in live)
        if len(live) == 1 or curved or not is_sum:
            set_origin(result, root, curved=curved)
