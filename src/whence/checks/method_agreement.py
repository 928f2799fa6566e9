"""Whether methods that look at something else find the same."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from whence.checks.base import Case, Check, status
from whence.checks.likeness.ranks import (
    Pair,
    is_constant,
    mean_correlation,
    reference_of,
    shuffled_correlations,
    sizes_of,
)
from whence.checks.likeness.units import FEWEST, compared_units, long_enough
from whence.errors import WhenceError
from whence.methods.base import Method
from whence.methods.checks import check_number, check_whole
from whence.metrics.common_units import in_common_units
from whence.records import Finding
from whence.records.counting import counted
from whence.records.verdict import NOT_APPLICABLE
from whence.registry import COMPARED_BY_DEFAULT, resolve

_Pairs = list[list[Pair]]
_ROUNDING = 1e-6


@dataclass(frozen=True)
class MethodAgreement(Check):
    """Whether the explanation agrees, beyond chance, with a method of an independent family.

    Formula: for each family the mean ρ(a, b), with a the method's scores of a text's tokens and b those of the family's
    method, ρ Spearman's, the mean over rows of a text, then over texts; of sizes where one of the two methods has no
    signs; control tokens and tokens that the prediction cannot depend on are left out. Passed where for one family it
    is above three limits: `at_least`; the upper end of the largest of these with the tokens of a in random order
    (97.5 % of draws below); and what position alone comes to in the place of a: the order of the tokens, or how near
    an end they are, or the reverse. The methods are those that `compare` compares by default, less the method's own
    family.
    Source: Krishna et al. 2022, "The Disagreement Problem in Explainable Machine Learning", section 4 (rank
    correlation); Neely et al. 2021, "Order in the Court", for text. The rule is ours: families err in different ways,
    so that what two of them find is less likely to be the making of one; and since some families are known to fail on
    some models, agreement with all would be too much to ask. Order stands as a limit because methods
    share a liking for places: on SmolLM2 order alone comes to .82 with attention_rollout, which the causal mask makes.
    `at_least` stands because with many texts any trace of likeness is beyond chance: on minilm-sst2 attnlrp comes to
    .73, saliency to .55, scores by position to .20, random ones to .02.
    Shapes and units: ρ has none. `details` lists each family's method, ρ and where chance puts it, and those left out.
    A method whose scores of every text are all equal has no ranking to agree with, and fails without a value.
    Cost: that of explaining up to `texts` texts by each of the other methods; one that cannot is left out.
    Does not claim: that what methods agree on is so, or that one which agrees with none is wrong. Chance takes tokens
    to be independent of one another, which neighbours are not.

    >>> MethodAgreement(texts=4).params
    {'texts': 4, 'at_least': 0.3, 'draws': 500}
    """

    texts: int = 16
    at_least: float = 0.3
    draws: int = 500

    key: ClassVar[str] = "method_agreement"
    asks: ClassVar[str] = "Does a method that looks at something else find the same?"

    def __post_init__(self) -> None:
        check_whole("texts", self.texts, 1)
        check_whole("draws", self.draws, 1)
        check_number("at_least", self.at_least, above=0, at_most=1, or_equal=True)

    def _inapplicable(self, case: Case) -> str | None:
        return None if long_enough(case, 1) else f"No input has {FEWEST} units to rank, control tokens aside."

    def _find(self, case: Case) -> Finding:
        numbers = long_enough(case, self.texts)
        pairs, left = _compared(case, numbers)
        if not pairs:
            none = f"No method of another family serves this subject and target: {', '.join(left)} cannot."
            return Finding(self.key, NOT_APPLICABLE, none, details={"left_out": left})
        shuffled = {name: shuffled_correlations(of, self.draws, case.run.seed) for name, of in pairs.items()}
        reference = reference_of(np.max(list(shuffled.values()), axis=0), "tokens in random order, the largest")
        if reference.high > 1 - _ROUNDING:
            few = (
                "So few units rank alike by chance that no agreement is beyond it. Give longer texts, or more of them."
            )
            return Finding(self.key, NOT_APPLICABLE, few)
        found = {name: mean_correlation(of) for name, of in pairs.items()}
        order = {name: _of_position(of) for name, of in pairs.items()}
        limits = {name: max(self.at_least, reference.high, order[name]) for name in pairs}
        best = max(pairs, key=lambda name: (-1.0 if (rho := found[name]) is None else rho) - limits[name])
        value = found[best]
        families = [
            {
                "method": name,
                "family": resolve("methods", name).family,
                "correlation": found[name],
                "chance": reference_of(shuffled[name], "tokens in random order").to_dict(),
                "order_alone": order[name],
            }
            for name in pairs
        ]
        return Finding(
            self.key,
            status(value is not None and value > limits[best]),
            _sentence(case, best, value, limits[best], len(numbers)),
            "mean rank correlation with the method of another family that is most beyond its limit",
            value,
            reference,
            {"families": families, "left_out": left, "limit": limits[best], "texts": len(numbers)},
        )


def _compared(case: Case, numbers: list[int]) -> tuple[dict[str, _Pairs], dict[str, str]]:
    """By method of another family, its scores beside the case's; and why others are left out."""
    pairs: dict[str, _Pairs] = {}
    left: dict[str, str] = {}
    others = [resolve("methods", name)() for name in COMPARED_BY_DEFAULT]
    others = [other for other in others if other.family != case.method.family]
    with case.run.progress_of(len(others), MethodAgreement.key) as advance:
        for other in others:
            try:
                pairs[other.key] = _pairs(case, numbers, other)
            except WhenceError as error:
                left[other.key] = str(error)
            advance(1)
    return pairs, left


def _pairs(case: Case, numbers: list[int], other: Method) -> _Pairs:
    """Rows in which the case's scores are all equal have no ranking to agree with, and are left out."""
    run = replace(case.run, progress=False)
    records = other(case.subject, [case.inputs[n] for n in numbers], case.target, run=run)
    found: _Pairs = []
    for number, record in zip(numbers, records, strict=True):
        mine, theirs = in_common_units((case.attributions[number], record))
        rows = [
            (mine.scores[row, units].astype(float), theirs.scores[row, units].astype(float))
            for row, units in enumerate(compared_units(case, number))
        ]
        found.append([(a, b) for a, b in rows if not is_constant(a)])
    return found if case.method.signed and other.signed else sizes_of(found)


def _of_position(pairs: _Pairs) -> float:
    """How far the second scores go by position alone: by the order of the tokens, or by how near an end they are."""
    ways = (lambda place: place, lambda place: np.abs(place - place.mean()))
    placed = [[[(way(np.arange(len(b), dtype=float)), b) for _, b in text] for text in pairs] for way in ways]
    return max(abs(mean_correlation(of) or 0.0) for of in placed)


def _sentence(case: Case, best: str, value: float | None, limit: float, texts: int) -> str:
    name = case.method.key
    if value is None:
        return f"{name}'s scores of a text are all equal: there is no ranking for another method to agree with."
    return (
        f"{best}, of another family, ranks the tokens as {name} does with a correlation of {value:.2f} (mean of "
        f"{counted(texts, 'text')}); up to {limit:.2f} is too little, or comes of random order or of position alone."
    )
