"""Which torch functions are which operation, as far as a relevance rule is concerned.

An operation is a name in a rule set's table. A function that is not listed has the gradient for its rule, which is
the epsilon rule with ε → 0 for everything linear: linear layers, convolutions, residual adds, sums, reshapes.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

Function = Callable[..., Any]

ZERO_PRESERVING: frozenset[Function] = frozenset(
    {
        F.silu, F.gelu, F.relu, F.relu6, F.leaky_relu, F.elu, F.selu, F.celu, F.mish, F.hardswish, F.tanhshrink,
        F.softsign, torch.relu, torch.tanh, torch.erf, torch.sin, torch.expm1, Tensor.relu, Tensor.tanh, Tensor.erf,
        F.tanh, torch.selu, torch.celu,
    }
)  # fmt: skip
"""Activations with f(0) = 0, for which f(x)/x stays bounded."""

ACTIVATIONS: frozenset[Function] = ZERO_PRESERVING | frozenset(
    {
        F.softplus, F.sigmoid, F.logsigmoid, F.hardsigmoid, F.hardtanh, torch.sigmoid, torch.exp, torch.square,
        torch.abs, torch.clamp, torch.pow, Tensor.sigmoid, Tensor.exp, Tensor.square, Tensor.abs, Tensor.clamp,
        Tensor.pow, Tensor.__pow__,
    }
)  # fmt: skip
"""Non-linear functions of one tensor, element by element."""

PRODUCTS: frozenset[Function] = frozenset({torch.mul, torch.multiply, Tensor.mul, Tensor.__mul__, Tensor.__rmul__})
QUOTIENTS: frozenset[Function] = frozenset({torch.div, torch.divide, torch.true_divide, Tensor.div, Tensor.__truediv__})
SUMS: frozenset[Function] = frozenset(
    {torch.add, torch.sub, Tensor.add, Tensor.sub, Tensor.__add__, Tensor.__radd__, Tensor.__sub__, Tensor.__rsub__}
)
CASTS: frozenset[Function] = frozenset({Tensor.to, Tensor.float, Tensor.type_as, torch.neg, Tensor.__neg__})

OPERATIONS: dict[Function, str] = (
    dict.fromkeys(ACTIVATIONS, "activation")
    | dict.fromkeys(PRODUCTS, "product")
    | dict.fromkeys(QUOTIENTS, "quotient")
    | dict.fromkeys((torch.matmul, torch.bmm, Tensor.matmul, Tensor.bmm, Tensor.__matmul__, torch.einsum), "matmul")
    | dict.fromkeys((torch.rsqrt, Tensor.rsqrt), "reciprocal_norm")
    | {
        F.layer_norm: "layer_norm",
        F.rms_norm: "rms_norm",
        F.scaled_dot_product_attention: "attention",
    }
)
"""Torch function -> operation name."""


def is_live(value: object) -> bool:
    """Whether relevance flows through `value`: a tensor that depends on the input, not a weight or a constant."""
    return isinstance(value, Tensor) and value.requires_grad and not isinstance(value, torch.nn.Parameter)
