"""Functions that torch hands over whole, taken apart into operations that have rules."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from whence.relevance.liveness import is_live
from whence.relevance.operations import Function

Number = int | float


def _glu(input: Tensor, dim: int = -1) -> Tensor:
    a, b = input.chunk(2, dim)
    return a * torch.sigmoid(b)


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    product = torch.matmul(input, weight.mT)
    return product if bias is None else product + bias


def _addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Number = 1) -> Tensor:
    return input + tensor1 * tensor2 * value


def _bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    product = torch.einsum("...i,oij,...j->...o", input1, weight, input2)
    return product if bias is None else product + bias


def _lerp(input: Tensor, end: Tensor, weight: Tensor | Number) -> Tensor:
    return input + (end - input) * weight


def _add_matmul(input: Tensor, a: Tensor, b: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    return input * beta + torch.matmul(a, b) * alpha


def _add_sum_of_matmuls(input: Tensor, a: Tensor, b: Tensor, *, beta: Number = 1, alpha: Number = 1) -> Tensor:
    return input * beta + torch.matmul(a, b).sum(dim=0) * alpha


def _var_mean(input: Tensor, dim: Any = None, *args: Any, **options: Any) -> tuple[Tensor, Tensor]:
    variance = torch.var(input, dim, *args, **options)
    dims = None if dim is None or isinstance(dim, bool) else dim
    return variance, input.mean(dims, keepdim=variance.ndim == input.ndim and dims is not None)


def _instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if not use_input_stats:
        return F.batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    return F.group_norm(input, input.shape[1], weight, bias, eps)


def _batch_norm(
    input: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """With the statistics of training, batch normalisation is a scale and a shift of each channel."""
    scale = torch.rsqrt(running_var + eps)
    scale = scale if weight is None else scale * weight
    shift = -running_mean * scale if bias is None else bias - running_mean * scale
    shape = (1, -1, *[1] * (input.ndim - 2))
    return (input * scale.view(shape) + shift.view(shape)).to(input.dtype)


def _multi_head_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """`torch.nn.MultiheadAttention`, tokens first: projections, scores, softmax, values, projection."""
    batched = query.ndim == 3
    query, key, value = (x if batched else x.unsqueeze(1) for x in (query, key, value))
    separate = (q_proj_weight, k_proj_weight, v_proj_weight)
    weights: Any = separate if in_proj_weight is None else in_proj_weight.chunk(3)
    biases = (None, None, None) if in_proj_bias is None else in_proj_bias.chunk(3)
    q, k, v = (F.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True))
    k = static_k if static_k is not None else _in_heads(_with_row(k, bias_k), num_heads)
    v = static_v if static_v is not None else _in_heads(_with_row(v, bias_v), num_heads)
    q = _in_heads(q, num_heads)
    if add_zero_attn:
        k, v = (torch.cat([x, x.new_zeros(len(x), 1, x.shape[-1])], dim=1) for x in (k, v))
    scores = torch.matmul(q * q.shape[-1] ** -0.5, k.transpose(1, 2))
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = torch.ones(scores.shape[1:], dtype=torch.bool, device=scores.device).triu(1)
    for mask in _masks(attn_mask, key_padding_mask, num_heads, k.shape[1], q.dtype):
        scores = scores + mask
    found = F.dropout(torch.softmax(scores, dim=-1), dropout_p, training)
    out = torch.matmul(found, v).transpose(0, 1).reshape(len(query), -1, embed_dim_to_check)
    out = F.linear(out, out_proj_weight, out_proj_bias)
    shown = None
    if need_weights:
        shown = found.unflatten(0, (-1, num_heads))
        shown = shown.mean(dim=1) if average_attn_weights else shown
    return (out, shown) if batched else (out.squeeze(1), None if shown is None else shown.squeeze(0))


def _in_heads(x: Tensor, heads: int) -> Tensor:
    """`(token, batch, hidden)` -> `(batch · head, token, hidden of a head)`."""
    return x.reshape(len(x), -1, x.shape[-1] // heads).transpose(0, 1)


def _with_row(x: Tensor, row: Tensor | None) -> Tensor:
    return x if row is None else torch.cat([x, row.expand(1, x.shape[1], -1)])


def _masks(attention: Tensor | None, padding: Tensor | None, heads: int, keys: int, dtype: torch.dtype) -> list[Tensor]:
    """Both masks as numbers to add to the scores, keys beyond their width unmasked."""
    masks = []
    if attention is not None:
        masks.append(attention)
    if padding is not None:
        padding = padding if padding.ndim == 2 else padding[None]
        masks.append(padding.repeat_interleave(heads, dim=0).unsqueeze(1))
    added = [
        torch.zeros(m.shape, dtype=dtype, device=m.device).masked_fill(m, float("-inf")) if m.dtype == torch.bool else m
        for m in masks
    ]
    return [F.pad(m, (0, keys - m.shape[-1])) for m in added]


def _last_two_live(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return len(args) > 2 and is_live(args[1]) and is_live(args[2])


def _by_statistics_of_training(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    names = ("input", "running_mean", "running_var", "weight", "bias", "training")
    given = dict(zip(names, args, strict=False)) | kwargs
    return not given.get("training", False) and given.get("running_mean") is not None


def _first_two_live(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return len(args) > 1 and is_live(args[0]) and is_live(args[1])


def _always(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return True


_Applies = Callable[[tuple[Any, ...], dict[str, Any]], bool]
COMPOSITES: dict[Function, tuple[_Applies, Function]] = {
    F.linear: (_first_two_live, _linear),
    torch.addmm: (_last_two_live, _add_matmul),
    torch.baddbmm: (_last_two_live, _add_matmul),
    torch.addbmm: (_last_two_live, _add_sum_of_matmuls),
    torch.addmv: (_last_two_live, _add_matmul),
    torch.addcmul: (_always, _addcmul),
    torch.lerp: (_always, _lerp),
    F.bilinear: (_first_two_live, _bilinear),
    torch.bilinear: (_first_two_live, _bilinear),
    Tensor.addmm: (_last_two_live, _add_matmul),
    Tensor.baddbmm: (_last_two_live, _add_matmul),
    Tensor.addbmm: (_last_two_live, _add_sum_of_matmuls),
    Tensor.addmv: (_last_two_live, _add_matmul),
    Tensor.addcmul: (_always, _addcmul),
    Tensor.lerp: (_always, _lerp),
    F.glu: (_always, _glu),
    torch.var_mean: (_always, _var_mean),
    F.instance_norm: (_always, _instance_norm),
    F.batch_norm: (_by_statistics_of_training, _batch_norm),
    F.multi_head_attention_forward: (_always, _multi_head_attention),
}
"""Function -> whether it is to be taken apart, given its arguments, and the same in operations."""
