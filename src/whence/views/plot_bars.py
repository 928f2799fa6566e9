"""Records of a few numbers as matplotlib figures: bars, and dots beside what they are held against."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from whence.errors import InputError
from whence.records import (
    Finding,
    Latents,
    Leaderboard,
    Maximizer,
    Maximizers,
    Profile,
    Profiles,
    Verdict,
    VocabularyProjection,
)
from whence.records.leaderboard import Discipline
from whence.records.verdict import NOT_APPLICABLE, PASSED
from whence.views.colors import Palette, hex_code
from whence.views.numbers import counted, number, signed
from whence.views.plot_map import TALLEST, WIDEST
from whence.views.plot_text import NAMED, drawable, shortened
from whence.views.profile_text import PROMOTES, SUPPRESSES, missing
from whence.views.scores_sheet import ARROWS, spread
from whence.views.token_text import gaps, quoted, readable, readable_tokens
from whence.views.verdict_sheet import MARKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_UNITS, _ACROSS, _MOST_ROWS = 10, 3, 12
_WIDTH, _BAR, _FRAME = 3.2, 0.28, 1.1
"""Inches: how wide the bars are, how tall one, and what goes above and below."""
_NEXT, _LETTER = 0.14, 0.075
"""Inches: what a second line of a name takes, and a letter of it."""
_TEXT, _TOKENS, _TOKEN = 36, 4, 12
"""Letters of a text before a token; tokens of a side, and letters of one."""
_LINE = 95
"""Characters of a line above a check's dot."""
_INK, _CHANCE = "0.15", "0.35"


@dataclass(frozen=True)
class _Bars:
    """One chart: a bar for each label, with the ends of its interval where it has one, and what stands beside it."""

    title: str
    unit: str
    labels: list[str]
    values: list[float]
    ends: list[tuple[float, float] | None]
    chance: float | None = None
    beside: list[str] | None = None


def latents_figure(record: Latents, palette: Palette) -> "Figure":
    """The units of largest |relevance| of each target row."""
    if not record.units:
        raise InputError("These latents have no units to plot.")
    charts = []
    for row, target in enumerate(record.targets[:_MOST_ROWS]):
        top = record.top(_UNITS, row)
        names = [f"{readable(one.unit.name)}, most at {_short(one.token.text)}" for one in top]
        title = f"{_short(target.label)} by {readable(record.method)}"
        charts.append(_Bars(title, readable(target.unit), names, [one.score for one in top], [None] * len(top)))
    return _figure(charts, palette)


def vocabulary_figure(record: VocabularyProjection, palette: Palette) -> "Figure":
    """The entries that a neuron promotes, above those that it suppresses."""
    entries = [*record.promoted, *record.suppressed[::-1]]
    names = [_short(one.text) for one in entries]
    unit = "logits per unit of activation"
    return _figure(
        [_Bars(readable(record.unit.name), unit, names, [one.score for one in entries], [None] * len(entries))], palette
    )


def profiles_figure(record: Profiles, palette: Palette) -> "Figure":
    """The relevance of each unit, largest first, beside the tokens that it promotes and suppresses."""
    if not record.entries:
        raise InputError("These profiles have no units to plot.")
    shown = record.entries[:_MOST_ROWS]
    left = f" ({len(shown)} of {len(record.entries)} units)" if len(shown) < len(record.entries) else ""
    title = f"{_short(record.target.label)} by {readable(record.method)}{left}"
    names = [f"{readable(one.unit.name)}\nmost at {_short(one.score.token.text)}" for one in shown]
    values = [one.score.score for one in shown]
    beside = [_tokens(one) for one in shown]
    unit = readable(record.target.unit)
    return _figure([_Bars(title, unit, names, values, [None] * len(shown), beside=beside)], palette)


def _tokens(entry: Profile) -> str:
    """What a unit writes for, in two lines, or why that is not known."""
    found = entry.projection
    if found is None:
        return "\n".join(wrap(shortened(missing(entry), 2 * _TEXT), _TEXT))
    sides = ((PROMOTES, found.promoted), (SUPPRESSES, found.suppressed))
    return "\n".join(f"{verb} {', '.join(_short(one.text, _TOKEN) for one in some[:_TOKENS])}" for verb, some in sides)


def maximizers_figure(record: Maximizers, palette: Palette) -> "Figure":
    """What each text was ranked by, first on top, named by the words around the token where that is largest."""
    if not record.entries:
        raise InputError("These maximizers have no texts to plot.")
    shown = record.entries[:_MOST_ROWS]
    title = f"{readable(record.unit.name)}: {len(shown)} of {counted(record.searched, 'text')}"
    names = [_around(one) for one in shown]
    values = [one.value for one in shown]
    return _figure([_Bars(title, readable(record.by), names, values, [None] * len(shown))], palette)


def _around(entry: Maximizer) -> str:
    tokens = entry.attribution.tokens
    texts = [" " * gap + text for gap, text in zip(gaps(tokens), readable_tokens(tokens), strict=True)]
    before, after = "".join(texts[: entry.at]), "".join(texts[entry.at + 1 :])
    head = before if len(before) <= _TEXT else f"…{before[1 - _TEXT :]}"
    return f"“{head}{shortened(texts[entry.at])}{shortened(after)}”\nmost at {_short(entry.token.text)}"


def _short(text: str, most: int = NAMED) -> str:
    return quoted(shortened(text, most))


def leaderboard_figure(record: Leaderboard, palette: Palette) -> "Figure":
    """The mean of each method under each metric, best first, with its interval; dotted, that of random orders."""
    charts = [chart for column in record.metrics if (chart := _metric(record, column)).labels]
    if not charts:
        raise InputError("This leaderboard has no values to plot: see show(), which says why.")
    return _figure(charts, palette)


def _metric(record: Leaderboard, column: Discipline) -> _Bars:
    known = [(cell, cell.mean) for cell in record.table(column.label, column.strategy) if cell.mean is not None]
    chances = [cell.chance for cell, _ in known if cell.chance is not None]
    title = f"{readable(column.label)} {ARROWS[column.direction]}"
    return _Bars(
        title + (f" · masked by {readable(column.strategy)}" if column.strategy else ""),
        readable(column.unit),
        [readable(cell.method) for cell, _ in known],
        [mean.mean for _, mean in known],
        [None if mean.low is None or mean.high is None else (mean.low, mean.high) for _, mean in known],
        float(np.mean(chances)) if chances else None,
    )


def _figure(charts: Sequence[_Bars], palette: Palette) -> "Figure":
    from matplotlib.figure import Figure

    names = [line for chart in charts for label in chart.labels for line in label.split("\n")]
    beside = [line for chart in charts for label in chart.beside or () for line in label.split("\n")]
    wide = _WIDTH + _LETTER * (max(map(len, names), default=0) + max(map(len, beside), default=0))
    across = min(len(charts), _ACROSS, max(1, int(WIDEST / wide)))
    down = -(-len(charts) // across)
    lines = max(label.count("\n") + 1 for chart in charts for label in [*chart.labels, *(chart.beside or ())])
    height = max(len(chart.labels) for chart in charts) * (_BAR + _NEXT * (lines - 1)) + _FRAME
    size = (min(WIDEST, wide * across), min(TALLEST, height * down))
    figure = Figure(figsize=size, layout="constrained")
    places = list(figure.subplots(down, across, squeeze=False).flat)
    for axes, chart in zip(places, charts, strict=False):
        _draw(axes, chart, palette)
    for empty in places[len(charts) :]:
        empty.set_visible(False)
    return figure


def _draw(axes: "Axes", chart: _Bars, palette: Palette) -> None:
    """Bars from zero, first on top; negative ones are hatched too, and each has its number."""
    title, unit = drawable([chart.title, chart.unit])
    scale = max((abs(value) for value in chart.values), default=0.0)
    for place, (value, ends) in enumerate(zip(chart.values, chart.ends, strict=True)):
        color = hex_code(palette.negative if value < 0 else palette.positive)
        axes.barh(place, value, color=color, edgecolor="white", hatch="////" if value < 0 else None, height=0.7)
        if ends is not None:
            axes.plot(ends, (place, place), color=_INK, linewidth=1.2)
        tip = max([value, *(ends or ())]) if value >= 0 else min([value, *(ends or ())])
        text, side = signed(value, scale), "left" if value >= 0 else "right"
        axes.annotate(
            text,
            (tip, place),
            (4 if value >= 0 else -4, 0),
            textcoords="offset points",
            ha=side,
            va="center",
            fontsize=7,
        )
    if chart.chance is not None:
        axes.axvline(chart.chance, color=_CHANCE, linestyle=":", label="random orders")
        axes.legend(fontsize="x-small", frameon=False)
    axes.axvline(0, color=_INK, linewidth=0.8)
    axes.margins(x=0.22)
    axes.invert_yaxis()
    axes.set_yticks(range(len(chart.labels)), drawable(chart.labels), fontsize=8, parse_math=False)
    axes.tick_params(length=0)
    axes.set_title(title, loc="left", fontsize="medium", parse_math=False)
    axes.set_xlabel(unit, parse_math=False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    if chart.beside is not None:
        right = axes.secondary_yaxis("right")
        right.set_yticks(range(len(chart.beside)), drawable(chart.beside), fontsize=7, parse_math=False)
        right.tick_params(length=0)
        right.spines["right"].set_visible(False)


def verdict_figure(record: Verdict) -> "Figure":
    """Each check's statistic as a dot, on a scale of its own, above the interval that it is held against."""
    from matplotlib.figure import Figure

    made = [one for one in record.findings if one.status != NOT_APPLICABLE and one.value is not None]
    if not made:
        raise InputError("No check of this verdict has a statistic to plot: see show(), which says what was found.")
    figure = Figure(figsize=(7.0, 0.6 + 1.15 * len(made)), layout="constrained")
    for axes, finding in zip(figure.subplots(len(made), 1, squeeze=False).flat, made, strict=True):
        _hold(axes, finding)
    title = f"Verdict: {readable(record.method)}, {len(record.passed)} passed, {len(record.failed)} failed"
    figure.suptitle(drawable([title])[0], x=0.01, ha="left", fontsize="medium", parse_math=False)
    return figure


def _hold(axes: "Axes", finding: Finding) -> None:
    value, held = finding.value, finding.reference
    assert value is not None
    said = [f"{number(value)}: {readable(finding.statistic or '')}"]
    if held is not None:
        axes.plot((held.low, held.high), (0, 0), color=_CHANCE, linewidth=8, alpha=0.35, solid_capstyle="butt")
        axes.plot(held.mean, 0, "|", color=_CHANCE, markersize=14)
        said.append(f"grey: {readable(held.name)}, {spread(held)}, {readable(held.interval)}")
    axes.plot(value, 0, "o" if finding.status == PASSED else "X", color=_INK, markersize=7)
    axes.axvline(0, color=_INK, linewidth=0.8)
    axes.set_ylim(-1, 1)
    lines = [line for text in drawable(said) for line in wrap(text, _LINE)]
    axes.set_title("\n".join(lines), loc="left", fontsize=7, parse_math=False)
    label = "\n".join(drawable([readable(finding.check), f"{MARKS[finding.status]} {finding.status}"]))
    axes.set_yticks([0], [label], fontsize=8, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=7)
    axes.spines[["top", "right", "left"]].set_visible(False)
