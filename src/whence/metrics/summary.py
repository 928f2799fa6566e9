"""What became of the trials of one metric, as one score beside random orders."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np

from whence.metrics.base import Metric, Outcome, Trial
from whence.records import Curve, Reference, Score

_TIED = 1e-9
"""Values that differ by less than this share of theirs differ by rounding alone."""
_ENOUGH = 40
"""Random orders from which on 2.5 % of them are at least one on either side."""


def score_of(metric: Metric, outcomes: Sequence[tuple[Trial, Outcome]], forwards: int, strategy: str | None) -> Score:
    """The score of a metric from its trials: the rows' own, and those of random orders."""
    own = [(trial, outcome) for trial, outcome in outcomes if trial.draw == 0]
    values = [outcome.value for _, outcome in own]
    known = [value for value in values if value is not None]
    reasons = [outcome.reason for _, outcome in own if outcome.value is None]
    value = fmean(known) if known else None
    random, beaten = (None, None) if value is None else _against_random(metric, value, outcomes)
    names = list(dict.fromkeys(name for _, outcome in own for name in outcome.parts))
    return Score(
        metric.key,
        value,
        tuple(values),
        metric.unit_of_value(own[0][0].readout.unit),
        metric.direction,
        metric.params,
        strategy,
        random,
        beaten,
        tuple(_curves(trial, outcome, outcomes) for trial, outcome in own) if any(o.curves for _, o in own) else (),
        {name: fmean(o.parts[name] for _, o in own if name in o.parts) for name in names},
        forwards,
        reasons[0] if reasons else None,
        metric.caveat,
        own[0][0].readout.unit,
    )


def _against_random(
    metric: Metric, value: float, outcomes: Sequence[tuple[Trial, Outcome]]
) -> tuple[Reference | None, float | None]:
    """The same metric of random orders, with a 95 % confidence interval for its mean, and the share that is worse."""
    from scipy import stats

    by_draw: dict[int, list[float]] = {}
    for trial, outcome in outcomes:
        if trial.draw and outcome.value is not None:
            by_draw.setdefault(trial.draw, []).append(outcome.value)
    means = {draw: fmean(values) for draw, values in by_draw.items()}
    pairs = [fmean([means[draw], means[draw + 1]]) for draw in means if draw % 2 and draw + 1 in means]
    if len(pairs) < 2:
        return None, None
    mean, spread = fmean(pairs), float(np.std(pairs, ddof=1) / np.sqrt(len(pairs)))
    wide = float(stats.t.ppf(0.975, len(pairs) - 1)) * spread
    drawn = np.array(list(means.values()))
    sign = {"higher": 1.0, "lower": -1.0, "neither": 0.0}[metric.direction]
    tied = np.isclose(drawn, value, rtol=_TIED, atol=_TIED * 1e-3)
    beaten = None if not sign else float(np.mean(np.where(tied, 0.5, sign * (value - drawn) > 0)))
    reference = Reference(
        "units in random order", mean, mean - wide, mean + wide, len(drawn), "95 % confidence for the mean"
    )
    return reference, beaten


def _curves(trial: Trial, outcome: Outcome, outcomes: Sequence[tuple[Trial, Outcome]]) -> tuple[Curve, ...]:
    """The curves of a row, and behind them those of random orders, where there are any."""
    drawn = [other.curves for one, other in outcomes if one.draw and one.row == trial.row and other.curves]
    if not outcome.curves or len(drawn) < 2:
        return outcome.curves
    means = [
        _mean_curve(f"random orders, {same[0].name}" if len(drawn[0]) > 1 else "random orders", same)
        for same in zip(*drawn, strict=True)
    ]
    first = means[0]
    alike = all((one.x, one.y, one.low, one.high) == (first.x, first.y, first.low, first.high) for one in means)
    return (*outcome.curves, *([replace(first, name="random orders")] if alike else means))


def _mean_curve(name: str, drawn: Sequence[Curve]) -> Curve:
    """The mean of curves at each step, with the band that 95 % of them lie in; of few, all of them.

    Heights are sorted first, so that the same curves in another order come out the same: the order of least relevant
    first is the reverse of another's, and both are among those drawn.
    """
    heights = np.sort([one.y for one in drawn], axis=0)
    few = len(drawn) < _ENOUGH
    low, high = heights[[0, -1]] if few else np.quantile(heights, [0.025, 0.975], axis=0)
    band = f"lowest to highest of {len(drawn)}" if few else f"95 % of {len(drawn)}"
    return Curve(name, drawn[0].x, tuple(heights.mean(axis=0)), tuple(low), tuple(high), band)
