"""The rule for linear maps and convolutions."""

import math
from typing import Any

import torch
from torch import Tensor

from whence.errors import InputError
from whence.relevance.call import Call, Rule
from whence.relevance.liveness import is_live
from whence.relevance.operation_rules.modified import scaled

_ADDED_FIRST = frozenset({torch.addmm, Tensor.addmm})


def linear(epsilon: float = 0.0, gamma: float = 0.0) -> Rule:
    """The rule for z_j = Σ_i x_i w_ij + b_j, a linear map or a convolution, with stabiliser ε and preference γ.

    R_i = Σ_j (x_i w_ij + γ (x_i w_ij)^±) / (z_j + γ z_j^±) · z_j / (z_j + ε sign(z_j)) · R_j, where ^± keeps the
    contributions that have the sign of z_j, z_j^± is their sum with that of the bias, and sign(0) = 1. γ = 0 is the
    epsilon rule, and γ = ε = 0 the linear map's own gradient. The bias gets its share likewise.
    Source: Bach et al. 2015 (ε); Montavon et al. 2019, "Layer-Wise Relevance Propagation: An Overview" (γ), here
    for inputs and outputs of either sign.
    Raises `InputError` if ε or γ is negative.
    """
    for name, value in (("epsilon", epsilon), ("gamma", gamma)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise InputError(f"{name} must be a number of at least 0, got {value!r}.")

    def rule(call: Call) -> Any:
        if gamma == epsilon == 0 or not _is_linear(call):
            return call.run()
        z = call.run() if gamma == 0 else _preferring(call, gamma)
        if epsilon == 0:
            return z
        numbers = z.detach()
        return scaled(z, numbers / torch.where(numbers < 0, numbers - epsilon, numbers + epsilon))

    return rule


def _is_linear(call: Call) -> bool:
    """Whether the weights are constant, so that the call is linear in its input."""
    x, weight = call.args[1:3] if call.function in _ADDED_FIRST else call.arguments("input", "weight")
    return is_live(x) and not is_live(weight)


def _preferring(call: Call, gamma: float) -> Tensor:
    """z, with the gradient of (z + γ z^±) times the constant z / (z + γ z^±)."""
    function, x, weight, bias, rest, options = _taken_apart(call)
    positive, negative = (x.clamp(min=0), weight.clamp(min=0)), (x.clamp(max=0), weight.clamp(max=0))

    def contributions(*pairs: tuple[Tensor, Tensor]) -> Tensor:
        first, second = (function(part, w, *rest, **options) for part, w in pairs)
        return first + second

    z = function(x, weight, *rest, **options)
    agreeing = contributions(positive, negative)
    opposing = contributions((positive[0], negative[1]), (negative[0], positive[1]))
    if bias is not None:
        z, agreeing, opposing = z + bias, agreeing + bias.clamp(min=0), opposing + bias.clamp(max=0)
    preferred = z + gamma * torch.where(z.detach() < 0, opposing, agreeing)
    numbers = preferred.detach()
    ratio = z.detach() / torch.where(numbers == 0, torch.ones_like(numbers), numbers)
    return z.detach() + (preferred - numbers) * ratio


def _taken_apart(call: Call) -> tuple[Any, Tensor, Tensor, Tensor | None, tuple[Any, ...], dict[str, Any]]:
    """The map without its bias: function, input, weight, bias to add to the result, and what else it is given."""
    if call.function in _ADDED_FIRST:
        bias, x, weight = call.args[:3]
        return torch.mm, x, weight, bias, (), {}
    x, weight, bias = call.arguments("input", "weight", "bias")
    rest = call.args[2:]
    options = {name: value for name, value in call.kwargs.items() if name not in ("input", "weight", "bias")}
    bias = bias if call.added is None else call.added
    if bias is not None and bias.ndim == 1 and weight.ndim > 2:
        bias = bias.view(-1, *[1] * (weight.ndim - 2))
    return call.function, x, weight, bias, (None, *rest[1:]) if rest else (), options
