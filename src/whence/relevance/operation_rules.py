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

from whence.relevance.elementwise import is_curved, root_of, set_origin, shared_root
from whence.relevance.liveness import any_live, is_live
from whence.relevance.operations import POWERS, ZERO_PRESERVING


@dataclass(frozen=True, eq=False)
class Call:
    """One intercepted call of a torch function, its tensors in front whether given by position or by name."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def run(self) -> Any:
        """The operation itself, with its own gradient."""
        return self.function(*self.args, **self.kwargs)

    def value(self) -> Any:
        """The operation's value, with no gradient."""
        with torch.no_grad():
            return self.run()


Rule = Callable[[Call], Any]


def identity(call: Call) -> Any:
    """Element-wise y = f(x): relevance passes unchanged, R_x = R_y (AttnLRP, section 3.3; gradient y/x).

    A negative power, 1/x^a, of what is not itself an activation is a norm's divisor, and held constant.
    """
    x = call.args[0]
    if not is_live(x) or any_live(call.args[1:]):
        return call.run()
    if call.function in POWERS and not is_curved(x) and isinstance(call.args[1], int | float) and call.args[1] < 0:
        return call.value()
    y = call.value()
    if call.function in ZERO_PRESERVING and root_of(x) is x:
        numbers = x.detach()
        return set_origin(x * (y / torch.where(numbers == 0, torch.ones_like(numbers), numbers)), x, curved=True)
    return _function_of(root_of(x), y)


def uniform_product(call: Call) -> Any:
    """y = a ⊙ b of two live tensors: half the relevance to each, R_a = R_b = R_y / 2 (AttnLRP, Prop. 3.2).

    Where a and b are functions of one tensor, so is y, and it gets the identity rule. Times a constant is linear.
    """
    if sum(is_live(x) for x in call.args[:2]) < 2:
        return call.run()
    root = shared_root(call.args[:2])
    if root is None:
        return _halved(call.run())
    y = call.value()
    return _function_of(root, y) if y.shape == root.shape else _halved(call.run())


def uniform_matmul(call: Call) -> Any:
    """O = A B of two live tensors: the epsilon rule on each product, half to each factor (AttnLRP, Prop. 3.3).

    R_A[j,i] = Σ_p A[j,i] B[i,p] R_O[j,p] / (2 O[j,p]), and likewise for B: half the gradient to each.
    """
    operands = [x for value in call.args for x in (value if isinstance(value, list | tuple) else [value])]
    return _halved(call.run()) if sum(is_live(x) for x in operands) >= 2 else call.run()


def uniform_add_matmul(call: Call) -> Any:
    """C + A B in one call: the sum is linear, and A B follows the rule of a matrix product."""
    c, a, b, *_ = call.args
    if not (is_live(a) and is_live(b)):
        return call.run()
    beta, alpha = call.kwargs.get("beta", 1), call.kwargs.get("alpha", 1)
    return c * beta + uniform_matmul(Call(torch.matmul, (a, b), {})) * alpha


def uniform_add_product(call: Call) -> Any:
    """c + a ⊙ b in one call: the sum is linear, and a ⊙ b follows the rule of a product."""
    c, a, b, *_ = call.args
    return c + uniform_product(Call(torch.mul, (a, b), {})) * call.kwargs.get("value", 1)


def uniform_gate(call: Call) -> Any:
    """GLU, a ⊙ σ(b) of a tensor's two halves: the product rule, and the identity rule for σ."""
    x = call.args[0]
    dim = call.args[1] if len(call.args) > 1 else call.kwargs.get("dim", -1)
    a, b = x.chunk(2, dim)
    return uniform_product(Call(torch.mul, (a, identity(Call(torch.sigmoid, (b,), {}))), {}))


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
    x, shape, weight, bias, eps = _arguments(call, ("input", "normalized_shape", "weight", "bias", "eps"))
    if not is_live(x):
        return call.run()
    dims = tuple(range(-len(shape), 0))
    wide = x.to(_at_least_float32(x))
    centred = wide - wide.mean(dim=dims, keepdim=True)
    scale = torch.rsqrt(centred.detach().square().mean(dim=dims, keepdim=True) + (1e-5 if eps is None else eps))
    return _affine(centred * scale, weight, bias).to(x.dtype)


def frozen_rms_norm(call: Call) -> Any:
    """RMSNorm with its divisor held constant: y = w x / c, so R_x = R_y (AttnLRP, Prop. 3.4)."""
    x, shape, weight, eps = _arguments(call, ("input", "normalized_shape", "weight", "eps"))
    if not is_live(x):
        return call.run()
    dims = tuple(range(-len(shape), 0))
    wide = x.to(_at_least_float32(x))
    eps = torch.finfo(wide.dtype).eps if eps is None else eps
    scale = torch.rsqrt(wide.detach().square().mean(dim=dims, keepdim=True) + eps)
    return _affine(wide * scale, weight, None).to(x.dtype)


def frozen_normalize(call: Call) -> Any:
    """x / ‖x‖ with the norm held constant, so R_x = R_y (as AttnLRP, Prop. 3.4)."""
    x = call.args[0]
    if not is_live(x):
        return call.run()
    p, dim, eps, _ = _arguments(call, ("input", "p", "dim", "eps", "out"))[1:]
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
    return _function_of(root_of(v), call.value()) if is_curved(v) else call.value()


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
            return _function_of(root, y)
    return call.function(call.args[0], call.args[1].detach(), *call.args[2:], **call.kwargs)


def _function_of(root: Tensor, y: Tensor) -> Tensor:
    """`y`, with the gradient y/root towards the root it is an element-wise function of.

    The division is stabilised by ε that follows the sign of the root, for functions with f(0) ≠ 0.
    """
    wide = root.detach().to(_at_least_float32(root))
    stabiliser = 1e-12 if wide.dtype == torch.float64 else 1e-6
    ratio = y / torch.where(wide < 0, wide - stabiliser, wide + stabiliser)
    most = torch.finfo(y.dtype).max
    path = (root - root.detach()).to(y.dtype) * ratio.clamp(-most, most).to(y.dtype)
    return set_origin(y.detach() + path, root, curved=True)


def _at_least_float32(x: Tensor) -> torch.dtype:
    return torch.promote_types(x.dtype, torch.float32)


def _halved(result: Tensor) -> Tensor:
    """`result`, whose incoming gradient will be halved."""
    result.register_hook(_half)
    return result


def _half(gradient: Tensor) -> Tensor:
    return gradient * 0.5


def _arguments(call: Call, names: tuple[str, ...]) -> list[Any]:
    """The call's arguments in this order, None where left out."""
    given = dict(zip(names, call.args, strict=False)) | call.kwargs
    return [given.get(name) for name in names]


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias
