"""Scores of texts as a matplotlib figure: a heat map of rows by tokens."""

from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from whence.errors import InputError
from whence.records import Attribution, Comparison
from whence.views.colors import Palette, background, foreground, hex_code
from whence.views.evidence import named, scale_of
from whence.views.long_inputs import drawn, reach, sentences_note
from whence.views.numbers import counted, signed
from whence.views.plot_map import TALLEST, WIDEST, mark_negative
from whence.views.plot_text import drawable, tick_names
from whence.views.token_text import readable, readable_tokens

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_TOKENS = 100
_MOST_NUMBERS = 160
_LABEL = 44
"""Letters of a row's name."""
_CELL, _ROW = 0.55, 0.4
_BESIDE, _ABOVE = 1.8, 1.4
"""Inches: a cell where there is room, and what goes beside, above and below the cells and their names."""
_LETTER, _LINE, _NUMBER = 0.09, 0.13, 0.42
"""Inches: a letter's width, a name's height, the width of a score."""
_POINTS = 72


@dataclass(frozen=True, eq=False)
class _Grid:
    """What is drawn: `shades` are the scores as coloured, `limit` and `-limit` the ends of their scale in `unit`; what
    a row could not read is masked in both.
    """

    title: str
    labels: list[str]
    names: list[str]
    scores: Float[np.ma.MaskedArray, "row token"]
    shades: Float[np.ma.MaskedArray, "row token"]
    limit: float
    unit: str

    @property
    def above(self) -> float:
        """Inches above and below the cells."""
        return _ABOVE + _LETTER * max(map(len, self.names))

    @property
    def beside(self) -> float:
        """Inches beside the cells."""
        return _BESIDE + _LETTER * max(map(len, self.labels))

    @property
    def cell(self) -> tuple[float, float]:
        """How tall and how wide a cell is, in inches."""
        rows, columns = self.shades.shape
        return min(_ROW, (TALLEST - self.above) / rows), min(_CELL, (WIDEST - self.beside) / columns)


def heat_figure(record: Attribution | Comparison, palette: Palette) -> "Figure":
    """A row for each target and method: alone on a scale in its unit, of several each on a scale of its own.

    A text of more than 100 tokens is summed to sentences. Blank is what a row could not read. A negative cell has a
    line at its foot. Raises `InputError` where there are no scores.
    """
    from matplotlib.figure import Figure

    grid = _grid(record)
    rows, columns = grid.shades.shape
    down, across = grid.cell
    figure = Figure(figsize=(grid.beside + across * columns, grid.above + down * rows), layout="constrained")
    _draw(figure.subplots(), grid, palette)
    return figure


def _grid(record: Attribution | Comparison) -> _Grid:
    records = record.attributions if isinstance(record, Comparison) else (record,)
    shown = [drawn(one, _MOST_TOKENS) for one in records]
    lines = [(i, row) for i, one in enumerate(records) for row in range(len(one.targets))]
    if not lines or not shown[0].tokens:
        raise InputError(f"This {type(record).__name__} has no scores to plot: it has no target rows or no tokens.")
    scores = np.ma.array([shown[i].scores[row] for i, row in lines], dtype=np.float64)
    seen = np.array([reach(records[i], shown[i], row) for i, row in lines])
    scores[np.arange(scores.shape[1]) >= seen[:, None]] = np.ma.masked
    scales = np.array([scale_of(row.compressed()) or 1.0 for row in scores])
    units = [readable(records[i].unit_of(row)) for i, row in lines]
    several, one_unit = len(lines) > 1, len(set(units)) == 1
    labels = [
        _label(record, i, row) + ("" if one_unit else f" ({unit})") for (i, row), unit in zip(lines, units, strict=True)
    ]
    facts = [
        readable(record.method) if isinstance(record, Attribution) else counted(len(records), "method"),
        *([f"scores in {units[0]}"] if several and one_unit else []),
        *(["each row has a scale of its own"] if several else []),
        sentences_note(records[0], shown[0]),
        "blank: not read yet" if np.ma.is_masked(scores) else None,
        "underlined: below zero" if (scores < 0).any() else None,
    ]
    return _Grid(
        " · ".join(fact for fact in facts if fact),
        tick_names(labels, _LABEL),
        tick_names(readable_tokens(shown[0].tokens)),
        scores,
        scores / scales[:, None] if several else scores,
        1.0 if several else float(scales[0]),
        "share of row’s largest" if several else units[0],
    )


def _label(record: Attribution | Comparison, which: int, row: int) -> str:
    if isinstance(record, Attribution):
        return named(record, row)
    one, label = record.attributions[which], readable(record.labels[which])
    return label if len(one.targets) == 1 else f"{label} {named(one, row)}"


def _draw(axes: "Axes", grid: _Grid, palette: Palette) -> None:
    """The map, named along both axes; the text of every label is taken as it stands, not as mathematics."""
    limit, (down, across) = grid.limit, grid.cell
    image = axes.imshow(
        grid.shades, cmap=palette.colormap, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest"
    )
    mark_negative(axes, grid.shades / limit, palette, height=down)
    rows, columns = grid.shades.shape
    letters = int((across * columns + _BESIDE) / _LETTER)
    title, unit = drawable(["\n".join(wrap(grid.title, letters)), grid.unit])
    axes.set_title(title, loc="left", fontsize="medium", parse_math=False)
    axes.set_xticks(**_ticks(grid.names, across), rotation=60, ha="right", rotation_mode="anchor", parse_math=False)
    axes.set_yticks(**_ticks(grid.labels, down), parse_math=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if grid.scores.size <= _MOST_NUMBERS:
        _write(axes, grid, palette)
    bar = axes.figure.colorbar(image, ax=axes, pad=0.01, aspect=max(8.0, 4 * (_ABOVE + down * rows)))
    bar.set_label(unit, parse_math=False)
    bar.outline.set_visible(False)


def _ticks(names: list[str], side: float) -> dict[str, Any]:
    """Places, names and their size: of cells with a side too short for a name, some are named."""
    step = int(np.ceil(_LINE / side))
    size = min(10.0, 0.85 * _POINTS * side * step)
    return {"ticks": range(0, len(names), step), "labels": names[::step], "fontsize": size}


def _write(axes: "Axes", grid: _Grid, palette: Palette) -> None:
    """Each score in its cell, upright where cells are narrow, nowhere where there is no room."""
    down, across = grid.cell
    turned = across < _NUMBER
    if turned and (across < _LINE - 0.02 or down < _ROW):
        return
    seen = ~np.ma.getmaskarray(grid.scores)
    for (row, column), score in np.ndenumerate(grid.scores.data):
        if not seen[row, column]:
            continue
        color = hex_code(foreground(background(float(grid.shades[row, column]), grid.limit, palette=palette)))
        text = signed(float(score), scale_of(grid.scores[row].compressed()))
        size = 6 if turned else 7
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=color, rotation=90 if turned else 0)
