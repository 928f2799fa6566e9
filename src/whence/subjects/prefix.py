"""What a causal model keeps of the tokens it has read: their keys and values, to go on from with others behind."""

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from whence.subjects.batch import Batch


@dataclass(frozen=True, eq=False)
class Prefix:
    """Keys and values of one input's tokens in every layer, each `(1, heads, tokens, width)`."""

    layers: tuple[tuple[Tensor, Tensor], ...]

    def cache(self, tokens: int, rows: int) -> Any:
        """A cache that holds the first `tokens` of them for so many rows, the model's to add to."""
        cache = new_cache()
        for number, (keys, values) in enumerate(self.layers):
            cache.update(*(part[:, :, :tokens].expand(rows, -1, -1, -1) for part in (keys, values)), number)
        return cache


def new_cache() -> Any:
    """An empty cache, for a model to fill."""
    from transformers import DynamicCache

    return DynamicCache()


def prefix_of(cache: Any, tokens: int) -> Prefix | None:
    """What a model put into a cache; None unless that is keys and values of all so many tokens in every layer."""
    from transformers.cache_utils import DynamicLayer

    kept = []
    for layer in cache.layers:
        if type(layer) is not DynamicLayer or layer.get_seq_length() != tokens:
            return None
        kept.append((layer.keys, layer.values))
    return Prefix(tuple(kept)) if kept else None  # type: ignore[arg-type]


def behind(batch: Batch, prefix: Prefix, tokens: int) -> Batch:
    """The batch without the first `tokens` of each row, which are all those of `prefix`.

    A place to be read among the tokens left out is read at the first one left: its output is known from before.
    """
    return replace(
        batch,
        embeds=batch.embeds[:, tokens:],
        mask=batch.mask[:, tokens:],
        indices=(batch.indices - tokens).clamp_min(0),
        hidden=None if batch.hidden is None else batch.hidden[:, tokens:],
        cache=prefix.cache(tokens, len(batch)),
    )
