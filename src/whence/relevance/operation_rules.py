"""The rules: how each operation hands relevance back, written as a modified gradient.

With R = x · ∂/∂x throughout, a rule is what the operation's gradient is replaced by, so that relevance is the input
times what torch's ordinary backward pass delivers. Each rule takes the intercepted call and returns its result; the
value is the operation's own, only its gradient differs. All are plain torch operations, so that several target rows
can share one vectorised backward pass.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from whence.relevance.elementwise import root_of, set_root, shared_root
from whence.relevance.operations import ZERO_PRESERVING, is_live


@dataclass(frozen=True, eq=False)
class Call:
    """One intercepted call of a torch function."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def run(self) -> Any:
        """The operation itself, with its own gradient."""
        return self.function(*self.args, **self.kwargs)


Rule = Callable[[Call], Any]


def identity(call: Call) -> Any:
    """Element-wise y = f(x): relevance passes unchanged, R_x = R_y (AttnLRP, section 3.3; gradient y/x)."""
    x = call.args[0]
    if not is_live(x) or any(is_live(other) for other in call.args[1:]):
        return call.run()
    with torch.no_grad():
        y = call.run()
    if call.function in ZERO_PRESERVING and root_of(x) is x:
        tiny = torch.finfo(x.dtype).tiny
        return set_root(x * (y / _away_from_zero(x.detach(), tiny)), x)
    return _function_of(root_of(x), y)


def uniform_product(call: Call) -> Any:
    """y = a ⊙ b of two live tensors: half the relevance to each, R_a = R_b = R_y / 2 (AttnLRP, Prop. 3.2).

    Where a and b are functions of one tensor, so is y, and it gets the identity rule. Times a constant is linear.
    """
    if sum(is_live(x) for x in call.args[:2]) < 2:
        return call.run()
    root = shared_root(call.args[:2])
    if root is not None:
        with torch.no_grad():
            y = call.run()
        return _function_of(root, y) if y.shape == root.shape else call.run()
    return _halved(call.run())


def uniform_matmul(call: Call) -> Any:
    """O = A B of two live tensors: the epsilon rule on each product, half to each factor (AttnLRP, Prop. 3.3).

    R_A[j,i] = Σ_p A[j,i] B[i,p] R_O[j,p] / (2 O[j,p]), and likewise for B: half the gradient to each.
    """
    operands = call.args[0] if isinstance(call.args[0], list | tuple) else call.args
    return _halved(call.run()) if sum(is_live(x) for x in operands) >= 2 else call.run()


def uniform_attention(call: Call) -> Any:
    """softmax(s Q Kᵀ + mask) V as its three steps: matmul rule, Taylor rule of softmax, matmul rule.

    The softmax rule R_x = x (R_s − s Σ R_s) (AttnLRP, Prop. 3.1) is the gradient itself; the matmul rule halves the
    gradient. So V gets a half of its gradient and Q and K a quarter, and the fused kernel is kept.
    """
    names = ("query", "key", "value")
    given = dict(zip(names, call.args, strict=False)) | {n: call.kwargs[n] for n in names if n in call.kwargs}
    query, key, value = (given[n] for n in names)
    rest, options = call.args[3:], {n: v for n, v in call.kwargs.items() if n not in names}
    if is_live(query) and is_live(key):
        query, key = _halved(query.view_as(query)), _halved(key.view_as(key))
    result = call.function(query, key, value, *rest, **options)
    return _halved(result) if is_live(value) and (is_live(query) or is_live(key)) else result


def frozen_layer_norm(call: Call) -> Any:
    """LayerNorm with its divisor held constant: affine, so the epsilon rule applies (AttnLRP, Prop. 3.4; Ali 2022, LN).

    y = w (x − mean x) / c + b with c = √(var x + ε) a constant; the bias b absorbs its share.
    """
    x, shape, weight, bias, eps = _arguments(call, ("input", "normalized_shape", "weight", "bias", "eps"), 1e-5)
    if not is_live(x):
        return call.run()
    dims = tuple(range(-len(shape), 0))
    centred = x - x.mean(dim=dims, keepdim=True)
    scale = torch.rsqrt(centred.detach().square().mean(dim=dims, keepdim=True) + eps)
    return _affine(centred * scale, weight, bias)


def frozen_rms_norm(call: Call) -> Any:
    """RMSNorm with its divisor held constant: y = w x / c, so R_x = R_y (AttnLRP, Prop. 3.4)."""
    x, shape, weight, eps = _arguments(call, ("input", "normalized_shape", "weight", "eps"), None)
    if not is_live(x):
        return call.run()
    dims = tuple(range(-len(shape), 0))
    eps = torch.finfo(x.dtype).eps if eps is None else eps
    scale = torch.rsqrt(x.detach().square().mean(dim=dims, keepdim=True) + eps)
    return _affine(x * scale, weight, None)


def constant(call: Call) -> Any:
    """A reciprocal norm 1/√v held constant: a written-out normalisation is linear in what it scales (Prop. 3.4)."""
    with torch.no_grad():
        return call.run()


def frozen_divisor(call: Call) -> Any:
    """a / b with b held constant where both are live: a normalisation, written as a division (Prop. 3.4)."""
    if len(call.args) < 2 or not is_live(call.args[1]):
        return call.run()
    root = shared_root(call.args[:2])
    if root is not None and is_live(call.args[0]):
        with torch.no_grad():
            y = call.run()
        if y.shape == root.shape:
            return _function_of(root, y)
    return call.function(call.args[0], call.args[1].detach(), *call.args[2:], **call.kwargs)


def _function_of(root: Tensor, y: Tensor) -> Tensor:
    """`y`, with the gradient y/root towards the root it is an element-wise function of."""
    stabiliser = 1e-12 if root.dtype == torch.float64 else 1e-6
    ratio = (y / _away_from_zero(root.detach(), stabiliser)).to(y.dtype)
    return set_root(y.detach() + (root - root.detach()).to(y.dtype) * ratio, root)


def _away_from_zero(x: Tensor, epsilon: float) -> Tensor:
    """x + ε sign(x), with sign(0) = 1: never zero, and never across it."""
    return x + torch.where(x < 0, -epsilon, epsilon).to(x.dtype)


def _halved(result: Tensor) -> Tensor:
    """`result`, whose incoming gradient will be halved."""
    result.register_hook(_half)
    return result


def _half(gradient: Tensor) -> Tensor:
    return gradient * 0.5


def _arguments(call: Call, names: tuple[str, ...], eps: float | None) -> list[Any]:
    """The call's arguments in this order, None where left out, and `eps` for a missing last one."""
    given = dict(zip(names, call.args, strict=False)) | call.kwargs
    return [given.get(name) for name in names[:-1]] + [given.get(names[-1], eps)]


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias
