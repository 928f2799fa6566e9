"""Value zeroing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from whence.errors import UnsupportedError
from whence.methods.attention_calls import AttentionCalls, Values, Weights
from whence.methods.attention_layout import AttentionLayout, layout_of
from whence.methods.base import Cost, Explanation, Method
from whence.methods.block_runs import BlockRecorder, BlockRun
from whence.methods.model_map import map_of
from whence.methods.rows import read_values
from whence.methods.run import Run
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Target, resolve_all


@dataclass(frozen=True)
class ValueZeroing(Method):
    """How far each token's representation turns when another's value vectors are zeroed, carried through all layers.

    Formula: C_l[i, j] = 1 − cos(x̃_i, x̃_i^{¬j}), rows divided by their sums, where x̃_i is what layer l gives back for
    token i and x̃_i^{¬j} what it gives back for the same input with token j's value vectors zeroed in every head;
    score_j = (C_L ⋯ C_1)[q, j], q the query token.
    Source: Mohebbi et al. 2023, "Quantifying Context Mixing in Transformers", section 3, and its rollout, to which, as
    layers are run with their residual connections, no identity is added. A row of zeros (nothing turns it) becomes the
    token itself.
    Shapes and units: one score a token and target, in 0 to 1; scores of a target add up to 1. Cosines are taken in
    float64 of what the model gives in its own precision.
    Cost: one forward pass, and each layer once more for each token: as much as n forward passes of n tokens, and
    counted as such (an encoder–decoder's encoder runs once more for each source token alone).
    Errors: `UnsupportedError` for a model whose layers or attention are not found, whose layers cannot be run alone,
    or that attends to tokens of its own (an image model's class token).
    Does not claim: sign, relation to the output (the same scores for every target of a position), or anything about
    value vectors of other layers, each layer being disturbed alone.

    In an encoder–decoder a source token's values are zeroed in the encoder's and in cross-attention, a target token's
    in the decoder's own; C_l is over source and target tokens, of which those that the layer does not update stay
    themselves.

    >>> ValueZeroing().cost(tokens=10, rows=3)
    Cost(forwards=11, backwards=0)
    """

    key: ClassVar[str] = "value_zeroing"
    family: ClassVar[str] = "perturbation"
    needs: ClassVar[frozenset[str]] = frozenset({"attention"})
    caveat: ClassVar[str] = (
        "Value zeroing says which tokens' content turned the representations the prediction was made from, not in "
        "which direction: it has no sign and is the same for every output predicted at the same place."
    )

    @property
    def scores_unit(self) -> str:
        """The unit of the scores."""
        return "share of context mixing"

    @property
    def signed(self) -> bool:
        """No: a distance says how much, not for or against."""
        return False

    def cost(self, tokens: int, rows: int) -> Cost:
        """The input, and each layer again for each token."""
        return Cost(tokens + 1, 0)

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        return [self._explain_one(subject, item, targets, run) for item in inputs]

    def _explain_one(self, subject: Subject, item: Inputs, targets: Sequence[Target], run: Run) -> Explanation:
        with torch.no_grad():
            logits, layout, runs = recorded(subject, item)
            readouts = resolve_all(subject, item, targets, logits[0])
            queries = [subject.query_position(item.slots[r.slot], len(item), r.output) for r in readouts]
            values = read_values(logits, [readouts])[0]
            mixing = torch.eye(len(item), dtype=torch.float64, device=logits.device)
            for one in runs:
                mixing = context_mixing(subject, layout, one, run).to(mixing.device) @ mixing
        return Explanation(
            readouts=readouts,
            scores=mixing[queries].cpu().numpy(),
            values=values.cpu().double().numpy(),
            baseline_values=None,
            cost=self.cost(len(item), len(readouts)),
        )


def recorded(subject: Subject, item: Inputs) -> tuple[Tensor, AttentionLayout, list[BlockRun]]:
    """One forward pass: its logits, where its attention is, and its blocks ready to be run again."""
    blocks = map_of(subject.model).blocks
    batch = subject.collate([item])
    layout = layout_of(subject, [item], batch)

    def check(number: int, weights: Weights) -> Weights:
        if layout.own_tokens(weights):
            raise UnsupportedError(
                f"{subject.name} attends to tokens of its own besides the {len(item)} explained; value zeroing would "
                f"have to zero those too. Explain it by attention, gradients, relevance or leave-one-out."
            )
        layout.arranged(number, weights)
        return weights

    calls = AttentionCalls(weights=check)
    with BlockRecorder(blocks, lambda: calls.count) as recorder, calls:
        logits = subject.logits(batch)
    inside = [number for one in recorder.runs for number in one.attentions]
    if inside != list(range(calls.count)) or not all(one.attentions for one in recorder.runs):
        raise UnsupportedError(
            f"Value zeroing needs attention whose weights show in every layer and nowhere else; of the {calls.count} "
            f"attentions seen in {subject.name}, its {len(recorder.runs)} layers have "
            f"{[len(one.attentions) for one in recorder.runs]}. If they are computed by a kernel such as flash "
            f"attention's, load the model with attn_implementation='sdpa'. Or explain it by gradients or leave-one-out."
        )
    return logits, layout, recorder.runs


def context_mixing(
    subject: Subject, layout: AttentionLayout, block: BlockRun, run: Run
) -> Float[Tensor, "token token"]:
    """C of one block over all tokens, in float64."""
    updated, seen = layout.tokens_of(block.attentions)
    tokens = layout.batch.mask.shape[1]
    original = _directions(block.output)
    distances = original.new_zeros(len(updated), tokens)

    def work(chosen: Sequence[int]) -> None:
        zeroed = torch.zeros(len(chosen), tokens, dtype=original.dtype, device=original.device)
        zeroed[range(len(chosen)), list(chosen)] = 1.0

        def without(number: int, values: Values) -> Values:
            kept = 1.0 - layout.on_keys(block.attentions[number], zeroed, values.shape[-2])
            return values * kept[:, None, :, None].to(values.dtype)

        with AttentionCalls(values=without):
            disturbed = _directions(block.again(len(chosen)))
        distances[:, list(chosen)] = ((disturbed - original).square().sum(dim=-1) / 2).T

    run.in_batches(subject, list(seen), lambda _: tokens, work, "value zeroing")
    mixing = torch.eye(tokens, dtype=distances.dtype, device=distances.device)
    sums = distances.sum(dim=1, keepdim=True)
    rows = slice(updated.start, updated.stop)
    mixing[rows] = torch.where(sums > 0, distances / sums.where(sums > 0, torch.ones_like(sums)), mixing[rows])
    return mixing


def _directions(hidden: Float[Tensor, "row token hidden"]) -> Float[Tensor, "row token hidden"]:
    """Unit vectors in float64: half the squared distance of two is 1 − their cosine, exact also where it is small."""
    wide = hidden.double()
    length = wide.norm(dim=-1, keepdim=True)
    return wide / length.where(length > 0, torch.ones_like(length))
