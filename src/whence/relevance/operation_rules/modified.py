"""How a result is given another gradient than its own."""

from collections.abc import Callable

import torch
from torch import Tensor

from whence.relevance.call import Call
from whence.relevance.elementwise import is_curved, set_origin, shared_root
from whence.relevance.liveness import is_live


def shared_among(result: Tensor, factors: int) -> Tensor:
    """`result`, whose incoming gradient will be divided by the number of its factors."""
    if factors > 1 and result.requires_grad:
        result.register_hook(_multiplied_by(1.0 / factors))
    return result


def scaled(result: Tensor, factor: Tensor) -> Tensor:
    """`result`, whose incoming gradient will be multiplied by `factor`."""
    if result.requires_grad:
        result.register_hook(_multiplied_by(factor))
    return result


def function_of(root: Tensor, y: Tensor) -> Tensor:
    """`y`, with the gradient y/root towards the root it is an element-wise function of.

    The division is stabilised by ε that follows the sign of the root, for functions with f(0) ≠ 0. An infinite root,
    such as a masked entry, gets nothing.
    """
    ratio = stable_ratio(y, root.detach())
    return set_origin(with_gradient(y, root.to(y.dtype), ratio), root, curved=True)


def with_gradient(y: Tensor, x: Tensor, factor: Tensor) -> Tensor:
    """The numbers of `y`, with the gradient `factor` towards `x`."""
    result = x * factor
    with torch.no_grad():
        return result.copy_(y)


def sum_of_activations(call: Call) -> Tensor:
    """A sum; where all of it is functions of one tensor, and numbers, as in c + f(x), it is such a function itself."""
    operands = call.args[:2]
    live = [x for x in operands if is_live(x)]
    root = shared_root(operands)
    constants = [x for x in operands if isinstance(x, Tensor) and not is_live(x)]
    if root is None or not any(is_curved(x) for x in live) or any(x.numel() > 1 for x in constants):
        return call.run()
    y = call.value()
    return function_of(root, y) if y.shape == root.shape else call.run()


def stable_ratio(y: Tensor, x: Tensor) -> Tensor:
    """y / (x + ε sign(x)), finite: what turns relevance of y into that of x."""
    wide = x.to(at_least_float32(x))
    stabiliser = 1e-12 if wide.dtype == torch.float64 else 1e-6
    ratio = y / torch.where(wide < 0, wide - stabiliser, wide + stabiliser)
    most = torch.finfo(y.dtype).max
    return ratio.nan_to_num(nan=0.0, posinf=most, neginf=-most).clamp(-most, most).to(y.dtype)


def at_least_float32(x: Tensor) -> torch.dtype:
    """The dtype to divide in."""
    return torch.promote_types(x.dtype, torch.float32)


def _multiplied_by(factor: Tensor | float) -> Callable[[Tensor], Tensor]:
    return lambda gradient: gradient * factor
