"""DeepLIFT."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from whence.errors import InputError
from whence.methods.base import Cost, Explanation, Method
from whence.methods.baselines import Baseline, baseline_embeddings, check_baseline, resolved_baseline
from whence.methods.rows import read_values, row_gradients
from whence.methods.run import Run
from whence.methods.values import Place, stack_embeddings
from whence.relevance.differences.mode import DifferenceMode
from whence.relevance.differences.record import Record
from whence.relevance.passing import Unruled
from whence.subjects.batch import Batch
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Readout, Target, resolve_all


@dataclass(frozen=True)
class DeepLift(Method):
    """The change of the target from a baseline's to the input's, handed back operation by operation.

    Formula: score_i = Σ_d (x_{i,d} − x'_{i,d}) · m_{i,d}, with the multipliers m by the chain rule from those of each
    operation: Δy/Δx for an element-wise function (rescale rule), the gradient for a linear one, the gradient at the
    mean of both passes for a product; softmax and normalisations are taken apart into these. By summation to delta
    Σ_i score_i = f(x) − f(x'), the target's own log-softmax, softmax or function of the logits included.
    Source: Shrikumar et al. 2017, "Learning Important Features Through Propagating Activation Differences", equations
    1 to 3, sections 3.5.1 and 3.5.2; the paper has no rule for products, here each factor gets its Shapley value.
    Shapes and units: one score a token and target, in the target's unit; `baseline_value` is f(x').
    Cost: two forward passes, one backward pass for each target row; a third forward pass where the model makes a
    choice, as of experts, that it would not make for the baseline. Activations of both passes are held at once.
    Errors: `InputError` for unknown parameters; `UnsupportedError` for a baseline token the tokenizer lacks, and for a
    model that runs other operations on the baseline than on the input; a warning for an operation without a rule, which
    passes by its plain gradient, or with `strict` an `UnsupportedError`.
    Does not claim: implementation invariance: two models of equal outputs, or one model with its products bracketed
    otherwise, can get other scores; that the baseline is a neutral text; anything about what is no difference quotient:
    choices (of experts, of the larger value) are held as the input makes them, and what changes with them is residual.

    Where |Δx| is so small that Δy is rounding (8 ε of its terms, ε of the dtype), the derivative halfway takes the
    place of Δy/Δx. `baseline` replaces every token: "zero" by a zero embedding, the others by that token's embedding.

    >>> DeepLift(baseline="eos").cost(tokens=10, rows=2)
    Cost(forwards=3, backwards=2)
    """

    baseline: Baseline = "zero"
    baseline_text: str | None = None
    strict: bool = False

    key: ClassVar[str] = "deeplift"
    family: ClassVar[str] = "gradients"
    needs: ClassVar[frozenset[str]] = frozenset({"embeddings"})
    complete: ClassVar[bool] = True
    bounded: ClassVar[bool] = True
    caveat: ClassVar[str] = (
        "DeepLIFT explains the change from a baseline, which for text is not a natural input; another baseline gives "
        "other scores, and so can another way to write the same model."
    )

    def __post_init__(self) -> None:
        check_baseline(self.baseline, self.baseline_text)
        if not isinstance(self.strict, bool):
            raise InputError(f"strict is True or False, got {self.strict!r}.")

    def cost(self, tokens: int, rows: int) -> Cost:
        """At most three forwards, the third only where the model's choices change, and a backward a row."""
        return Cost(3, rows)

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        unruled = Unruled(self.key, self.strict, "Another method may serve this model better.")
        found: dict[int, Explanation] = {}

        def work(chosen: Sequence[int]) -> None:
            items = [inputs[i] for i in chosen]
            batch = subject.collate(items)
            places = [Place(x, e[: len(x)]) for x, e in zip(items, batch.embeds, strict=True)]
            starts = baseline_embeddings(subject, places, self.baseline, self.baseline_text, run.seed)
            reference = stack_embeddings(starts)
            compared = _compare(subject, items, batch, reference, targets, unruled)
            for place, i in enumerate(chosen):
                rows = len(compared.readouts[place])
                found[i] = Explanation(
                    readouts=compared.readouts[place],
                    scores=compared.scores[:rows, place, : len(inputs[i])].numpy(),
                    values=compared.values[place, :rows].numpy(),
                    baseline_values=compared.baseline_values[place, :rows].numpy(),
                    cost=Cost(compared.forwards, rows),
                    resolved={"baseline": resolved_baseline(subject, self.baseline)},
                )

        run.in_batches(subject, range(len(inputs)), lambda i: len(inputs[i]), work, self.key)
        return [found[i] for i in range(len(inputs))]


@dataclass(frozen=True, eq=False)
class _Compared:
    """A batch beside its baselines: scores `(row, batch, token)` and values `(batch, row)`, in double precision."""

    readouts: list[list[Readout]]
    scores: Tensor
    values: Tensor
    baseline_values: Tensor
    forwards: int


def _compare(
    subject: Subject,
    items: Sequence[Inputs],
    batch: Batch,
    reference: Tensor,
    targets: Sequence[Target],
    unruled: Unruled,
) -> _Compared:
    """The multipliers of every row, by one pass of the inputs and one of their baselines, times the differences."""
    record = Record()
    mode = DifferenceMode(record, unruled)
    leaf = batch.embeds.clone().requires_grad_(True)
    with mode:
        logits = subject.logits(replace(batch, embeds=leaf))
    readouts = [resolve_all(subject, x, targets, row) for x, row in zip(items, logits.detach(), strict=True)]
    with mode:
        values = read_values(logits, readouts).detach()
    del logits
    record.writing = False
    leaf = reference.clone().requires_grad_(True)
    with mode:
        compared = read_values(subject.logits(replace(batch, embeds=leaf)), readouts)
    record.close()
    unruled.inspect(compared)
    way = (batch.embeds - reference).to(torch.promote_types(leaf.dtype, torch.float32))
    scores = [(multiplier * way).sum(dim=-1).cpu().double() for _, (multiplier,) in row_gradients(compared, leaf)]
    baseline_values = compared.detach()
    if record.chosen_otherwise:
        with torch.no_grad():
            baseline_values = read_values(subject.logits(replace(batch, embeds=reference)), readouts)
    return _Compared(
        readouts,
        torch.cat(scores),
        values.cpu().double(),
        baseline_values.cpu().double(),
        forwards=3 if record.chosen_otherwise else 2,
    )
