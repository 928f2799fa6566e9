"""Whether a model sees padding in spite of its mask, found out by asking it."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from whence.errors import UnsupportedError
from whence.subjects.batch import Batch, length_mask

TOKENS = 12
"""Enough to ask with."""
_MOST_ROUNDING = 0.05
"""What rounding may change in half precision, where a multiple of its unit is larger than any number."""


def is_seen(
    outputs: Callable[[Batch], Float[Tensor, "batch *token output"]],
    embeds: Float[Tensor, "token hidden"],
    pad: Float[Tensor, "hidden"],
) -> bool:
    """Whether the outputs for the first few of these tokens change where `pad` is put behind them and masked.

    A model that cannot be run on so few tokens counts as one that sees it.
    """
    count = len(embeds) // 2
    short, padded = embeds[:count], torch.cat([embeds[:count], pad.expand(len(embeds) - count, -1)])
    try:
        with torch.no_grad():
            alone = outputs(_batch([short], [count]))[0]
            found = outputs(_batch([padded, embeds], [count, len(embeds)]))[0]
    except UnsupportedError:
        return True
    found = found[:count] if found.dim() == 2 else found
    return not distance(found, alone) <= rounding(embeds.dtype)


def distance(found: Tensor, expected: Tensor) -> float:
    """The largest difference, relative to the largest expected number."""
    return float((found - expected).abs().max() / expected.abs().max().clamp_min(1e-12))


def rounding(dtype: torch.dtype) -> float:
    """How far equal computations may be apart, relative to the largest number."""
    return min(1000 * torch.finfo(dtype).eps, _MOST_ROUNDING)


def _batch(rows: list[Tensor], lengths: list[int]) -> Batch:
    embeds = torch.stack(rows)
    nowhere = torch.full((len(rows), 1), -1, device=embeds.device)
    return Batch(embeds, length_mask(lengths, embeds.device), nowhere)
