"""Rules for normalisations, fused or written out: the divisor is held constant, what is left is linear."""

from typing import Any

import torch
from torch import Tensor

from whence.relevance.call import Call
from whence.relevance.elementwise import is_curved, root_of, shared_root
from whence.relevance.liveness import any_live, is_live
from whence.relevance.operation_rules.modified import at_least_float32, function_of


def frozen_layer_norm(call: Call) -> Any:
    """LayerNorm with its divisor held constant: affine, so the epsilon rule applies (AttnLRP, Prop. 3.4; Ali 2022, LN).

    y = w (x − mean x) / c + b with c = √(var x + ε) a constant; the bias b absorbs its share.
    """
    x, shape, weight, bias, eps = call.arguments("input", "normalized_shape", "weight", "bias", "eps")
    if not is_live(x):
        return call.run()
    dims = tuple(range(-len(shape), 0))
    wide = x.to(at_least_float32(x))
    return _affine(_standardised(wide, dims, 1e-5 if eps is None else eps), weight, bias, call.added).to(x.dtype)


def frozen_rms_norm(call: Call) -> Any:
    """RMSNorm with its divisor held constant: y = w x / c, so R_x = R_y (AttnLRP, Prop. 3.4)."""
    x, shape, weight, eps = call.arguments("input", "normalized_shape", "weight", "eps")
    if not is_live(x):
        return call.run()
    dims = tuple(range(-len(shape), 0))
    wide = x.to(at_least_float32(x))
    eps = torch.finfo(wide.dtype).eps if eps is None else eps
    scale = torch.rsqrt(wide.detach().square().mean(dim=dims, keepdim=True) + eps)
    return _affine(wide * scale, weight, None, None).to(x.dtype)


def frozen_group_norm(call: Call) -> Any:
    """GroupNorm with its divisors held constant: y = w (x − mean x) / c + b within each group, as in LayerNorm."""
    x, groups, weight, bias, eps = call.arguments("input", "num_groups", "weight", "bias", "eps")
    if not is_live(x):
        return call.run()
    wide = x.to(at_least_float32(x)).unflatten(1, (groups, -1))
    y = _standardised(wide, tuple(range(2, wide.ndim)), 1e-5 if eps is None else eps).flatten(1, 2)
    weight, bias = (None if p is None else p.view(-1, *[1] * (x.ndim - 2)) for p in (weight, bias))
    return _affine(y, weight, bias, call.added).to(x.dtype)


def frozen_normalize(call: Call) -> Any:
    """x / ‖x‖ with the norm held constant, so R_x = R_y (as AttnLRP, Prop. 3.4)."""
    x, p, dim, eps = call.arguments("input", "p", "dim", "eps")
    if not is_live(x):
        return call.run()
    norm = x.detach().norm(2.0 if p is None else p, 1 if dim is None else dim, keepdim=True)
    return x / norm.clamp_min(1e-12 if eps is None else eps)


def frozen_reciprocal(call: Call) -> Any:
    """1/√v or a/v held constant: a written-out normalisation is linear in what it scales (AttnLRP, Prop. 3.4).

    Where v is itself an activation, such as 1 + exp(−x), so is its reciprocal, and it gets the identity rule.
    """
    v = call.args[0]
    if not is_live(v):
        return call.run()
    if any_live(call.args[1:]):
        return call.function(v.detach(), *call.args[1:], **call.kwargs)
    return function_of(root_of(v), call.value()) if is_curved(v) else call.value()


def frozen_divisor(call: Call) -> Any:
    """a / b with b held constant where both are live: a normalisation, written as a division (AttnLRP, Prop. 3.4).

    Where a and b are functions of one tensor, such as x / (1 + exp(−x)), so is the quotient: the identity rule.
    """
    if len(call.args) < 2 or not is_live(call.args[1]):
        return call.run()
    root = shared_root(call.args[:2])
    if root is not None and is_live(call.args[0]):
        y = call.value()
        if y.shape == root.shape:
            return function_of(root, y)
    return call.function(call.args[0], call.args[1].detach(), *call.args[2:], **call.kwargs)


def _standardised(x: Tensor, dims: tuple[int, ...], eps: float) -> Tensor:
    """(x − mean x) / √(var x + ε), the divisor held constant."""
    variance = x.detach().var(dim=dims, correction=0, keepdim=True)
    return (x - x.mean(dim=dims, keepdim=True)) * torch.rsqrt(variance + eps)


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None, added: Tensor | None) -> Tensor:
    bias = added if bias is None else bias
    if weight is None or bias is None:
        return x * (1 if weight is None else weight) + (0 if bias is None else bias)
    return torch.addcmul(bias, x, weight)
