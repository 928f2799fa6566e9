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

_RULED = "_whence_ruled"


def rule_custom(values: Any) -> None:
    """Give each of `values` that a custom element-wise function returned the identity rule, R_x = R_y."""
    for value in values:
        if is_live(value) and isinstance(value.grad_fn, BackwardCFunction) and not is_ruled(value.grad_fn):
            _rule(value)


def is_ruled(node: Any) -> bool:
    """Whether the custom function at this node of the graph was given a rule."""
    return _RULED in node.metadata


def _rule(y: Tensor) -> None:
    node: Any = y.grad_fn
    edges = [edge for edge in node.next_functions if edge[0] is not None]
    inputs = [x for x in getattr(node, "saved_tensors", ()) if x.shape == y.shape and x.requires_grad]
    if len(edges) != 1 or len(inputs) != 1 or not _is_diagonal(y, GradientEdge(*edges[0])):
        return
    ratio = stable_ratio(y.detach(), inputs[0].detach())
    node.metadata[_RULED] = True
    node.register_hook(lambda into, out: tuple(None if g is None else out[0] * ratio for g in into))


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
