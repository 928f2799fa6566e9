"""Whether explanations depend on what the model has learned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from whence.checks.base import Case, Check, status
from whence.checks.likeness.randomized_copy import RandomizedCopy, why_not_randomizable
from whence.checks.likeness.ranks import Pair, Similarity, is_constant, similarity, similarity_by_chance
from whence.checks.likeness.same_output import same_outputs, scores_on
from whence.checks.likeness.units import compared_units, long_enough, why_nothing_told
from whence.methods.checks import check_number, check_whole
from whence.records import Finding
from whence.records.counting import counted
from whence.subjects.loading import load


@dataclass(frozen=True)
class ParameterRandomization(Check):
    """Whether the explanation changes when what the model has learned is replaced by random weights.

    Formula: s = max(mean ρ(a, a'), mean ρ(|a|, |a'|)), with a the scores of a text's tokens on the model and a' those
    for the same output on a copy with random weights, ρ Spearman's, the mean over rows of a text, then over texts;
    control tokens and tokens that the prediction cannot depend on are left out. "Cascading": the head, then the head
    and the last block, ..., until every weight is random; "independent": one layer alone, all others as learned.
    Passed where s with every weight random is not above `at_most`, or not above what tokens in random order give where
    that is more. Of an explanation that is no function of the weights a' = a, and s = 1.
    Source: Adebayo et al. 2018, "Sanity Checks for Saliency Maps", section 3.1 (cascading and independent), with its
    rank correlation with and without absolute values. The paper reads curves and has no threshold: see below.
    Shapes and units: ρ has none. `details` has the curves: of each stage its name, both correlations, and how many
    texts had a ranking; a stage is None where no text had: all scores equal. Scores that are all equal on both are one
    ranking, unchanged (ρ = 1): a constant explanation fails. Scores all equal on the random model alone have no ranking
    left: passed, without a value.
    Cost: 2 × stages explanations of up to `texts` texts, a forward pass of each, and two passes over a few tokens.
    Memory: the copy shares the model's weights; random ones are views into one pool of about the largest parameter's
    size, so that they overlap, see `whence.checks.likeness.randomized_copy`.
    Does not claim: that an explanation which depends on the weights is right. With every weight random some likeness
    stays that has to do with the architecture and the text alone (a causal model's first tokens are seen by all
    later ones), so `at_most` is above chance: what is found is whether most of the ranking was there before learning.
    Measured: on classifiers s is at most .22 for methods of every family; on SmolLM2 .28 for gradients, relevance and
    perturbation, .50 for gae, .85 for attention_rollout, whose scores the causal mask makes; 1 for random scores.

    Of a model with more layers than `stages`, so many are looked at, evenly spread, first and last among them.
    Not applicable without a transformers model's weights (black boxes), and to texts so few and short
    that random order comes to a correlation of .8.

    >>> ParameterRandomization(stages=4).params
    {'stages': 4, 'texts': 16, 'at_most': 0.5, 'draws': 200}
    """

    stages: int = 8
    texts: int = 16
    at_most: float = 0.5
    draws: int = 200

    key: ClassVar[str] = "parameter_randomization"
    asks: ClassVar[str] = "Does the explanation depend on what the model has learned?"

    def __post_init__(self) -> None:
        for name, least in (("stages", 2), ("texts", 1), ("draws", 1)):
            check_whole(name, getattr(self, name), least)
        check_number("at_most", self.at_most, above=0, at_most=1)

    def _inapplicable(self, case: Case) -> str | None:
        return why_not_randomizable(case.subject.model) or why_nothing_told(case, self.texts, self.draws)

    def _find(self, case: Case) -> Finding:
        numbers = long_enough(case, self.texts)
        copy = RandomizedCopy(case.subject.model, case.run.seed)
        chosen = _spread(len(copy.layers), self.stages)
        targets = same_outputs(case, numbers)

        def pairs_with(random: Sequence[int]) -> list[list[Pair]]:
            copy.randomize(random)
            subject = load((copy.model, _reader(case)), task=case.subject.task)
            return _pairs(case, numbers, scores_on(case, subject, numbers, targets))

        with case.run.progress_of(2 * len(chosen), self.key) as advance:
            cascade = _measured([range(last + 1) for last in chosen], pairs_with, advance)
            alone = _measured([[layer] for layer in chosen], pairs_with, advance)
        everything = cascade[-1][1]
        names = [copy.layers[layer].name for layer in chosen]
        reference = similarity_by_chance(cascade[-1][0], self.draws, case.run.seed)
        value = everything.larger
        limit = max(self.at_most, reference.high)
        return Finding(
            self.key,
            status(value is None or value <= limit),
            _sentence(case, value, limit, len(numbers)),
            "rank correlation with the explanation of a model of random weights, the larger of signed and absolute",
            value,
            reference,
            {
                "cascading": [_stage(name, *found) for name, found in zip(names, cascade, strict=True)],
                "independent": [_stage(name, *found) for name, found in zip(names, alone, strict=True)],
                "layers": len(copy.layers),
                "texts": len(numbers),
                "limit": limit,
            },
        )


Measured = tuple[list[list[Pair]], Similarity]


def _measured(
    stages: Sequence[Sequence[int]],
    pairs_with: Callable[[Sequence[int]], list[list[Pair]]],
    advance: Callable[[int], None],
) -> list[Measured]:
    """Original and new scores, and their likeness, with each of these sets of layers random."""
    found = []
    for random in stages:
        pairs = pairs_with(random)
        found.append((pairs, similarity(pairs)))
        advance(1)
    return found


def _pairs(case: Case, numbers: Sequence[int], scores: Sequence[np.ndarray]) -> list[list[Pair]]:
    """Each row's scores as they were and as they are on the copy, over the units that are compared."""
    found = []
    for number, new in zip(numbers, scores, strict=True):
        old = np.asarray(case.attributions[number].scores, dtype=np.float64)
        units = compared_units(case, number)
        found.append([(old[row, mine], new[row, mine].astype(np.float32)) for row, mine in enumerate(units)])
    return found


def _stage(name: str, pairs: Sequence[Sequence[Pair]], found: Similarity) -> dict[str, Any]:
    ranked = sum(any(not is_constant(new) for _, new in text) for text in pairs)
    return {"stage": name, "signed": found.signed, "absolute": found.sizes, "ranked_texts": ranked}


def _spread(layers: int, most: int) -> list[int]:
    """At most so many of the layers, evenly spread, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, layers - 1, min(layers, most))})


def _reader(case: Case) -> Any:
    """What the subject reads its input with: a tokenizer, or an image processor."""
    return case.subject.tokenizer or getattr(case.subject, "processor", None)


def _sentence(case: Case, value: float | None, limit: float, texts: int) -> str:
    done = f"With every weight of {case.subject.name} random,"
    if value is None:
        return f"{done} the scores of a text are all equal (on {counted(texts, 'text')}): their ranking is gone."
    left = "still rank" if value > limit else "rank"
    return (
        f"{done} {case.method.key}'s scores {left} the tokens with a correlation of {value:.2f} to those for the model "
        f"as it was learned (mean of {counted(texts, 'text')}); up to {limit:.2f} is allowed, 1 would be no dependence "
        f"on the weights at all."
    )
