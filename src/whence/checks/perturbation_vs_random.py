"""Whether the tokens an explanation ranks first matter more to the model than random ones, and than rare ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float

from whence.checks.base import Case, Check, status
from whence.checks.likeness.ranks import reference_of
from whence.checks.likeness.rarity import rarity_of
from whence.checks.likeness.units import FEWEST, Indices, compared_units, long_enough
from whence.methods.checks import check_number, check_whole
from whence.perturbation.chances import Chance, LogChance
from whence.perturbation.evaluator import Evaluator
from whence.perturbation.strategies import Named, check_strategy
from whence.records import Finding
from whence.records.counting import counted
from whence.records.origin import unit_groups
from whence.targets import as_targets

_FEWEST_TEXTS = 5
"""Texts from which on the signed-rank test can come out below 5 %: 1/2⁵ is 3 %."""
_STREAM = 13
"""Sets the removals' random numbers apart from others of the same seed."""


@dataclass(frozen=True)
class PerturbationVsRandom(Check):
    """Whether removing the tokens ranked first lowers the output more than removing random, or the rarest, tokens.

    Formula: fall(S) = v(x) − v(x without S), with v the log-probability of the output explained. For each text, S is
    the k units of highest score, k = `share` of them, at least one; against it stand the mean fall of `draws` random
    sets of as many units, and the fall of the k rarest. Equal scores are ranked at random. Effect size d_z = mean /
    standard deviation of the differences, paired by text; p is that of the one-sided Wilcoxon signed-rank test (exact
    where texts are few and differences distinct). Of fewer than five texts, where that test can come to nothing, p is
    the share of random draws, itself counted in, whose mean fall is at least that of the method. Passed where p
    against random is below `level`, and the mean fall is above that of the rarest tokens, from five texts on with
    p below `level` too.
    Source: Samek et al. 2017, "Evaluating the Visualization of What a DNN Has Learned", section III (against random);
    Wilcoxon 1945; effect size Cohen 1988, section 2.3.5 (d_z). Rarity: −log of the share among the tokens of the texts
    given, from 50 texts on, else log(1 + id), a stand-in: vocabularies are mostly in the order of frequency.
    Shapes and units: log-probability (nats) where the target is one output; the probability of a function of texts;
    the target's own unit for a regression, a contrast or a function of logits. A text's rows count by their mean.
    Control tokens and tokens the prediction cannot depend on are never removed.
    Cost: `draws` + 3 forward passes of each text and row, and one of each text; equal sets are run once.
    Errors: `UnsupportedError` for a strategy that the model cannot serve.
    Does not claim: that a text without tokens is one the model was made for: removal leaves the data manifold, and
    what falls may be due to that. Only tokens that speak for the output are looked at, as the highest scores say. A
    model that writes reads its prediction off the last token, whose removal alone does most: on SmolLM2 scores that
    merely rise with position lower the log-probability by 16 nats, random ones by 5. `details` has the fall without the
    last k tokens, `last_fall`; it decides nothing, and shows what position alone achieves.

    `strategy` is what removed tokens become, see `whence.perturbation.strategies`.

    >>> PerturbationVsRandom(share=0.1).params
    {'share': 0.1, 'draws': 20, 'strategy': 'auto', 'level': 0.05}
    """

    share: float = 0.2
    draws: int = 20
    strategy: Named = "auto"
    level: float = 0.05

    key: ClassVar[str] = "perturbation_vs_random"
    asks: ClassVar[str] = "Do the tokens ranked first matter more to the model than random ones, or rare ones?"

    def __post_init__(self) -> None:
        check_number("share", self.share, above=0, at_most=1)
        check_number("level", self.level, above=0, at_most=1)
        check_whole("draws", self.draws, 1)
        check_strategy(self.strategy)

    def _inapplicable(self, case: Case) -> str | None:
        return None if long_enough(case, 1) else f"No input has {FEWEST} units to remove some of, control tokens aside."

    def _find(self, case: Case) -> Finding:
        numbers = long_enough(case, len(case.inputs))
        rarity = rarity_of(case)
        falls, unit, strategy = self._falls(case, numbers, rarity)
        random = falls[:, 3:]
        found = _compared(falls[:, 0], random.mean(axis=1), self.level, random)
        rare = None if rarity is None else _compared(falls[:, 0], falls[:, 1], self.level)
        return Finding(
            self.key,
            status(found["beaten"] and (rare is None or rare["beaten"])),
            self._sentence(case, unit, len(numbers), found, rare),
            f"mean fall of the {unit} without the {self.share:.0%} of units of highest score",
            float(falls[:, 0].mean()),
            reference_of(random.mean(axis=0), "as many random units removed"),
            {
                "unit": unit,
                "texts": len(numbers),
                "strategy": strategy,
                "last_fall": float(falls[:, 2].mean()),
                "against_random": found,
                "against_rarest": None if rarity is None or rare is None else rare | {"rarity": rarity[1]},
            },
        )

    def _falls(self, case: Case, numbers: Sequence[int], rarity: Any) -> tuple[Float[np.ndarray, "text set"], str, str]:
        """For each text the fall without the top units, the rarest, the last, and each random set."""
        inputs, records = [case.inputs[n] for n in numbers], [case.attributions[n] for n in numbers]
        groups = [unit_groups(record.provenance["inputs"], len(record.tokens)) for record in records]
        likely = Chance if case.subject.link == "probability" else LogChance
        targets = [likely(target) for target in as_targets(case.target)]
        with case.subject.session():
            evaluator = Evaluator(case.subject, inputs, targets, case.run, self.strategy, groups)
            masks = [self._masks(case, number, mine, rarity) for number, mine in zip(numbers, groups, strict=True)]
            values = evaluator.evaluate([np.concatenate(of_rows) for of_rows in masks])
        falls = []
        for whole, of_rows, found in zip(evaluator.values, masks, values, strict=True):
            by_row = found.reshape(len(of_rows), self.draws + 3, len(whole))
            falls.append(np.mean([whole[row] - by_row[row, :, row] for row in range(len(of_rows))], axis=0))
        units = dict.fromkeys(readout.unit for rows in evaluator.readouts for readout in rows)
        return np.array(falls), ", ".join(units), str(evaluator.strategy)

    def _masks(
        self, case: Case, number: int, groups: Sequence[Sequence[int]], rarity: Any
    ) -> list[Bool[np.ndarray, "set unit"]]:
        """For each row: without the top units, the rarest, the last, and each random set."""
        generator = np.random.default_rng([case.run.seed, _STREAM, number])
        record, tokens = case.attributions[number], case.inputs[number].tokens
        rare = np.zeros(len(groups))
        if rarity is not None:
            rare = np.array([sum(rarity[0](tokens[i].id) for i in group) for group in groups])
        found = []
        for row, units in enumerate(compared_units(case, number)):
            count = max(1, round(self.share * len(units)))
            last = np.arange(len(groups), dtype=float)
            orders = [record.scores[row].astype(float), rare, last, *generator.random((self.draws, len(groups)))]
            masks = np.ones((len(orders), len(groups)), dtype=bool)
            for mask, order in zip(masks, orders, strict=True):
                mask[_highest(order, units, count, generator)] = False
            found.append(masks)
        return found

    def _sentence(self, case: Case, unit: str, texts: int, found: dict[str, Any], rare: dict[str, Any] | None) -> str:
        against_rare = (
            "; units have no frequency to compare with" if rare is None else f", and {_words(rare)} the rarest"
        )
        return (
            f"Without the {self.share:.0%} of units that {case.method.key} ranks first, the {unit} of the output "
            f"explained falls by {found['fall']:.3g} (mean of {counted(texts, 'text')}): {_words(found)} as many "
            f"random ones{against_rare}. What is removed leaves the data manifold: part of a fall may be due to that."
        )


def _highest(scores: Float[np.ndarray, " unit"], units: Indices, count: int, generator: np.random.Generator) -> Indices:
    """So many of the units, those of highest score; equal ones in random order."""
    return units[np.lexsort((generator.random(len(units)), -scores[units]))[:count]]


def _compared(
    top: Float[np.ndarray, " text"],
    other: Float[np.ndarray, " text"],
    level: float,
    draws: Float[np.ndarray, "text draw"] | None = None,
) -> dict[str, Any]:
    """How much further the output falls than by another removal: the difference, its effect size, p, whether beaten."""
    differences = top - other
    spread = float(differences.std(ddof=1)) if len(top) > 1 else 0.0
    p = _p_of(differences, top, draws)
    mean = float(differences.mean())
    return {
        "fall": float(top.mean()),
        "other_fall": float(other.mean()),
        "difference": mean,
        "effect_size": mean / spread if spread > 0 else None,
        "p": p,
        "beaten": mean > 0 and (p is None or p < level),
    }


def _p_of(
    differences: Float[np.ndarray, " text"],
    top: Float[np.ndarray, " text"],
    draws: Float[np.ndarray, "text draw"] | None,
) -> float | None:
    """The chance of such differences where there is nothing behind them; None where too few texts can say."""
    from scipy.stats import wilcoxon

    if len(differences) >= _FEWEST_TEXTS:
        return float(wilcoxon(differences, alternative="greater").pvalue) if differences.any() else 1.0
    if draws is None:
        return None
    as_far = int((draws.mean(axis=0) >= top.mean()).sum())
    return (1 + as_far) / (1 + draws.shape[1])


def _words(found: dict[str, Any]) -> str:
    size = "" if found["effect_size"] is None else f"d_z = {found['effect_size']:.2f}, "
    p = "too few texts for a test" if found["p"] is None else f"p = {found['p']:.2g}"
    return f"{abs(found['difference']):.3g} {'more' if found['difference'] > 0 else 'less'} ({size}{p}) than without"
