"""Whether scores add up to what they claim to."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from whence.checks.base import Case, Check, status
from whence.methods.checks import check_number
from whence.metrics.completeness import share_missing
from whence.records import Finding
from whence.records.counting import counted


@dataclass(frozen=True)
class Completeness(Check):
    """Whether the scores of a method that claims so add up to value − baseline value.

    Formula: the median over all targets of |residual| / |value − baseline value|, residual = value − baseline value −
    Σ scores; passed where it is at most `at_most`.
    Source: Sundararajan, Taly and Yan 2017, "Axiomatic Attribution for Deep Networks", section 3 (completeness);
    conservation in Bach et al. 2015, equation 2.
    Shapes and units: one share of value − baseline value for each target of each input; it has no unit.
    Cost: nothing beyond the explanations.
    Does not claim: that scores which add up are faithful: any scores can be made to.

    Not applicable to methods that claim no completeness, and where every value equals its baseline.

    >>> Completeness(at_most=0.1).params
    {'at_most': 0.1}
    """

    at_most: float = 0.05

    key: ClassVar[str] = "completeness"
    asks: ClassVar[str] = "Do the scores add up to what they claim to add up to?"

    def __post_init__(self) -> None:
        check_number("at_most", self.at_most, above=0)

    def _inapplicable(self, case: Case) -> str | None:
        if not case.method.complete:
            return f"{case.method.key} does not claim that its scores add up to anything."
        if not _shares(case):
            return "Every value equals its baseline value: there is nothing to add up to."
        return None

    def _find(self, case: Case) -> Finding:
        shares = _shares(case)
        median, worst = float(np.median(shares)), max(shares)
        return Finding(
            self.key,
            status(median <= self.at_most),
            f"The scores leave {median:.1%} of value − baseline value unaccounted for (median of "
            f"{counted(len(shares), 'target')}, {worst:.1%} at most); {self.at_most:.0%} is allowed.",
            "median of |residual| / |value − baseline value|",
            median,
            details={"largest": worst, "targets": len(shares)},
        )


def _shares(case: Case) -> list[float]:
    """|residual| / |value − baseline| of every target where the latter is not 0."""
    found = [share_missing(record, row) for record in case.attributions for row in range(len(record.targets))]
    return [share for share in found if share is not None]
