"""Gradient × attention."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.attention.engine import AttentionGradientMethod, layer_number, refuse_wrong_number
from whence.methods.attention_layout import AttentionLayout


@dataclass(frozen=True)
class GradXAttention(AttentionGradientMethod):
    """The attention weights at the token the prediction is made at, times the target's slope in each of them.

    Formula: score_i = mean_l mean_h A^{(l)}_h[q, i] · ∂f/∂A^{(l)}_h[q, i], q the query token, l the layer, h the heads.
    Source: Serrano and Smith 2019, "Is Attention Interpretable?", section 3 (a weight's gradient times the weight); for
    all layers and heads of a transformer: Barkan et al. 2021, "Grad-SAM", whose ReLU of the gradient is left out, so
    that scores keep their sign, and which sums over all queries where this reads the one the prediction is made at.
    Shapes and units: one signed score a token and target, in the target's unit.
    Cost: one forward pass and one backward pass for each target.
    Errors: `InputError` for a layer that the model does not have; `UnsupportedError` where an attention kernel shows no
    weights, or where the prediction is read at no one token.
    Does not claim: that scores add up to the target, or anything about what reaches the query token other than by its
    own attention: tokens that others attended to before are seen only through those.

    `layer` is one layer, counted from 0, or from the end with -1 for the last; None is the mean over all layers that
    update the query token: in an encoder–decoder its decoder's own and cross-attention, which count as layers of their
    own, behind the encoder's.

    >>> GradXAttention().cost(tokens=10, rows=3)
    Cost(forwards=1, backwards=3)
    """

    layer: int | None = None

    key: ClassVar[str] = "grad_x_attention"
    caveat: ClassVar[str] = (
        "Gradient × attention says how the prediction would change if the query token looked a little more or less at "
        "each token; what those tokens took from others before is not followed."
    )

    def __post_init__(self) -> None:
        if self.layer is not None:
            refuse_wrong_number("layer", self.layer)

    def _chosen(self, layout: AttentionLayout, layers: int) -> Sequence[int]:
        if self.layer is not None:
            return [layer_number(self.layer, layers)]
        return [number for number in range(layers) if layout.reads_for_output(number)]

    def _fuse(self, product: Float[Tensor, "row batch head query key"]) -> Float[Tensor, "row batch query key"]:
        return product.mean(dim=2)

    def _combine(
        self,
        layers: dict[int, Float[Tensor, "batch row _ _"]],
        layout: AttentionLayout,
        queries: Int[Tensor, "batch row"],
    ) -> Float[Tensor, "batch row token"]:
        items, rows = (torch.arange(size, device=queries.device) for size in queries.shape)
        read = [
            layout.square(number, weights, own=0.0)[items[:, None], rows, queries] for number, weights in layers.items()
        ]
        return torch.stack(read).mean(dim=0)
