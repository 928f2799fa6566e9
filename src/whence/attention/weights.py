"""Attention weights as the model computes them, read while it computes, nothing about the model changed.

transformers gives weights only under its eager attention, and to give them leaves hooks in the model. Here torch's
function mode watches the forward pass instead: the fused attention kernel's weights are computed beside it, and a
written-out attention is recognised by its softmax being multiplied onto values.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor
from torch.overrides import TorchFunctionMode

_SOFTMAX = frozenset({F.softmax, torch.softmax, Tensor.softmax})
_PASSES_ON = frozenset(
    {
        F.dropout, torch.dropout, Tensor.to, Tensor.type_as, Tensor.float, Tensor.view, Tensor.reshape, Tensor.flatten,
        Tensor.contiguous, Tensor.__getitem__, torch.reshape, torch.flatten,
    }
)  # fmt: skip
_MATMUL = frozenset({torch.matmul, torch.bmm, Tensor.matmul, Tensor.bmm, Tensor.__matmul__})
_MARK = "_whence_attention"

Weights = Float[Tensor, "batch head query key"]


class AttentionReader(TorchFunctionMode):
    """While open, hands the attention weights of each attention layer to `receive`, in the order they are computed.

    Weights are `(batch, heads, queries, keys)`, part of the autograd graph if there is one.
    """

    def __init__(self, receive: Callable[[Weights], None]) -> None:
        super().__init__()
        self._receive = receive

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """The call's own result, with any attention weights read on the way."""
        kwargs = {} if kwargs is None else kwargs
        if func is F.scaled_dot_product_attention:
            return self._attention(*args, **kwargs)
        weights = getattr(args[0], _MARK, None) if args else None
        if func in _MATMUL and weights is not None:
            self._receive(weights if weights.dim() == 4 else weights[None])
        result = func(*args, **kwargs)
        if func in _SOFTMAX:
            setattr(result, _MARK, result)
        elif func in _PASSES_ON and weights is not None:
            setattr(result, _MARK, weights if result.dim() != weights.dim() else result)
        return result

    def _attention(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        if enable_gqa:
            groups = query.shape[-3] // key.shape[-3]
            key, value = key.repeat_interleave(groups, dim=-3), value.repeat_interleave(groups, dim=-3)
        scores = query @ key.transpose(-2, -1) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
        if is_causal:
            allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
            scores = scores.masked_fill(~allowed, -torch.inf)
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attn_mask, -torch.inf)
        elif attn_mask is not None:
            scores = scores + attn_mask
        weights = torch.softmax(scores, dim=-1)
        if attn_mask is not None:
            weights = weights.masked_fill(scores.isneginf().all(dim=-1, keepdim=True), 0.0)
        self._receive(weights)
        return weights @ value
