"""Two forward passes compared call by call: the first is written down, the second gets multipliers for gradients."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from whence.relevance.call import Call
from whence.relevance.differences.composites import COMPOSITES
from whence.relevance.differences.record import Record
from whence.relevance.differences.rules import BILINEAR, rule_of
from whence.relevance.interception import Interception, in_order, not_in_place
from whence.relevance.liveness import is_live, set_constant, set_live
from whence.relevance.operations import LINEAR, OPERATIONS, Function
from whence.relevance.passing import HOMOGENEOUS, PASSING, Unruled

_NOT_LINEAR = frozenset(
    f"""{HOMOGENEOUS} max min amax amin maximum minimum fmax fmin max_pool1d max_pool2d max_pool3d adaptive_max_pool1d
    adaptive_max_pool2d adaptive_max_pool3d boolean_dispatch fn msort nan_to_num index_reduce segment_reduce bilinear
    baddbmm addbmm addmm addmv""".split()
)
"""What hands relevance back by its own gradient, as selection does, and yet has no multipliers by it."""
_K_BEFORE_DIMENSION = frozenset({"topk", "kthvalue"})


class DifferenceMode(Interception):
    """Writes down the calls of one pass in `record`, or gives those of another the multipliers between the two.

    Calls without a tensor that depends on the input are left alone, and so are, but for rounding, all of whose operands
    are the same in both passes. Choices of the first pass - indices, comparisons - are held in the second.
    """

    def __init__(self, record: Record, unruled: Unruled) -> None:
        super().__init__()
        self.record = record
        self.unruled = unruled

    def _constant(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
        return _not_of_the_input(result)

    def _live(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        fresh = not_in_place(func, args, kwargs)
        if fresh is None:
            result = self._apply(func, args, kwargs)
            name = getattr(func, "__name__", "")
            if name == "__setitem__" or (name.endswith("_") and not name.endswith("__")):
                set_live(args[0])
            return result
        target = args[0]
        after = self._apply(fresh.function, (target.clone(), *fresh.args[1:]), fresh.kwargs)
        set_live(target)
        return target.copy_(after)

    def _apply(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The call by its rule, taken apart, or as it is."""
        args, kwargs = in_order(args, kwargs)
        if func in COMPOSITES:
            applies, parts = COMPOSITES[func]
            if applies(args, kwargs):
                return self._taken_apart(parts, args, kwargs)
        call = Call(func, args, kwargs)
        rule = rule_of(call)
        if rule is not None:
            other = self.record.pair(call)
            return call.run() if other is None or _same(args, other) else rule(call, other)
        result = self._held(call, call.run())
        if not _is_linear(call):
            self.unruled.watch(result, func)
        return result

    def _held(self, call: Call, result: Any) -> Any:
        """The result, with what it chooses as the first pass has chosen: numbers are read where that one reads them."""
        if isinstance(result, Tensor):
            return result if result.is_floating_point() or result.is_complex() else self.record.hold(call, result)
        if not _is_choice(result):
            return result
        chosen = result[1]
        held = self.record.hold(call, chosen)
        if held is chosen or torch.equal(held, chosen):
            return result
        dim = _dimension(call)
        flat = held.ndim < call.args[0].ndim
        read = call.args[0].gather(dim, held.unsqueeze(dim) if flat else held)
        return type(result)((read.squeeze(dim) if flat else read, held))


def _not_of_the_input(result: Any) -> Any:
    """The result of a call without live tensors: if it takes a gradient, then for the sake of something else."""
    for tensor in result if isinstance(result, list | tuple) else (result,):
        if isinstance(tensor, Tensor) and tensor.requires_grad and not isinstance(tensor, Parameter):
            set_constant(tensor)
    return result


def _same(args: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether all tensors are the same in both passes, so that the plain gradient is the multiplier."""
    return all(torch.equal(x, y) for x, y in zip(args, other, strict=True) if isinstance(x, Tensor))


def _is_choice(result: Any) -> bool:
    """Whether a function returned values and where they were found."""
    return (
        isinstance(result, tuple)
        and len(result) == 2
        and all(isinstance(x, Tensor) for x in result)
        and result[0].is_floating_point()
        and result[1].dtype == torch.int64
    )


def _dimension(call: Call) -> int:
    place = 2 if getattr(call.function, "__name__", "") in _K_BEFORE_DIMENSION else 1
    dim = call.kwargs.get("dim", call.args[place] if len(call.args) > place else -1)
    return dim if isinstance(dim, int) and not isinstance(dim, bool) else -1


def _is_linear(call: Call) -> bool:
    """Whether the gradient of a call without a rule is its multiplier: it is linear, or chooses as the other pass."""
    operation, name = OPERATIONS.get(call.function), getattr(call.function, "__name__", "")
    if operation is None:
        return name in PASSING - _NOT_LINEAR or (name in ("max", "min") and len(call.args) + len(call.kwargs) > 1)
    if operation == "quotient":
        return len(call.args) < 2 or not is_live(call.args[1])
    if operation in BILINEAR:
        operands = [x for value in call.args for x in (value if isinstance(value, list | tuple) else (value,))]
        return sum(map(is_live, operands)) < 2
    return operation in LINEAR
