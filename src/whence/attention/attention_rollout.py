"""Attention rollout."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from whence.attention.engine import AttentionMethod
from whence.attention.weights import Weights


@dataclass(frozen=True)
class AttentionRollout(AttentionMethod):
    """Attention weights multiplied through all layers, half of each layer's input passing by it.

    Formula: Ã_l = A_l Ã_{l−1}, A_l = ½ mean_h W_{l,h} + ½ I with rows normalised, Ã_0 = I; score_i = Ã_L[q, i].
    Source: Abnar and Zuidema 2020, "Quantifying Attention Flow in Transformers", section 3, equation 1.
    Shapes and units: one score a token and target, in 0 to 1; scores of a target add up to 1.
    Cost: one forward pass, no backward pass.
    Errors: `UnsupportedError` where an attention kernel shows no weights.
    Does not claim: sign, relation to the output, or anything about what values and feed-forward layers carry.

    >>> AttentionRollout().cost(tokens=10, rows=3)
    Cost(forwards=1, backwards=0)
    """

    key: ClassVar[str] = "attention_rollout"
    caveat: ClassVar[str] = (
        "Attention rollout assumes that every layer mixes tokens by its mean attention and nothing else: it has no "
        "sign, ignores values and feed-forward layers, and is the same for every output at the same place."
    )

    def _receive(self, kept: list[Tensor], number: int, weights: Weights) -> None:
        mixed = weights.mean(dim=1)
        mixed = (mixed + torch.eye(mixed.shape[-1], dtype=mixed.dtype, device=mixed.device)) / 2
        mixed = mixed / mixed.sum(dim=-1, keepdim=True)
        kept[:] = [mixed @ kept[0] if kept else mixed]

    def _aggregate(self, kept: list[Tensor], layers: int) -> Float[Tensor, "batch query token"]:
        return kept[0]
