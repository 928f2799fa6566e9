"""The rules: the multiplier of each operation, given what it is given in the one pass and in the other.

All are exact: the multipliers times the differences of the operands add up to the difference of the results. What a
rule returns has the numbers of the running pass, with the multipliers as its gradient.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from whence.relevance.call import Call
from whence.relevance.liveness import any_live, is_live
from whence.relevance.operation_rules.modified import at_least_float32, with_gradient
from whence.relevance.operations import OPERATIONS, POWERS, RECIPROCALS, Function

Other = tuple[Any, ...]
"""The arguments of the same call in the other pass."""
PairRule = Callable[[Call, Other], Tensor]

_MAXIMA: frozenset[Function] = frozenset({torch.amax, Tensor.amax})
_FURTHER_ACTIVATIONS: frozenset[Function] = frozenset({Tensor.__rpow__, torch.tan, Tensor.tan})
_DIVISOR = "_whence_divisor"
_ELEMENTWISE = frozenset({"activation", "reciprocal"})
BILINEAR = frozenset({"product", "matmul", "convolution"})
"""Operations that are linear in each of two operands."""


def rule_of(call: Call) -> PairRule | None:
    """The rule of a call; None where it has none, or needs none."""
    operation = OPERATIONS.get(call.function)
    live = [place for place, x in enumerate(call.args) if is_live(x)]
    nested = any(any_live(x) for x in call.args if isinstance(x, list | tuple))
    if nested or any_live(call.kwargs.values()) or not live:
        return None
    if operation in _ELEMENTWISE or call.function in _FURTHER_ACTIVATIONS:
        return rescale if live == [0] and not call.args[0].is_complex() else None
    if operation == "product" and len(live) == 2:
        return scaled if sum(map(_is_divisor, call.args[:2])) == 1 else bilinear
    if operation in BILINEAR:
        return bilinear if len(live) == 2 else None
    if operation == "softmax":
        return softmax if isinstance(_dimension(call), int) else None
    return maximum if call.function in _MAXIMA and isinstance(_dimension(call), int) else None


def rescale(call: Call, other: Other) -> Tensor:
    """Element-wise y = f(x): the multiplier is Δy/Δx (Shrikumar et al. 2017, section 3.5.2, the rescale rule)."""
    x = call.args[0]

    def function(values: Tensor) -> Tensor:
        return call.function(values, *call.args[1:], **call.kwargs)

    y = call.value()
    result = with_gradient(y, x, _ratio(function, x.detach(), other[0], y))
    if call.function in RECIPROCALS or (call.function in POWERS and _is_negative(call.args[1])):
        setattr(result, _DIVISOR, True)
    return result


def bilinear(call: Call, other: Other) -> Tensor:
    """A product: Δ(ab) = Δa · (b + b')/2 + Δb · (a + a')/2, the Shapley value of the two changes.

    That is the gradient at the mean of both passes.
    """
    mean = [_towards(x, other[place]) if is_live(x) else x for place, x in enumerate(call.args)]
    result = call.function(*mean, **call.kwargs)
    with torch.no_grad():
        return result.copy_(call.run())


def scaled(call: Call, other: Other) -> Tensor:
    """y = a r with r one by a divisor, as in a normalisation: Δy = Δa · r + Δr · a', r the smaller of r and r'.

    One of the two orders of which `bilinear` takes the mean, with a' of the pass whose r is the larger, so that a' r'
    is a normalised number. With the mean, a baseline of zeros, whose r is a thousand, say, would give either factor
    multipliers of that size, layer on layer, and of what they cancel to only rounding would be left.
    """
    place = int(_is_divisor(call.args[1]))
    a, r = call.args[1 - place], call.args[place]
    a_other, r_other = other[1 - place], other[place]
    is_smaller = r.detach().abs() <= r_other.abs()
    result = a * torch.where(is_smaller, r.detach(), r_other) + r * torch.where(is_smaller, a_other, a.detach())
    with torch.no_grad():
        return result.copy_(call.run())


def maximum(call: Call, other: Other) -> Tensor:
    """m = max x along a dimension: the multiplier is 1 at the largest value, shared where that is not the same one.

    With i the place of the largest of x and j that of x', w Δx_i + (1 − w) Δx_j = Δm for a w of 0 to 1.
    """
    x, dim, y = call.args[0], _dimension(call), call.value()
    result = _largest(x, *_maxima(x.detach(), other[0], dim), dim).reshape(y.shape)
    with torch.no_grad():
        return result.copy_(y)


def softmax(call: Call, other: Other) -> Tensor:
    """s = softmax x in its steps: z = x − max x, u = exp z, S = Σ u, s = u · 1/S.

    Each is ruled as it is elsewhere: the maximum shared, exp and 1/S rescaled, the product halved. With the maximum
    taken off first u is at most 1 and S at least 1, so no multiplier is large.
    """
    x, dim, y = call.args[0], _dimension(call), call.value()
    wide = torch.promote_types(at_least_float32(x), y.dtype)
    here, there = x.detach().to(wide), other[0].to(wide)
    first, second, share = _maxima(here, there, dim)
    z, z_other = here - here.gather(dim, first), there - there.gather(dim, second)
    u, u_other = z.exp(), z_other.exp()
    s, s_other = u.sum(dim, keepdim=True), u_other.sum(dim, keepdim=True)
    live = x.to(wide)
    flow = (live - _largest(live, first, second, share, dim)) * _slope_of_exp(z, z_other)
    mean = ((u + u_other) / (2 * s * s_other)).nan_to_num(nan=0.0)
    through = ((1 / s + 1 / s_other) / 2).nan_to_num(nan=0.0)
    result = (flow * through - mean * flow.sum(dim, keepdim=True)).to(y.dtype)
    with torch.no_grad():
        return result.copy_(y)


def _is_divisor(value: object) -> bool:
    """Whether a tensor is one by something that depends on the input."""
    return getattr(value, _DIVISOR, False)


def _is_negative(exponent: object) -> bool:
    return isinstance(exponent, int | float) and exponent < 0


def _ratio(function: Callable[[Tensor], Tensor], here: Tensor, there: Tensor, y: Tensor) -> Tensor:
    """Δy/Δx, and the derivative halfway where it is the same within the rounding of Δy, 8 ε (|y| + |y'|) and more.

    There the quotient is mostly rounding, and of no meaning where Δx = 0. Never NaN or infinite.
    """
    wide = at_least_float32(here)
    with torch.no_grad():
        y_other = function(there)
        change, way = y.to(wide) - y_other.to(wide), here.to(wide) - there.to(wide)
        ratio = change / way
        epsilon, reach = torch.finfo(here.dtype).eps, here.abs() + there.abs()
        is_short = way.abs() <= epsilon ** (1 / 3) * (1 + reach)
    if bool(is_short.any()):
        slope = _derivative(function, here / 2 + there / 2)
        with torch.no_grad():
            rounding = 8 * epsilon * (y.abs() + y_other.abs() + slope.abs() * reach)
            ratio = torch.where(is_short & ((change - slope * way).abs() <= rounding), slope.to(wide), ratio)
    return ratio.to(y.dtype).nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)


def _derivative(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """f'(x) of an element-wise function."""
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        torch.autograd.backward(function(leaf).sum(), inputs=[leaf])
    assert leaf.grad is not None
    return leaf.grad


def _slope_of_exp(z: Tensor, other: Tensor) -> Tensor:
    """(exp z − exp z')/(z − z') without cancellation; 0 where both are minus infinity."""
    way = (z - other).abs()
    steepness = torch.where(way > 0, -torch.expm1(-way) / way, torch.ones_like(way))
    return (torch.maximum(z, other).exp() * steepness).nan_to_num_(nan=0.0)


def _towards(x: Tensor, other: Tensor) -> Tensor:
    """(x + x')/2, with the gradient of x."""
    return x + ((other - x.detach()) / 2).nan_to_num_(nan=0.0)


def _maxima(here: Tensor, there: Tensor, dim: int) -> tuple[Tensor, Tensor, Tensor]:
    """Where each pass has its largest value, and the share of the first place in the difference of the two."""
    first, second = here.argmax(dim, keepdim=True), there.argmax(dim, keepdim=True)
    way = here - there
    at_first, at_second = way.gather(dim, first), way.gather(dim, second)
    change = here.gather(dim, first) - there.gather(dim, second)
    share = (change - at_second) / (at_first - at_second)
    return first, second, share.nan_to_num(nan=1.0, posinf=1.0, neginf=1.0).clamp(0, 1)


def _largest(x: Tensor, first: Tensor, second: Tensor, share: Tensor, dim: int) -> Tensor:
    return x.gather(dim, first) * share + x.gather(dim, second) * (1 - share)


def _dimension(call: Call) -> Any:
    """The dimension a softmax or a maximum goes along; None for all."""
    dim = call.kwargs.get("dim", call.args[1] if len(call.args) > 1 else None)
    return dim[0] if isinstance(dim, list | tuple) and len(dim) == 1 else dim
