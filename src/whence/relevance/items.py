"""Whether the items of a batch lie one after the other in a tensor's first dimension.

Shares of what constants absorb are told apart by item along that dimension. What reorders it - a transposition, a
choice of rows, experts that gather tokens - ends this knowledge, until a sum with a tensor that is still in order.
"""

from typing import Any

from torch import Tensor

_ITEMS = "_whence_items"
_TRANSPOSING = frozenset({"transpose", "transpose_", "swapaxes", "swapdims"})
_REORDERING = frozenset({"t", "movedim", "moveaxis", "flip", "flipud", "roll", "rot90", "index_select", "sort", "tile"})
_ALONG = frozenset({"cat", "concat", "concatenate", "stack", "chunk", "split", "tensor_split", "unbind", "unfold"})


def set_in_order(tensor: Tensor) -> Tensor:
    """`tensor`, remembered as having its items one after the other."""
    setattr(tensor, _ITEMS, True)
    return tensor


def is_in_order(tensor: Any) -> bool:
    """Whether the tensor's items are known to lie one after the other."""
    return getattr(tensor, _ITEMS, False)


def keep_order(name: str, result: Any, args: tuple[Any, ...], kwargs: dict[str, Any], items: int) -> None:
    """Remember the results that a function of ordered tensors leaves in order."""
    operands = [x for value in args for x in (value if isinstance(value, list | tuple) else (value,))]
    if not any(is_in_order(x) for x in operands) or _moves_rows(name, args, kwargs):
        return
    for tensor in result if isinstance(result, list | tuple) else (result,):
        if isinstance(tensor, Tensor) and tensor.ndim > 0 and len(tensor) and len(tensor) % items == 0:
            set_in_order(tensor)


def _moves_rows(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether the function may put rows of the first dimension elsewhere."""
    if name in _REORDERING:
        return True
    ndim = args[0].ndim if isinstance(args[0], Tensor) else 0
    if name in _TRANSPOSING:
        return 0 in (_dimension(d, ndim) for d in (*args[1:], *kwargs.values()))
    if name == "permute":
        dims = args[1] if len(args) > 1 and isinstance(args[1], list | tuple) else args[1:] or kwargs["dims"]
        return _dimension(dims[0], ndim) != 0
    if name == "__getitem__":
        first = args[1][0] if isinstance(args[1], tuple) and args[1] else args[1]
        return first is not Ellipsis and not (isinstance(first, slice) and first == slice(None))
    if name == "repeat":
        times = args[1] if isinstance(args[1], list | tuple) else args[1:]
        return len(times) > ndim or times[0] != 1
    if name == "einsum":
        return not _same_first_letter(args[0]) if isinstance(args[0], str) else True
    if name in _ALONG:
        along = kwargs.get("dim", kwargs.get("axis"))
        along = next((a for a in reversed(args[1:]) if isinstance(a, int)), 0) if along is None else along
        return along == 0
    return False


def _dimension(dim: Any, ndim: int) -> Any:
    return dim + ndim if isinstance(dim, int) and dim < 0 else dim


def _same_first_letter(equation: str) -> bool:
    inputs, _, output = equation.replace(" ", "").partition("->")
    return bool(output) and all(part[:1] in (output[:1], ".") for part in inputs.split(","))
