"""Raw attention."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float, Int
from torch import Tensor

from whence.attention.engine import AttentionMethod, layer_number, refuse_wrong_number
from whence.errors import InputError


@dataclass(frozen=True)
class RawAttention(AttentionMethod):
    """The attention weights of one layer at the token the prediction is made at.

    Formula: score_i = mean_h A^{(l)}_h[q, i], A = softmax(Q Kᵀ/√d), q the query token, l the layer, h the heads.
    Source: Vaswani et al. 2017, "Attention Is All You Need", equation 1; as an explanation: Clark et al. 2019.
    Shapes and units: one score a token and target, an attention weight in 0 to 1; scores of a target add up to 1.
    Cost: one forward pass, no backward pass.
    Errors: `InputError` for a layer or head that the model does not have; `UnsupportedError` where an attention kernel
    shows no weights.
    Does not claim: sign, relation to the output (the same scores for every target of a position), or cause
    (Jain and Wallace 2019).

    `layer` counts from 0, or from the end with -1 for the last; `head` is one head, None the mean over heads. An
    encoder–decoder has three kinds of attention layer, counted in the order they are computed: those of the encoder,
    then for each block of the decoder its own and its cross-attention. So -1 is the last cross-attention, whose
    weights are on source tokens, and -2 the last of the decoder's own, whose weights are on target tokens; in an
    encoder's layer the query, a target token, stays itself.

    >>> RawAttention(layer=-1).cost(tokens=10, rows=3)
    Cost(forwards=1, backwards=0)
    """

    layer: int = -1
    head: int | None = None

    key: ClassVar[str] = "raw_attention"
    caveat: ClassVar[str] = (
        "Attention weights say where a layer looked, not what it did with what it saw: they have no sign and are the "
        "same for every output predicted at the same place."
    )

    def __post_init__(self) -> None:
        refuse_wrong_number("layer", self.layer)
        if self.head is not None:
            refuse_wrong_number("head", self.head)

    def _receive(self, kept: list[Tensor], number: int, weights: Float[Tensor, "batch head token token"]) -> None:
        if self.layer >= 0 and number != self.layer:
            return
        kept.append(self._fused(weights))
        del kept[: -max(1, -self.layer)]

    def _aggregate(
        self, kept: list[Tensor], layers: int, item: int, queries: Int[Tensor, " row"]
    ) -> Float[Tensor, "row token"]:
        layer_number(self.layer, layers)
        return kept[0][item, queries]

    def _fused(self, weights: Float[Tensor, "batch head token token"]) -> Float[Tensor, "batch token token"]:
        heads = weights.shape[1]
        if self.head is None:
            return weights.mean(dim=1)
        if not 0 <= self.head < heads:
            raise InputError(f"Head {self.head} does not exist: the layer has heads 0 to {heads - 1}.")
        return weights[:, self.head]
