"""Which torch functions are which operation, as far as a relevance rule is concerned.

An operation is a name in a rule set's table. A function that is not listed has the gradient for its rule, which is
the epsilon rule with ε → 0 for everything linear: linear layers, convolutions, residual adds, sums, reshapes.
"""

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

Function = Callable[..., Any]

ZERO_PRESERVING: frozenset[Function] = frozenset(
    {
        F.silu, F.gelu, F.relu, F.relu6, F.leaky_relu, F.elu, F.selu, F.celu, F.mish, F.hardswish, F.tanhshrink,
        F.softsign, F.tanh, torch.relu, torch.tanh, torch.erf, torch.sin, torch.expm1, torch.selu, torch.celu,
        Tensor.relu, Tensor.tanh, Tensor.erf, Tensor.sin, Tensor.expm1,
    }
)  # fmt: skip
"""Activations with f(0) = 0, for which f(x)/x stays bounded."""

POWERS: frozenset[Function] = frozenset({torch.pow, Tensor.pow, Tensor.__pow__})

ACTIVATIONS: frozenset[Function] = ZERO_PRESERVING | POWERS | frozenset(
    {
        F.softplus, F.sigmoid, F.logsigmoid, F.hardsigmoid, F.hardtanh, torch.sigmoid, torch.special.expit, torch.exp,
        torch.square, torch.abs, torch.clamp, torch.log, torch.log1p, Tensor.sigmoid, Tensor.exp, Tensor.square,
        Tensor.abs, Tensor.clamp, Tensor.log, Tensor.log1p,
    }
)  # fmt: skip
"""Non-linear functions of one tensor, element by element."""

PRODUCTS: frozenset[Function] = frozenset({torch.mul, torch.multiply, Tensor.mul, Tensor.__mul__, Tensor.__rmul__})
QUOTIENTS: frozenset[Function] = frozenset({torch.div, torch.divide, torch.true_divide, Tensor.div, Tensor.__truediv__})
SUMS: frozenset[Function] = frozenset(
    {torch.add, torch.sub, Tensor.add, Tensor.sub, Tensor.__add__, Tensor.__radd__, Tensor.__sub__, Tensor.__rsub__}
)
CASTS: frozenset[Function] = frozenset({Tensor.to, Tensor.float, Tensor.type_as, torch.neg, Tensor.__neg__})
MATMULS = (
    torch.matmul, torch.mm, torch.bmm, torch.mv, torch.dot, torch.inner, torch.outer, torch.einsum,
    torch.tensordot, Tensor.matmul, Tensor.mm,
    Tensor.bmm, Tensor.mv, Tensor.dot, Tensor.inner, Tensor.outer, Tensor.__matmul__, Tensor.__rmatmul__,
)  # fmt: skip
RECIPROCALS = (torch.rsqrt, Tensor.rsqrt, torch.reciprocal, Tensor.reciprocal, Tensor.__rtruediv__)

OPERATIONS: dict[Function, str] = (
    dict.fromkeys(ACTIVATIONS, "activation")
    | dict.fromkeys(PRODUCTS, "product")
    | dict.fromkeys(QUOTIENTS, "quotient")
    | dict.fromkeys(MATMULS, "matmul")
    | dict.fromkeys(RECIPROCALS, "reciprocal")
    | dict.fromkeys((torch.addmm, torch.baddbmm, Tensor.addmm, Tensor.baddbmm), "add_matmul")
    | dict.fromkeys((torch.addcmul, Tensor.addcmul), "add_product")
    | dict.fromkeys((F.layer_norm, torch.layer_norm), "layer_norm")
    | dict.fromkeys((F.rms_norm, torch.rms_norm), "rms_norm")
    | {F.normalize: "normalize", F.glu: "gate", F.scaled_dot_product_attention: "attention"}
)
"""Torch function -> operation name."""


def _changing_in_place() -> dict[Function, Function]:
    """`sigmoid_` -> `sigmoid` and the like, for every operation that has such a form."""
    found: dict[Function, Function] = {Tensor.__imul__: Tensor.mul, Tensor.__itruediv__: Tensor.div}
    for function in OPERATIONS:
        name = getattr(function, "__name__", "")
        for place in (torch, Tensor, F):
            twin = getattr(place, f"{name}_", None)
            if twin is not None and not name.endswith("_"):
                found[twin] = function
    return found


def _place_of_inplace() -> dict[Function, int]:
    """Activations with an argument `inplace` -> which argument that is."""
    found: dict[Function, int] = {}
    for function in ACTIVATIONS:
        if isinstance(function, FunctionType) and function.__module__ == F.__name__:
            names = list(inspect.signature(function).parameters)
            if "inplace" in names:
                found[function] = names.index("inplace")
    return found


IN_PLACE: dict[Function, Function] = _changing_in_place()
"""A function that overwrites its first argument -> the function that does the same to a fresh tensor."""
INPLACE_ARGUMENT: dict[Function, int] = _place_of_inplace()
"""A function that overwrites its argument if told to -> the position of the argument that tells it."""
