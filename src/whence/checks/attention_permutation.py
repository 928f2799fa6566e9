"""Whether it matters to the output where attention looks."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from whence.checks.attention.attention_agreement import (
    Agreeing,
    agreement_with_attention,
    all_token_shifts,
    one_token_shifts,
)
from whence.checks.attention.given_attention import Layers, check_layers, own_attention, permuted, why_no_attention
from whence.checks.base import Case, Check, status
from whence.checks.likeness.ranks import half_interval
from whence.methods.checks import check_number, check_whole
from whence.methods.run import Run
from whence.records import Finding, Reference
from whence.records.counting import counted
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject


@dataclass(frozen=True)
class AttentionPermutation(Check):
    """How far the output moves when attention weights are shuffled: whether it matters where attention looks.

    Formula: of each input, the median over `permutations` of TVD = ½ Σ_c |p_c(x; α^p) − p_c(x; α̂)|, with α̂ the model's
    own weights and α^p these weights, those of every query shuffled among the keys it can look at; then the mean over
    places predicted. Each layer, head and query is shuffled by a draw of its own; in all layers it is the weights of
    the unchanged model that are shuffled. Beside it stands the TVD when every token (control tokens aside) is masked:
    what the whole text is worth to the output. Passed where, in the mean over inputs, shuffling moves the output by
    more than `share` of that: by more than the 95 % confidence interval of the difference, paired by input, Student's
    t. A model that keeps most of what it reads off the text when attention looks anywhere else does not show by its
    attention what it needs. Of one input there is no interval, and the finding says so.
    Source: Jain and Wallace 2019, "Attention is not Explanation", section 4.2.1 and algorithm 1, whose model has one
    attention layer; the distance is theirs, the rule to pass is not: they show the distances as they are. Shuffling all
    layers changes more than masking one token does, which is why that is reported and decides nothing. Measured with
    raw_attention on 12 texts of sst2_dev: minilm-sst2 .22 where .15 ± .22 is wanted, bert-tiny-toxicity .14 where
    .08 ± .07 is; on four facts SmolLM2 .93 where .48 ± .05 is.
    Shapes and units: TVD is a share from 0 to 1 over all outputs; weights are `(batch, head, query, key)` a layer.
    Cost: for each input, 2 + permutations forwards and those of leave_one_out, input_x_gradient and saliency. Memory:
    one layer's shuffled weights at a time.
    Does not claim: that attention explains the output if it matters to it.

    The finding also says how far the method agrees with gradients and with leaving tokens out (their section 4.1):
    Kendall's τ_b of the sizes of its scores with those of input_x_gradient, of saliency, and with the output's shift
    when a token is masked, and on how many targets it differs from chance at the 5 % level. Not applicable to methods
    of other families, and to regressions. `layers` is "all", or "last" for the attention layer computed last.

    >>> AttentionPermutation(permutations=100).layers
    'all'
    """

    permutations: int = 25
    layers: Layers = "all"
    share: float = 0.5

    key: ClassVar[str] = "attention_permutation"
    asks: ClassVar[str] = "Does the output move when attention looks elsewhere?"

    def __post_init__(self) -> None:
        check_whole("permutations", self.permutations, least=1)
        check_number("share", self.share, above=0, at_most=1)
        check_layers(self.layers)

    def _inapplicable(self, case: Case) -> str | None:
        return why_no_attention(case)

    def _find(self, case: Case) -> Finding:
        quiet = Run(case.run.seed, case.run.batch_size, progress=False)
        medians: list[Float[np.ndarray, " slot"]] = []
        largest: list[float] = []
        with case.run.progress_of(len(case.inputs), self.key) as advance:
            for number, item in enumerate(case.inputs):
                shifts, weight = self._shifts(case.subject, item, number, quiet)
                medians.append(np.median(shifts, axis=0))
                largest += [weight] * shifts.shape[1]
                advance(1)
            one, every = one_token_shifts(case, quiet), all_token_shifts(case, quiet)
        found = agreement_with_attention(case, one, quiet)
        by_input, wanted = (np.array([of.mean() for of in each]) for each in (medians, every))
        wanted = self.share * wanted
        value, mean, half = float(by_input.mean()), float(wanted.mean()), 0.0
        if len(wanted) > 1:
            half = half_interval(by_input - wanted)
        name, interval = f"{self.share:g} of the shift without any token", "95 % confidence for the paired difference"
        reference = Reference(name, mean, mean - half, mean + half, len(wanted), interval)
        one_masked = float(np.mean([shift for rows in one for row in rows for shift in row]))
        details = {
            "medians": np.concatenate(medians),
            "all_masked": np.concatenate(every),
            "one_masked": one_masked,
            "largest_weights": largest,
            "agreement": [asdict(one) for one in found],
        }
        return Finding(
            self.key,
            status(value > reference.high),
            self._sentence(case, value, reference, one_masked, found),
            "median total variation distance, mean over inputs",
            value,
            reference,
            details,
        )

    def _shifts(
        self, subject: Subject, item: Inputs, number: int, run: Run
    ) -> tuple[Float[np.ndarray, "draw slot"], float]:
        """How far the output of one input moves in each permutation, and how large largest weights are on average."""
        found: dict[int, Float[np.ndarray, " slot"]] = {}
        with torch.inference_mode(False), torch.no_grad(), subject.session():
            own = own_attention(subject, item)
            layers = own.chosen(self.layers)

            def work(draws: Sequence[int]) -> None:
                generators = [np.random.default_rng([run.seed, number, draw]) for draw in draws]

                def given(layer: int) -> Tensor | None:
                    return permuted(own, layer, generators) if layer in layers else None

                shifts = own.shifts(own.logits(given, len(draws))).cpu().double().numpy()
                found.update(zip(draws, shifts, strict=True))

            run.in_batches(subject, range(self.permutations), lambda draw: own.tokens_worth, work)
            largest = torch.cat([own.weights[layer].amax(dim=-1).flatten() for layer in layers])
        return np.stack([found[draw] for draw in range(self.permutations)]), float(largest.mean())

    def _sentence(
        self, case: Case, value: float, reference: Reference, one_masked: float, found: Sequence[Agreeing]
    ) -> str:
        whose = "all layers" if self.layers == "all" else "the last layer"
        agreeing = "; ".join(
            f"with {one.other}: no τ (scores are constant)"
            if one.mean is None
            else f"with {one.other} {one.mean:.2f} ({one.significant} of {one.targets} significant)"
            for one in found
        )
        sure = "one input has no interval" if reference.draws == 1 else f"± {reference.high - reference.mean:.3f}"
        return (
            f"Shuffling the attention weights of {whose} moves the output by {value:.3f} in total variation distance "
            f"(median of {self.permutations} permutations, mean over {counted(len(case.inputs), 'input')}); more than "
            f"{reference.mean:.3f} is wanted ({sure}), {self.share:g} of what masking every token does; masking one "
            f"moves it by {one_masked:.3f} on average. Kendall's τ of {case.method.key}: {agreeing}."
        )
