"""Which queries and keys the scores of an attention are the products of, where a model writes its attention out.

A product carries its operands along, through scaling and masking, as far as the softmax.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

MATMUL = frozenset({torch.matmul, torch.bmm, Tensor.matmul, Tensor.bmm, Tensor.__matmul__})
"""Functions that multiply two tensors."""
MASKED = -5e3
"""Scores as low as this are masks, which models write as numbers from -10,000 down to minus infinity."""
_ADDED_MATMUL = frozenset({torch.baddbmm, Tensor.baddbmm})
_TIMES = frozenset({torch.mul, Tensor.mul, Tensor.__mul__, Tensor.__rmul__, Tensor.mul_, Tensor.__imul__})
_OVER = frozenset(
    {torch.div, Tensor.div, Tensor.true_divide, Tensor.__truediv__, Tensor.div_, Tensor.__itruediv__, torch.true_divide}
)  # fmt: skip
_MARK = "_whence_product"


@dataclass(frozen=True, eq=False)
class Product:
    """Scores that are queries times keys, times `scale`; `biased` where there is more to them than that and a mask.

    What models add is a bias of positions (T5, ALiBi), or a place for what no key gets (an attention sink); some cap.
    """

    queries: Float[Tensor, "... query size"]
    keys: Float[Tensor, "... key size"]
    scale: float = 1.0
    biased: bool = False

    def by_head(
        self, batch: int, heads: int
    ) -> tuple[Float[Tensor, "batch head query size"], Float[Tensor, "batch head key size"]] | None:
        """The queries and keys of each head, those of a group its heads' each; None where heads are not told apart."""
        queries, keys = (_by_head(one, batch, heads) for one in (self.queries, self.keys))
        return None if queries is None or keys is None else (queries, keys)


def product_of(scores: Tensor) -> Product | None:
    """The product that these scores are, as far as it was carried."""
    return getattr(scores, _MARK, None)


def call(func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The function's own result, which is known for a product if it is one, or comes of one."""
    if (func in MATMUL and len(args) == 2) or (func in _ADDED_MATMUL and args):
        result = func(*args, **kwargs)
        setattr(result, _MARK, (_multiplied if func in MATMUL else _added_to)(*args, **kwargs))
        return result
    operands = args[0] if args and isinstance(args[0], list | tuple) else args[:3]
    place = next((i for i, one in enumerate(operands) if isinstance(one, Tensor) and product_of(one)), None)
    if place is None:
        return func(*args, **kwargs)
    product = product_of(operands[place])
    assert product is not None
    before = operands[place].clone() if _in_place(func) else operands[place]
    result = func(*args, **kwargs)
    if isinstance(result, Tensor) and result.shape[-2:-1] == before.shape[-2:-1] and result.is_floating_point():
        factor = _factor(func, operands, place)
        changed = factor is None and not _same_but_masked(before, result)
        scale = product.scale if factor is None else product.scale * factor
        setattr(result, _MARK, replace(product, scale=scale, biased=product.biased or changed))
    return result


def added_is_mask(added: Tensor) -> bool:
    """Whether what is added to scores leaves each as it is, or masks it."""
    return bool(((added == 0) | (added <= MASKED)).all())


def _multiplied(queries: Tensor, keys: Tensor, **_: Any) -> Product:
    return Product(queries, keys.transpose(-2, -1) if keys.dim() > 1 else keys)


def _added_to(added: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1, **_: Any) -> Product:
    return Product(batch1, batch2.transpose(-2, -1), float(alpha), beta != 0 and not added_is_mask(added))


def _factor(func: Callable[..., Any], operands: Sequence[Any], place: int) -> float | None:
    """What the scores at `place` are multiplied by; None if they are not, or each by another number."""
    if (func not in _TIMES and (func not in _OVER or place != 0)) or len(operands) < 2:
        return None
    other = operands[1 - place]
    if isinstance(other, Tensor) and other.numel() != 1:
        return None
    return float(other) if func in _TIMES else 1 / float(other)


def _same_but_masked(before: Tensor, after: Tensor) -> bool:
    """Whether scores are what they were, all but masked ones."""
    if before.numel() != after.numel():
        return False
    return bool(((before.reshape(after.shape).to(after.dtype) == after) | (after <= MASKED)).all())


def _in_place(func: Callable[..., Any]) -> bool:
    name = getattr(func, "__name__", "")
    return name.startswith("__i") or (name.endswith("_") and not name.endswith("__"))


def _by_head(vectors: Tensor, batch: int, heads: int) -> Tensor | None:
    if vectors.shape[:-2].numel() == batch * heads:
        return vectors.reshape(batch, heads, *vectors.shape[-2:])
    if vectors.dim() == 4 and len(vectors) == batch and vectors.shape[1] == 1:
        return vectors.expand(batch, heads, *vectors.shape[-2:])
    return None
