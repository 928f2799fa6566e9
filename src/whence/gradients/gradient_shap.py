"""Gradient SHAP, or expected gradients."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from whence.gradients.engine import Gradients, Point, each_sum
from whence.gradients.method import GradientMethod, groups, places_of
from whence.gradients.moments import Moments
from whence.gradients.paths import Way, along
from whence.methods.base import Cost, Explanation
from whence.methods.baselines import Baseline, baseline_embeddings, check_baseline, resolved_baseline
from whence.methods.checks import check_whole
from whence.methods.run import Run
from whence.methods.values import Embeds, Place, target_values, values_at
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Readout, Target


@dataclass(frozen=True)
class GradientSHAP(GradientMethod):
    """The gradient at random points between random baselines and the input, times the way, averaged.

    Formula: score_i = 1/n Σ_s Σ_d (x_{i,d} − b^s_{i,d}) · ∂f(b^s + α_s (x − b^s))/∂x_{i,d}, with n = `samples`,
    baselines b^s by `baseline` and α_s uniform in 0 to 1, all independent. Its expectation adds up to f(x) − E f(b);
    the mean over n draws misses 1/n Σ_s f(x) − f(b^s) by the residual.
    Source: Lundberg and Lee 2017 (the SHAP package's gradient explainer); Erion et al. 2021, "Improving performance of
    deep learning models with axiomatic attribution priors and expected gradients".
    Shapes and units: one score a token and target, in the target's unit, its standard error over the draws in
    `provenance["standard_error"]`; `baseline_value` is the mean of f(b^s).
    Cost: one forward pass for the input and one for each baseline (one in all unless they are sampled); a forward pass
    for each sample and a backward pass for each sample and target row.
    Errors: as integrated gradients.
    Does not claim: Shapley values, which it gives where f is linear between baseline and input; that scores of few
    samples are near their expectation: see the standard errors.

    `baseline` and `baseline_text` as in integrated gradients; "sampled" draws anew for each sample.

    >>> GradientSHAP(samples=8).cost(tokens=10, rows=2)
    Cost(forwards=17, backwards=16)
    """

    samples: int = 32
    baseline: Baseline = "sampled"
    baseline_text: Any = None

    key: ClassVar[str] = "gradient_shap"
    complete: ClassVar[bool] = True
    caveat: ClassVar[str] = (
        "Gradient SHAP is an average over random baselines, most of them no texts; its scores have the standard errors "
        "reported, and miss the change they are meant to add up to by the residual."
    )

    def __post_init__(self) -> None:
        check_whole("samples", self.samples, 1)
        check_baseline(self.baseline, self.baseline_text)

    @property
    def _baselines(self) -> int:
        """How many different baselines there are for an input."""
        return self.samples if self.baseline == "sampled" else 1

    def cost(self, tokens: int, rows: int) -> Cost:
        """The input, the baselines, and a point a sample with a backward a row."""
        return Cost(1 + self._baselines + self.samples, self.samples * rows)

    def points_cost(self, tokens: int, rows: int) -> Cost:
        """A point a sample, with a backward a row."""
        return Cost(self.samples, self.samples * rows)

    def points(self, subject: Subject, places: Sequence[Place], run: Run) -> list[Point]:
        """All samples of every place, each with its share."""
        return [
            _point(i, place, baseline, run.seed, sample, 1 / self.samples)
            for sample in range(self.samples)
            for i, (place, baseline) in enumerate(zip(places, self._starts(subject, places, run, sample), strict=True))
        ]

    def _starts(self, subject: Subject, places: Sequence[Place], run: Run, sample: int) -> list[Embeds]:
        return baseline_embeddings(subject, places, self.baseline, self.baseline_text, run.seed, sample)

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        values, readouts = target_values(subject, inputs, targets, run)
        found: dict[int, Explanation] = {}
        for chosen in groups(subject, inputs, self.samples, run):
            places = places_of(subject, [inputs[i] for i in chosen])
            rows = [readouts[i] for i in chosen]
            some = self._some(subject, places, [values[i] for i in chosen], rows, run)
            found |= dict(zip(chosen, some, strict=True))
        return [found[i] for i in range(len(inputs))]

    def _some(
        self,
        subject: Subject,
        places: Sequence[Place],
        values: Sequence[Tensor],
        readouts: Sequence[Sequence[Readout]],
        run: Run,
    ) -> list[Explanation]:
        """Some of the inputs, whose samples share batches."""
        baselines = [self._starts(subject, places, run, sample) for sample in range(self._baselines)]
        ways = [(place, [starts[i] for starts in baselines]) for i, place in enumerate(places)]
        points = [
            _point(i * self.samples + sample, place, starts[sample % len(starts)], run.seed, sample, 1.0)
            for i, (place, starts) in enumerate(ways)
            for sample in range(self.samples)
        ]
        before = [
            values_at(subject, [place.inputs] * len(starts), starts, [own] * len(starts), run)
            for (place, starts), own in zip(ways, readouts, strict=True)
        ]
        scores, costs = [Moments() for _ in places], [Cost(1 + self._baselines) for _ in places]

        def take(sample: int, found: Gradients) -> None:
            scores[sample // self.samples].add(self.reduced(found.total))
            costs[sample // self.samples].add(found.cost.forwards, found.cost.backwards)

        copies = [place.inputs for place in places for _ in range(self.samples)]
        rows = [one for one in readouts for _ in range(self.samples)]
        each_sum(subject, copies, points, run, take, rows, label=self.key)
        return [
            self._explanation(subject, *found) for found in zip(readouts, scores, values, before, costs, strict=True)
        ]

    def _explanation(
        self,
        subject: Subject,
        readouts: Sequence[Readout],
        scores: Moments,
        values: Tensor,
        before: Sequence[Tensor],
        cost: Cost,
    ) -> Explanation:
        errors = scores.standard_error
        return Explanation(
            readouts=readouts,
            scores=scores.mean.cpu().double().numpy(),
            values=values.numpy(),
            baseline_values=torch.stack(list(before)).mean(dim=0).numpy(),
            cost=cost,
            standard_errors=None if errors is None else errors.cpu().double().numpy(),
            resolved={"baseline": resolved_baseline(subject, self.baseline)},
        )


def _point(item: int, place: Place, baseline: Embeds, seed: int, sample: int, share: float) -> Point:
    """A point of the way drawn by the run's seed and the sample's number."""
    alpha = np.random.default_rng([seed, sample, 1]).uniform()
    return along(item, Way(place.inputs, baseline, place.embeds), float(alpha), share)
