"""Which torch functions are which operation, as far as a relevance rule is concerned.

An operation is a name in a rule set's table. Functions that need no rule, because their own gradient hands relevance
back in proportion, are in `whence.relevance.passing`.
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
        F.softsign, F.tanh, F.prelu, F.rrelu, F.softshrink, F.hardshrink, torch.relu, torch.tanh, torch.prelu,
        torch.erf, torch.sin, torch.sinh, torch.asinh, torch.atan, torch.expm1, torch.log1p, torch.selu, torch.celu,
        torch.rrelu,
        Tensor.relu, Tensor.tanh, Tensor.prelu, Tensor.erf, Tensor.sin, Tensor.sinh, Tensor.asinh, Tensor.atan,
        Tensor.expm1, Tensor.log1p,
    }
)  # fmt: skip
"""Activations with f(0) = 0, for which f(x)/x stays bounded."""

POWERS: frozenset[Function] = frozenset({torch.pow, Tensor.pow, Tensor.__pow__})

SQUARES: frozenset[Function] = frozenset({torch.square, Tensor.square})
ROOTS: frozenset[Function] = frozenset({torch.sqrt, Tensor.sqrt})

ACTIVATIONS: frozenset[Function] = ZERO_PRESERVING | POWERS | SQUARES | ROOTS | frozenset(
    {
        F.softplus, F.sigmoid, F.logsigmoid, F.hardsigmoid, F.hardtanh, F.threshold, torch.sigmoid, torch.special.expit,
        torch.threshold, torch.exp, torch.exp2, torch.abs, torch.clamp, torch.clip, torch.log, torch.log2, torch.log10,
        torch.cos, torch.cosh, torch.erfc, torch.clamp_min, torch.clamp_max, Tensor.clamp_min, Tensor.clamp_max,
        Tensor.sigmoid, Tensor.exp, Tensor.exp2, Tensor.abs, Tensor.clamp,
        Tensor.clip, Tensor.log, Tensor.log2, Tensor.log10, Tensor.cos, Tensor.cosh, Tensor.erfc,
    }
)  # fmt: skip
"""Non-linear functions of one tensor, element by element."""

PRODUCTS: frozenset[Function] = frozenset(
    {torch.mul, torch.multiply, Tensor.mul, Tensor.multiply, Tensor.__mul__, Tensor.__rmul__}
)
QUOTIENTS: frozenset[Function] = frozenset(
    {
        torch.div, torch.divide, torch.true_divide, Tensor.div, Tensor.divide, Tensor.true_divide, Tensor.__truediv__,
    }
)  # fmt: skip
SUMS: frozenset[Function] = frozenset(
    {torch.add, torch.sub, Tensor.add, Tensor.sub, Tensor.__add__, Tensor.__radd__, Tensor.__sub__, Tensor.__rsub__}
)
SUMS_IN_PLACE: frozenset[Function] = frozenset({Tensor.add_, Tensor.sub_, Tensor.__iadd__, Tensor.__isub__})
CASTS: frozenset[Function] = frozenset({Tensor.to, Tensor.float, Tensor.type_as, torch.neg, Tensor.__neg__})
MATMULS = (
    torch.matmul, torch.mm, torch.bmm, torch.mv, torch.dot, torch.inner, torch.outer, torch.einsum,
    torch.tensordot, Tensor.matmul, Tensor.mm,
    Tensor.bmm, Tensor.mv, Tensor.dot, Tensor.inner, Tensor.outer, Tensor.__matmul__, Tensor.__rmatmul__,
)  # fmt: skip
RECIPROCALS = (torch.rsqrt, Tensor.rsqrt, torch.reciprocal, Tensor.reciprocal, Tensor.__rtruediv__)
CONVOLUTIONS: frozenset[Function] = frozenset(
    {
        F.conv1d, F.conv2d, F.conv3d, F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d,
    }
)  # fmt: skip
SOFTMAXES = (F.softmax, torch.softmax, Tensor.softmax, torch.logsumexp, Tensor.logsumexp)
"""Softmax, and the logarithm of its divisor."""

_LINEAR_MAPS: tuple[Function, ...] = (F.linear, torch.addmm, Tensor.addmm)
_SYSTEMS: tuple[Function, ...] = (
    torch.linalg.solve, torch.linalg.solve_triangular, torch.linalg.inv, torch.inverse, Tensor.inverse,
)  # fmt: skip
_ROUTINGS: tuple[Function, ...] = (torch.topk, Tensor.topk, torch.gather, Tensor.gather)

OPERATIONS: dict[Function, str] = (
    dict.fromkeys(_LINEAR_MAPS, "linear")
    | dict.fromkeys(CONVOLUTIONS, "convolution")
    | dict.fromkeys(ACTIVATIONS, "activation")
    | dict.fromkeys(PRODUCTS, "product")
    | dict.fromkeys(QUOTIENTS, "quotient")
    | dict.fromkeys(MATMULS, "matmul")
    | dict.fromkeys(RECIPROCALS, "reciprocal")
    | dict.fromkeys(SOFTMAXES, "softmax")
    | dict.fromkeys((F.layer_norm, torch.layer_norm), "layer_norm")
    | dict.fromkeys((F.rms_norm, torch.rms_norm), "rms_norm")
    | dict.fromkeys((F.group_norm, torch.group_norm), "group_norm")
    | dict.fromkeys(_ROUTINGS, "routing")
    | dict.fromkeys((torch.var, Tensor.var), "variance")
    | dict.fromkeys(_SYSTEMS, "system")
    | {F.normalize: "normalize", F.scaled_dot_product_attention: "attention"}
)
"""Torch function -> operation name."""

LINEAR: frozenset[str] = frozenset({"linear", "convolution", "routing"})
"""Operations that need no rule: without one, they hand relevance back in proportion."""
LINEAR_IN_ONE: frozenset[str] = frozenset({"product", "matmul"})
"""Operations that need no rule where only one of their operands carries relevance."""

BIAS: dict[Function, int] = {
    F.linear: 2,
    **dict.fromkeys(CONVOLUTIONS, 2),
    F.layer_norm: 3,
    torch.layer_norm: 3,
    F.group_norm: 3,
    torch.group_norm: 3,
    torch.addmm: 0,
    Tensor.addmm: 0,
}
"""A function that adds a bias -> the position of that argument; its name is "bias", or "input" where it comes first."""
CHANNELS_FIRST: frozenset[Function] = CONVOLUTIONS | {F.group_norm, torch.group_norm}
"""Functions whose bias goes with the second dimension of the result, not with its last."""


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
