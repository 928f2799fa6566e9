"""Attention scores of masked tokens scaled down, the tokens themselves left in their places."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from whence.errors import UnsupportedError
from whence.methods.attention_calls import AttentionCalls, Scores
from whence.methods.attention_layout import layout_of
from whence.methods.checks import check_number
from whence.methods.score_products import MASKED
from whence.subjects.batch import Batch
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject


@dataclass(frozen=True)
class Suppress:
    """A strategy: what all tokens score for a masked one, before the softmax of attention, is scaled down.

    Formula: H̃ = H ∘ (1 − f) in every head and layer, f the factor in the columns of masked tokens and 0 in the others;
    with `shifted`, H̃ = (H − min H) ∘ (1 − f), the minimum over the tokens that a query can look at. With `similarity`
    a token whose embedding has at least this cosine with a masked one's is suppressed too, by the factor times that.
    Source: Deiseroth et al. 2023, "AtMan: Understanding Transformer Predictions Through Memory Efficient Attention
    Manipulation", sections 3.2 and 3.3; the shift is in the authors' code and not in the formula.
    Errors: `InputError` for a factor or similarity outside 0 to 1; `UnsupportedError` for a model whose attention
    does not show (see `whence.methods.attention_calls`).
    Does not claim: that a suppressed token is not seen: without the shift a score below 0 is raised, towards 0.
    """

    factor: float = 0.9
    similarity: float | None = None
    shifted: bool = False

    def __post_init__(self) -> None:
        check_number("factor", self.factor, above=0, at_most=1)
        if self.similarity is not None:
            check_number("similarity", self.similarity, above=0, at_most=1)

    @property
    def name(self) -> str:
        """The strategy in words."""
        return f"attention scores × {1 - self.factor:g}"

    @property
    def params(self) -> dict[str, Any]:
        """The parameters as plain values."""
        return asdict(self)

    @contextmanager
    def suppressed(
        self, subject: Subject, inputs: Sequence[Inputs], batch: Batch, masked: Bool[Tensor, "batch token"]
    ) -> Iterator[None]:
        """While open, attention scores of the masked tokens of this batch are scaled down."""
        layout = layout_of(subject, inputs, batch)
        factors = self._factors(batch, masked)

        def scaled(number: int, scores: Scores) -> Scores:
            arranged = layout.arranged(number, scores)
            kept = 1 - layout.on_keys(number, factors.to(scores.dtype), arranged.shape[-1])
            low = _lowest(arranged) if self.shifted else 0.0
            return ((arranged - low) * kept[:, None, None, :]).reshape(scores.shape)

        with AttentionCalls(scores=scaled) as calls:
            yield
        if calls.count == 0:
            raise UnsupportedError(
                f"{subject.name} shows no attention whose scores could be scaled (its attention implementation is "
                f"{subject.provenance().get('attention')!r}). Load it with attn_implementation='sdpa', or use another "
                f"method: leave_one_out."
            )

    def _factors(self, batch: Batch, masked: Bool[Tensor, "batch token"]) -> Float[Tensor, "batch token"]:
        """How strongly each token is suppressed."""
        own = self.factor * masked.to(batch.embeds.dtype)
        if self.similarity is None:
            return own
        unit = torch.nn.functional.normalize(batch.embeds, dim=-1)
        cosines = (unit @ unit.transpose(1, 2)).where(masked[:, None, :], 0.0).amax(dim=-1)
        alike = torch.where((cosines >= self.similarity) & batch.mask, self.factor * cosines, 0.0)
        return torch.where(masked, own, alike)


def _lowest(scores: Scores) -> Float[Tensor, "batch head query 1"]:
    """The lowest score of each query among the tokens that it can look at."""
    return scores.where(scores > MASKED, torch.inf).amin(dim=-1, keepdim=True).nan_to_num(posinf=0.0)
