"""Functions that torch hands over whole, taken apart into operations that have rules here."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from whence.relevance.composites import COMPOSITES as SHARED
from whence.relevance.liveness import is_live
from whence.relevance.operations import QUOTIENTS, Function

Number = int | float


def _layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    y = _standardised(input, _last(normalized_shape), eps)
    return _scaled(y, weight, bias).to(input.dtype)


def _rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    wide = _wide(input)
    eps = torch.finfo(wide.dtype).eps if eps is None else eps
    y = wide * torch.rsqrt(wide.square().mean(dim=_last(normalized_shape), keepdim=True) + eps)
    return _scaled(y, weight, None).to(input.dtype)


def _group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5, *_: Any
) -> Tensor:
    grouped = input.unflatten(1, (num_groups, -1))
    y = _standardised(grouped, tuple(range(2, grouped.ndim)), eps).flatten(1, 2)
    weight, bias = (None if p is None else p.view(-1, *[1] * (input.ndim - 2)) for p in (weight, bias))
    return _scaled(y, weight, bias).to(input.dtype)


def _standardised(x: Tensor, dims: tuple[int, ...], eps: float) -> Tensor:
    wide = _wide(x)
    centred = wide - wide.mean(dim=dims, keepdim=True)
    return centred * torch.rsqrt(centred.square().mean(dim=dims, keepdim=True) + eps)


def _scaled(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def _normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: None = None) -> Tensor:
    return input * torch.reciprocal(input.square().sum(dim=dim, keepdim=True).sqrt().clamp_min(eps))


def _norm(input: Tensor, p: Any = None, dim: Any = None, keepdim: bool = False, **unset: None) -> Tensor:
    return _sum(input.square(), dim, keepdim).sqrt()


def _var(
    input: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Number | None = None
) -> Tensor:
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    dims = tuple(range(input.ndim)) if dim is None else dim
    centred = input - input.mean(dim=dims, keepdim=True)
    count = input.numel() // input.mean(dim=dims).numel()
    return _sum(centred.square(), dim, keepdim) / (count - (int(unbiased) if correction is None else correction))


def _std(*args: Any, **options: Any) -> Tensor:
    return _var(*args, **options).sqrt()


def _sum(x: Tensor, dim: Any, keepdim: bool) -> Tensor:
    return x.sum() if dim is None else x.sum(dim=dim, keepdim=keepdim)


def _divided(input: Tensor, other: Tensor) -> Tensor:
    return torch.reciprocal(other) * input


def _divided_by_first(input: Tensor, other: Tensor) -> Tensor:
    return torch.reciprocal(input) * other


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """`F.scaled_dot_product_attention`: scores, mask, softmax, values; a query that may see no key gets zeros."""
    if enable_gqa:
        key, value = (x.repeat_interleave(query.shape[-3] // x.shape[-3], dim=-3) for x in (key, value))
    scores = torch.matmul(query * (query.shape[-1] ** -0.5 if scale is None else scale), key.transpose(-2, -1))
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is None:
        weights = torch.softmax(scores, dim=-1)
    elif attn_mask.dtype == torch.bool:
        weights = torch.softmax(scores.masked_fill(~attn_mask, float("-inf")), dim=-1)
        weights = weights.masked_fill(~attn_mask.any(dim=-1, keepdim=True), 0.0)
    else:
        weights = torch.softmax(scores + attn_mask, dim=-1)
    return torch.matmul(F.dropout(weights, dropout_p, dropout_p > 0), value)


def _logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    top = torch.amax(input, _only(dim), keepdim=True)
    found = torch.log((input - top).exp().sum(_only(dim), keepdim=True)) + top
    return found if keepdim else found.squeeze(_only(dim))


def _log_softmax(input: Tensor, dim: int, _stacklevel: int = 3, dtype: torch.dtype | None = None) -> Tensor:
    wide = input if dtype is None else input.to(dtype)
    return wide - _logsumexp(wide, dim, keepdim=True)


def _log_softmax_of(input: Tensor, dim: int, dtype: torch.dtype | None = None) -> Tensor:
    return _log_softmax(input, dim, dtype=dtype)


def _maximum(input: Tensor, other: Tensor) -> Tensor:
    return other + torch.relu(input - other)


def _minimum(input: Tensor, other: Tensor) -> Tensor:
    return other - torch.relu(other - input)


def _max(input: Tensor, other: Tensor | None = None) -> Tensor:
    return torch.amax(input.flatten(), 0) if other is None else _maximum(input, other)


def _min(input: Tensor, other: Tensor | None = None) -> Tensor:
    return -torch.amax(-input.flatten(), 0) if other is None else _minimum(input, other)


def _amin(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    return -torch.amax(-input, _only(dim), keepdim=keepdim)


def _only(dim: Any) -> Any:
    return dim[0] if isinstance(dim, list | tuple) and len(dim) == 1 else dim


def _last(shape: Any) -> tuple[int, ...]:
    return tuple(range(-len(shape), 0))


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _always(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return True


def _no_options(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return not kwargs


def _divisor_live(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return len(args) == 2 and is_live(args[1]) and not kwargs


def _both_live(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return is_live(args[0]) and is_live(args[1])


def _whole_or_two(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return not kwargs and (len(args) == 1 or isinstance(args[1], Tensor))


def _euclidean(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    order = args[1] if len(args) > 1 else kwargs.get("p", kwargs.get("ord"))
    return order in (None, 2, "fro") and not {"dtype", "out"} & {name for name in kwargs if kwargs[name] is not None}


def _along_one(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return isinstance(_only(args[1] if len(args) > 1 else kwargs.get("dim")), int)


_Applies = Callable[[tuple[Any, ...], dict[str, Any]], bool]
COMPOSITES: dict[Function, tuple[_Applies, Function]] = {
    **SHARED,
    **dict.fromkeys((F.layer_norm, torch.layer_norm), (_always, _layer_norm)),
    **dict.fromkeys((F.rms_norm, torch.rms_norm), (_always, _rms_norm)),
    **dict.fromkeys((F.group_norm, torch.group_norm), (_always, _group_norm)),
    **dict.fromkeys((torch.var, Tensor.var), (_always, _var)),
    **dict.fromkeys((torch.std, Tensor.std), (_always, _std)),
    **dict.fromkeys((torch.norm, Tensor.norm), (_euclidean, _norm)),
    **dict.fromkeys(QUOTIENTS, (_divisor_live, _divided)),
    Tensor.__rtruediv__: (_both_live, _divided_by_first),
    F.normalize: (_euclidean, _normalize),
    F.scaled_dot_product_attention: (_always, _attention),
    **dict.fromkeys((torch.logsumexp, Tensor.logsumexp), (_along_one, _logsumexp)),
    F.log_softmax: (_along_one, _log_softmax),
    **dict.fromkeys((torch.log_softmax, Tensor.log_softmax), (_along_one, _log_softmax_of)),
    **dict.fromkeys((torch.maximum, Tensor.maximum), (_no_options, _maximum)),
    **dict.fromkeys((torch.minimum, Tensor.minimum), (_no_options, _minimum)),
    **dict.fromkeys((torch.max, Tensor.max), (_whole_or_two, _max)),
    **dict.fromkeys((torch.min, Tensor.min), (_whole_or_two, _min)),
    **dict.fromkeys((torch.amin, Tensor.amin), (_along_one, _amin)),
}
"""Function -> whether it is to be taken apart, given its arguments, and the same in operations."""
