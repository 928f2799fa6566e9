"""Raw attention."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from whence.attention.engine import AttentionMethod
from whence.attention.weights import Weights
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

    `layer` counts from 0, or from the end with -1 for the last; `head` is one head, None the mean over heads.

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
        for name, value in (("layer", self.layer), ("head", self.head)):
            if isinstance(value, bool) or not (isinstance(value, int) or (value is None and name == "head")):
                raise InputError(f"{name} must be a whole number, got {value!r}.")

    def _receive(self, kept: list[Tensor], number: int, weights: Weights) -> None:
        if self.layer >= 0 and number != self.layer:
            return
        kept.append(self._fused(weights))
        del kept[: -max(1, -self.layer)]

    def _aggregate(self, kept: list[Tensor], layers: int) -> Float[Tensor, "batch query token"]:
        if not -layers <= self.layer < layers:
            raise InputError(f"Layer {self.layer} does not exist: the model has {layers} attention layers.")
        return kept[0]

    def _fused(self, weights: Weights) -> Float[Tensor, "batch query token"]:
        heads = weights.shape[1]
        if self.head is None:
            return weights.mean(dim=1)
        if not 0 <= self.head < heads:
            raise InputError(f"Head {self.head} does not exist: the layer has heads 0 to {heads - 1}.")
        return weights[:, self.head]
