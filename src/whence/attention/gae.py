"""Generic attention-model explainability."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.attention.engine import AttentionGradientMethod
from whence.methods.attention_layout import AttentionLayout


@dataclass(frozen=True)
class GAE(AttentionGradientMethod):
    """Attention weights times their positive gradients, carried as relevance through all layers.

    Formula: score_i = R[q, i], q the query token. R starts at I; each self-attention adds Ā R to it, where
    Ā = mean_h (A_h ⊙ ∂f/∂A_h)⁺. In an encoder–decoder R has a block for source on source, R^{ss}, target on target,
    R^{tt}, and source on target, R^{ts}, which starts at 0: the encoder's self-attention adds Ā R^{ss} to the first,
    the decoder's adds Ā R^{tt} and Ā R^{ts} to the others, and cross-attention adds (R̄^{tt})ᵀ Ā R̄^{ss} to R^{ts},
    where R̄ = I + (R − I) with the rows of R − I divided by their sums (a row of zeros stays zeros). Scores are then
    R^{ts}[q] on the source and R^{tt}[q] on the target prefix.
    Source: Chefer, Gur and Wolf 2021, "Generic Attention-model Explainability for Interpreting Bi-Modal and
    Encoder-Decoder Transformers", equations 5 (Ā), 6 and 7 (self-attention), 8 and 9 (R̄), 10 (cross-attention); 11
    adds nothing, for no encoder here attends to its decoder.
    Shapes and units: one score a token and target, at least 0. Each layer multiplies by numbers in the target's unit,
    so scores compare within a target only. The query's own score has the 1 of I in it; the authors' program sets the
    class token's own to 0.
    Cost: one forward pass and one backward pass for each target.
    Errors: `UnsupportedError` where an attention kernel shows no weights, or where the prediction is read at no one
    token.
    Does not claim: sign (what speaks against the target is cut off), that scores add up to anything, or anything about
    what values and feed-forward layers carry.

    >>> GAE().cost(tokens=10, rows=3)
    Cost(forwards=1, backwards=3)
    """

    key: ClassVar[str] = "gae"
    caveat: ClassVar[str] = (
        "GAE follows only attention that speaks for the target: what speaks against it is cut off, scores have no "
        "common unit, and a token's own contribution to the place it stands at is counted as 1."
    )

    @property
    def scores_unit(self) -> str:
        """The unit of the scores."""
        return "relevancy"

    @property
    def signed(self) -> bool:
        """No: negative products are cut off."""
        return False

    def _chosen(self, layout: AttentionLayout, layers: int) -> Sequence[int]:
        return range(layers)

    def _fuse(self, product: Float[Tensor, "row batch head query key"]) -> Float[Tensor, "row batch query key"]:
        return product.clamp(min=0).mean(dim=2)

    def _combine(
        self,
        layers: dict[int, Float[Tensor, "batch row _ _"]],
        layout: AttentionLayout,
        queries: Int[Tensor, "batch row"],
    ) -> Float[Tensor, "batch row token"]:
        squares = {number: layout.square(number, weights, own=0.0) for number, weights in layers.items()}
        identity = torch.eye(squares[0].shape[-1], dtype=squares[0].dtype, device=squares[0].device)
        if layout.kinds is None:
            relevance = identity[queries][:, :, None]
            for number in reversed(squares):
                relevance = relevance + relevance @ squares[number]
            return relevance[:, :, 0]
        relevance = identity.expand(squares[0].shape)
        of_one_side = layout.of_one_side()[:, None]
        for number, kind in enumerate(layout.kinds):
            if kind == "cross":
                mixed = normalised(relevance, identity, of_one_side)
                relevance = relevance + mixed.mT @ squares[number] @ mixed
            else:
                relevance = relevance + squares[number] @ relevance
        items, rows = (torch.arange(size, device=queries.device) for size in queries.shape)
        return relevance[items[:, None], rows, queries]


def normalised(
    relevance: Float[Tensor, "batch row token token"],
    identity: Float[Tensor, "token token"],
    of_one_side: Bool[Tensor, "batch 1 token token"],
) -> Float[Tensor, "batch row token token"]:
    """R̄ of source on source and of target on target, equations 8 and 9, as one matrix."""
    rest = (relevance - identity) * of_one_side
    sums = rest.sum(dim=-1, keepdim=True)
    return rest / sums.where(sums > 0, torch.ones_like(sums)) + identity
