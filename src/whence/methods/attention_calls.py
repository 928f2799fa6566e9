"""Attention as the model computes it, read and edited while it computes, nothing about the model changed.

transformers gives weights only under its eager attention, and to give them leaves hooks in the model. Here torch's
function mode watches the forward pass instead: in the place of the fused attention kernel its formula is computed, and
a written-out attention is recognised by its softmax being multiplied onto values. Kernels that are neither, such as
flash attention's, show nothing: to see into such a model, it has to be loaded with attn_implementation="sdpa".
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor
from torch.overrides import TorchFunctionMode

from whence.methods import score_products
from whence.methods.score_products import MASKED, MATMUL, Product, added_is_mask, product_of

_SOFTMAX = frozenset({F.softmax, torch.softmax, Tensor.softmax})
_PASSES_ON = frozenset(
    {
        F.dropout, torch.dropout, Tensor.to, Tensor.type_as, Tensor.float, Tensor.view, Tensor.reshape, Tensor.flatten,
        Tensor.contiguous, Tensor.__getitem__, torch.reshape, torch.flatten,
    }
)  # fmt: skip
_MARK = "_whence_attention"

Scores = Float[Tensor, "batch head query key"]
Weights = Float[Tensor, "batch head query key"]
Values = Float[Tensor, "batch head key hidden"]
Queries = Float[Tensor, "batch head query size"]
Keys = Float[Tensor, "batch head key size"]


@dataclass(frozen=True, eq=False)
class _Made:
    """How a tensor was made by a softmax: the shape it has with heads apart, where scores are edited from what, and
    where vectors are read of which product.
    """

    shape: tuple[int, ...]
    scores: Tensor | None
    steps: tuple[Callable[[Tensor], Tensor], ...]
    product: Product | None

    def then(self, step: Callable[[Tensor], Tensor], result: Tensor) -> "_Made":
        """The same with one step more; where it folds heads into the batch, they are still known apart."""
        shape = (*self.shape[:-2], *result.shape[-2:])
        if result.dim() == len(shape) or math.prod(shape) != result.numel():
            shape = _apart(result)
        return _Made(shape, self.scores, (*self.steps, step), self.product)

    def again(self, scores: Tensor) -> Tensor:
        """What these scores would have become."""
        for step in self.steps:
            scores = step(scores)
        return scores


class AttentionCalls(TorchFunctionMode):
    """While open, every attention the model computes on this thread is shown and may be edited.

    `scores`, `values` and `weights` are functions of the attention's number, in the order they are computed, and of a
    tensor; what they return takes the tensor's place, so to read is to return it as it is. In this order:

    - `values(number, V)`, the value vectors `(batch, heads, keys, hidden)`; of grouped queries, one head a group;
    - `scores(number, S)`, what goes into the softmax `(batch, heads, queries, keys)`: Q Kᵀ scaled, with any bias of
      positions and mask. Masked scores stay as they are, whatever is returned for them; so do attention sinks, which
      belong to no key. A model that shifts its scores before the softmax (gpt_oss) shows them shifted;
    - `weights(number, A)`, the softmax of it, part of the autograd graph where there is one.

    `vectors(number, Q, K, scale, biased)` is called in front of `weights`, and for reading only: the query and key
    vectors `(batch, heads, queries or keys, size)` as they are multiplied, behind any rotation by position, and what
    their products are multiplied by; of grouped queries, each head has its group's keys. `biased` says that there is
    more in the scores than that and a mask. Not called where the scores are made in a way that is not recognised.

    >>> from whence import FakeSubject
    >>> subject, seen = FakeSubject({"good": 1.0}), []
    >>> def read(number, weights):
    ...     seen.append(weights)
    ...     return weights
    >>> with AttentionCalls(weights=read):
    ...     _ = subject.logits(subject.collate([subject.encode("a good film")]))
    >>> seen[0].shape
    torch.Size([1, 1, 3, 3])
    """

    def __init__(
        self,
        *,
        scores: Callable[[int, Scores], Scores] | None = None,
        values: Callable[[int, Values], Values] | None = None,
        weights: Callable[[int, Weights], Weights] | None = None,
        vectors: Callable[[int, Queries, Keys, float, bool], None] | None = None,
    ) -> None:
        super().__init__()
        self._scores = scores
        self._values = values
        self._weights = weights
        self._vectors = vectors
        self.count = 0
        """How many attentions were computed."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """The call's own result, or that of the edited attention."""
        kwargs = {} if kwargs is None else kwargs
        if func is F.scaled_dot_product_attention:
            return self._fused(*args, **kwargs)
        made: _Made | None = getattr(args[0], _MARK, None) if args else None
        if func in MATMUL and made is not None:
            return self._written_out(func, made, *args, **kwargs)
        result = func(*args, **kwargs) if self._vectors is None else score_products.call(func, args, kwargs)
        if func in _SOFTMAX and args and result.dim() > 2 and _over_last(result, *args[1:], **kwargs):
            scores = None if self._scores is None else args[0]
            product = None if self._vectors is None else product_of(args[0])
            setattr(result, _MARK, _Made(_apart(result), scores, (_step(func, args, kwargs),), product))
        elif func in _PASSES_ON and made is not None and result.dim() > 2:
            setattr(result, _MARK, made.then(_step(func, args, kwargs), result))
        return result

    def _written_out(
        self, func: Callable[..., Tensor], made: _Made, weights: Tensor, value: Tensor, **options: Any
    ) -> Tensor:
        shape = weights.shape
        heads = value.reshape(*made.shape[:-2], *value.shape[-2:]) if value.shape[:-2] == shape[:-2] else value
        if self._values is not None:
            value = self._values(self.count, heads).reshape(value.shape)
        if made.scores is not None:
            weights = made.again(self._edited(made.scores, value.shape[-2]))
        self._show_vectors(made.product, made.shape)
        weights = self._shown(weights.reshape(made.shape)).reshape(shape)
        return func(weights, value, **options)

    def _fused(
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
        if self._values is not None:
            value = self._values(self.count, value)
        if enable_gqa:
            groups = query.shape[-3] // key.shape[-3]
            key, value = key.repeat_interleave(groups, dim=-3), value.repeat_interleave(groups, dim=-3)
        scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
        if self._vectors is not None:
            biased = attn_mask is not None and attn_mask.dtype != torch.bool and not added_is_mask(attn_mask)
            self._show_vectors(Product(query, key, scale, biased), query.shape)
        scores = query @ key.transpose(-2, -1) * scale
        if is_causal:
            allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
            scores = scores.masked_fill(~allowed, -torch.inf)
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attn_mask, -torch.inf)
        elif attn_mask is not None:
            scores = scores + attn_mask
        if self._scores is not None:
            scores = self._edited(scores, scores.shape[-1])
        weights = torch.softmax(scores, dim=-1)
        if attn_mask is not None:
            weights = weights.masked_fill(scores.isneginf().all(dim=-1, keepdim=True), 0.0)
        return self._shown(weights) @ value

    def _edited(self, scores: Tensor, keys: int) -> Tensor:
        """The scores as edited; what is masked, and what stands behind those of the keys, as it was."""
        assert self._scores is not None
        of_keys, rest = scores[..., :keys], scores[..., keys:]
        apart = of_keys.reshape(_apart(of_keys))
        edited = self._scores(self.count, apart).reshape(of_keys.shape)
        edited = torch.where(of_keys <= MASKED, of_keys, edited)
        return torch.cat([edited, rest], dim=-1) if rest.shape[-1] else edited

    def _show_vectors(self, product: Product | None, shape: Sequence[int]) -> None:
        apart = None if product is None or len(shape) != 4 else product.by_head(*shape[:2])
        if self._vectors is not None and product is not None and apart is not None:
            self._vectors(self.count, *apart, product.scale, product.biased)

    def _shown(self, weights: Weights) -> Weights:
        """The weights as edited; the attention is done."""
        number = self.count
        self.count += 1
        return weights if self._weights is None else self._weights(number, weights)


def _step(func: Callable[..., Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[Tensor], Tensor]:
    """The same call on another first argument."""
    rest = args[1:]
    return lambda first: func(first, *rest, **kwargs)


def _apart(tensor: Tensor) -> tuple[int, ...]:
    """The shape with a batch in front, where a model computes without."""
    return (1, *tensor.shape) if tensor.dim() == 3 else tuple(tensor.shape)


def _over_last(result: Tensor, dim: int | None = None, *_: Any, **__: Any) -> bool:
    return dim in (-1, result.dim() - 1)
