"""Attention rollout."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.attention.engine import AttentionMethod
from whence.errors import InputError

HeadFusion = Literal["mean", "max", "min"]
"""What becomes of the weights that several heads give the same token."""


@dataclass(frozen=True)
class AttentionRollout(AttentionMethod):
    """Attention weights multiplied through all layers, half of each layer's input passing by it.

    Formula: Ã_l = A_l Ã_{l−1}, A_l = ½ mean_h W_{l,h} + ½ I with rows normalised, Ã_0 = I; score_i = Ã_L[q, i].
    Source: Abnar and Zuidema 2020, "Quantifying Attention Flow in Transformers", section 3, equation 1.
    Shapes and units: one score a token and target, in 0 to 1; scores of a target add up to 1.
    Cost: one forward pass, no backward pass.
    Errors: `InputError` for an unknown fusion or a share that is not from 0 up to 1; `UnsupportedError` where an
    attention kernel shows no weights.
    Does not claim: sign, relation to the output, or anything about what values and feed-forward layers carry.

    `head_fusion` is what is taken over the heads: their "mean", as in the paper, "max" or "min". `discard_ratio` is a
    share of the fused weights to set to zero before I is added: in each row, that of one token looking, the
    ⌊discard_ratio · m⌋ lowest of its m weights above 0, except that on the token itself. Both are as in the program
    vit-explain (Gildenblat 2020), but for what is discarded: there it is a share of the whole matrix, masked and padded
    places counted and only the class token's weight on itself spared, so that one token's row depends on tokens it
    cannot see. In an encoder–decoder every attention layer, cross-attention too, is one A_l over source and target
    tokens, and tokens it does not update stay themselves.

    >>> AttentionRollout().cost(tokens=10, rows=3)
    Cost(forwards=1, backwards=0)
    """

    head_fusion: HeadFusion = "mean"
    discard_ratio: float = 0.0

    key: ClassVar[str] = "attention_rollout"
    caveat: ClassVar[str] = (
        "Attention rollout assumes that every layer mixes tokens by its mean attention and nothing else: it has no "
        "sign, ignores values and feed-forward layers, and is the same for every output at the same place."
    )

    def __post_init__(self) -> None:
        if self.head_fusion not in get_args(HeadFusion):
            raise InputError(f"Unknown head_fusion {self.head_fusion!r}. Known: {', '.join(get_args(HeadFusion))}.")
        if not 0 <= self.discard_ratio < 1:
            raise InputError(
                f"discard_ratio must be a share from 0 up to, not including, 1; got {self.discard_ratio!r}."
            )

    def _receive(self, kept: list[Tensor], number: int, weights: Float[Tensor, "batch head token token"]) -> None:
        fused = weights.mean(dim=1) if self.head_fusion == "mean" else getattr(weights, f"a{self.head_fusion}")(dim=1)
        if self.discard_ratio:
            fused = without_lowest(fused, self.discard_ratio)
        mixed = with_residual(fused)
        kept[:] = [mixed @ kept[0] if kept else mixed]

    def _aggregate(
        self, kept: list[Tensor], layers: int, item: int, queries: Int[Tensor, " row"]
    ) -> Float[Tensor, "row token"]:
        return kept[0][item, queries]


def with_residual(weights: Float[Tensor, "batch token token"]) -> Float[Tensor, "batch token token"]:
    """½ W + ½ I, rows normalised: the residual connection as each token's attention to itself."""
    mixed = (weights + torch.eye(weights.shape[-1], dtype=weights.dtype, device=weights.device)) / 2
    return mixed / mixed.sum(dim=-1, keepdim=True)


def without_lowest(weights: Float[Tensor, "batch token token"], share: float) -> Float[Tensor, "batch token token"]:
    """The weights with a share of each row's weights above 0 set to zero, lowest first, the token's own spared."""
    own = torch.eye(weights.shape[-1], dtype=torch.bool, device=weights.device)
    spared = own | (weights <= 0)
    ranks = weights.masked_fill(spared, torch.inf).argsort(dim=-1, stable=True).argsort(dim=-1)
    dropped = ((weights > 0).sum(dim=-1, keepdim=True) * share).floor()
    return weights.masked_fill(~spared & (ranks < dropped), 0.0)
