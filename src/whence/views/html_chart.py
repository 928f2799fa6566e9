"""Curves over one pair of axes as a drawing: the numbers that its HTML template places."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from whence.records import Curve
from whence.views.numbers import MINUS, number
from whence.views.sheet_parts import Chart

WIDTH, HEIGHT = 320, 184
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 12, 12, 36
"""Room around the curves, for the numbers at the axes."""
_MOST_STEPS = 6
_SLACK = 1e-6
"""What float32 may be off by: a page's numbers are of this type, and its ticks are the same."""
_MOST_DOTS = 40
_LOOKS = 4
"""Ways that lines are drawn, by which they are told apart; a mean with its band has one of its own."""


@dataclass(frozen=True)
class DrawnCurve:
    """A curve with its first and last value, its path, and a dot for each point, where these are few; or around its
    path a band. `look` is the end of its styles' names.
    """

    name: str
    first: str
    last: str
    path: str
    dots: str
    band: str
    look: str


@dataclass(frozen=True)
class Tick:
    """A number at an axis, and how far along it stands."""

    place: float
    text: str


@dataclass(frozen=True)
class DrawnChart:
    """What the macro `chart` shows."""

    caption: str
    across: str
    up: str
    label: str
    note: str
    curves: tuple[DrawnCurve, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    bottom: int = HEIGHT - _BOTTOM


@dataclass(frozen=True)
class _Scale:
    """From numbers between `low` and `high` to places between `start` and `end`."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """Where a number stands; in the middle where all are equal."""
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return round(self.start + share * (self.end - self.start), 2)

    def ticks(self) -> tuple[Tick, ...]:
        """Multiples of 1, 2 or 5 times a power of ten, seven at most: as the front end's curves.ts has them."""
        if self.high <= self.low:
            return (Tick(self.place(self.low), number(self.low)),)
        least = (self.high - self.low) / _MOST_STEPS
        power = 10.0 ** floor(log10(least))
        step = next(one * power for one in (1, 2, 5, 10) if one * power >= least * (1 - _SLACK))
        first, last = ceil(self.low / step - _SLACK), floor(self.high / step + _SLACK)
        decimals = max(0, -floor(log10(step) + _SLACK))
        values = [place * step for place in range(first, last + 1)]
        return tuple(Tick(self.place(value), _tick_text(value, decimals)) for value in values)


def drawn(chart: Chart) -> DrawnChart:
    """The chart's curves, scaled to the drawing together."""
    across = _scale([x for curve in chart.curves for x in curve.x], _LEFT, WIDTH - _RIGHT)
    heights = [y for curve in chart.curves for y in (*curve.y, *curve.low, *curve.high)]
    up = _scale(heights, HEIGHT - _BOTTOM, _TOP)
    curves = tuple(_curve(curve, across, up, number) for number, curve in enumerate(chart.curves))
    said = "; ".join(f"{curve.name}: {curve.first} to {curve.last}" for curve in curves)
    return DrawnChart(
        chart.caption,
        chart.across,
        chart.up,
        ". ".join(part for part in (f"{chart.up} over {chart.across}", said, chart.note) if part),
        chart.note,
        curves,
        across.ticks(),
        up.ticks(),
    )


def _tick_text(value: float, decimals: int) -> str:
    """A number with the decimals of its axis; very small and very large ones as powers of ten."""
    plain = value and decimals < 5 and abs(value) < 1e7
    return f"{MINUS if value < 0 else ''}{abs(value):.{decimals}f}" if plain else number(value)


def _scale(values: Sequence[float], start: float, end: float) -> _Scale:
    return _Scale(min(values), max(values), start, end)


def _curve(curve: Curve, across: _Scale, up: _Scale, place: int) -> DrawnCurve:
    points = _points(curve, curve.y, across, up)
    dotted = len(points) <= _MOST_DOTS and not curve.low
    around = (
        [*_points(curve, curve.high, across, up), *_points(curve, curve.low, across, up)[::-1]] if curve.low else []
    )
    return DrawnCurve(
        curve.name,
        number(curve.y[0]),
        number(curve.y[-1]),
        f"M{'L'.join(points)}",
        "".join(f"M{point}h0" for point in points) if dotted else "",
        f"M{'L'.join(around)}Z" if around else "",
        "mean" if curve.low else str(place % _LOOKS),
    )


def _points(curve: Curve, heights: Sequence[float], across: _Scale, up: _Scale) -> list[str]:
    return [f"{across.place(x):g} {up.place(y):g}" for x, y in zip(curve.x, heights, strict=True)]
