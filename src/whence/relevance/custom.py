"""Custom autograd functions, which torch hands to no mode: those that are element-wise get the identity rule.

Their code is not seen, but their backward pass is: a function whose every output depends on the input element in its
own place alone has a diagonal Jacobian, and two vector-Jacobian products tell.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction
from torch.autograd.graph import GradientEdge

from whence.relevance.liveness import is_live
from whence.relevance.operation_rules.modified import stable_ratio

_MET = "_whence_met"


def rule_custom(values: Any) -> list[Tensor]:
    """Give each of `values` that a custom element-wise function returned the identity rule, R_x = R_y.

    Returns those of other custom functions that are met for the first time: they have no rule.
    """
    met = [v for v in values if is_live(v) and isinstance(v.grad_fn, BackwardCFunction) and not is_met(v.grad_fn)]
    for value in met:
        value.grad_fn.metadata[_MET] = True
    return [value for value in met if not _is_ruled(value)]


def is_met(node: Any) -> bool:
    """Whether the custom function at this node of the graph was seen while rules were open."""
    return _MET in node.metadata


def _is_ruled(y: Tensor) -> bool:
    """Whether the function that returned `y` is element-wise; if so it now has its rule."""
    node: Any = y.grad_fn
    edges = [edge for edge in node.next_functions if edge[0] is not None]
    inputs = [x for x in getattr(node, "saved_tensors", ()) if x.shape == y.shape and x.requires_grad]
    if len(edges) != 1 or len(inputs) != 1 or not _is_diagonal(y, GradientEdge(*edges[0])):
        return False
    ratio = stable_ratio(y.detach(), inputs[0].detach())
    node.register_hook(lambda into, out: tuple(None if g is None else out[0] * ratio for g in into))
    return True


def _is_diagonal(y: Tensor, edge: GradientEdge) -> bool:
    """Whether ∂y/∂x is diagonal: v ↦ vᵀ ∂y/∂x multiplies each element by a number of its own."""
    generator = torch.Generator().manual_seed(0)
    quotients = []
    for _ in range(2):
        v = torch.rand(y.shape, generator=generator).to(y).add_(0.5)
        (gradient,) = torch.autograd.grad(y, edge, v, retain_graph=True, allow_unused=True)
        if gradient is None or gradient.shape != y.shape:
            return False
        quotients.append(gradient / v)
    scale = quotients[0].abs().max().clamp_min(torch.finfo(y.dtype).tiny)
    return bool((quotients[0] - quotients[1]).abs().max() <= 1e3 * torch.finfo(y.dtype).eps * scale)
