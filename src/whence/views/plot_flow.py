"""A flow as a matplotlib figure: relevance by layer and token, with the widest paths over it, and by layer and head."""

from typing import TYPE_CHECKING, Any

import numpy as np

from whence.records import Flow
from whence.views.colors import Palette
from whence.views.evidence import scale_of
from whence.views.flow_sheet import flow_maps, flow_title
from whence.views.plot_map import TALLEST, WIDEST, mark_negative
from whence.views.plot_text import drawable, tick_names
from whence.views.sheet_parts import Matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PATHS = 3
_MOST_NAMED = 60
_ROW, _FRAME = 0.17, 1.6
"""Inches: a layer, and what goes around a map."""


def flow_figure(record: Flow, palette: Palette) -> "Figure":
    """Two maps for each target row, the top of the model on top; the three widest paths are lines over the first.

    Negative cells have a line at their foot. Of many target rows the first are drawn, as many as there is room for.

    A path's line is the thicker the wider it is where it is narrowest, and dashed where that flow is negative.
    """
    from matplotlib.figure import Figure

    each = _FRAME + _ROW * (record.layers + 1)
    rows = max(1, min(len(record.targets), int(TALLEST / each)))
    tokens, heads = len(record.tokens), record.heads.shape[2]
    across = (max(3.0, 0.42 * tokens), max(2.0, 0.28 * heads))
    width, height = min(WIDEST, 3.0 + sum(across)), min(TALLEST, rows * each)
    figure = Figure(figsize=(width, height), layout="constrained")
    grid = figure.subplots(rows, 2, squeeze=False, width_ratios=across)
    for row, (left, right) in enumerate(grid):
        nodes, by_head = flow_maps(record, row)
        _map(left, nodes, palette, flow_title(record, row))
        _map(right, by_head, palette, "heads")
        _lines(left, record, row)
    if rows < len(record.targets):
        figure.suptitle(f"{rows} of {len(record.targets)} target rows", fontsize=9, x=0.01, ha="left")
    return figure


def _map(axes: "Axes", matrix: Matrix, palette: Palette, title: str) -> None:
    """One matrix, its text taken as it stands."""
    limit = scale_of(matrix.values) or 1.0
    image = axes.imshow(
        matrix.values, cmap=palette.colormap, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest"
    )
    names = drawable([title, matrix.down, matrix.across, matrix.unit])
    axes.set_title(names[0], loc="left", fontsize="medium", parse_math=False)
    axes.set_ylabel(names[1], parse_math=False)
    axes.set_xlabel(names[2], parse_math=False)
    _ticks(axes, matrix)
    mark_negative(axes, np.asarray(matrix.values) / limit, palette, height=_ROW)
    bar = axes.figure.colorbar(image, ax=axes, pad=0.01)
    bar.set_label(names[3], parse_math=False)
    bar.outline.set_visible(False)
    axes.tick_params(length=0, labelsize="small")
    axes.spines[:].set_visible(False)


def _ticks(axes: "Axes", matrix: Matrix) -> None:
    """Names of rows and columns, where there is room for them."""
    columns, rows = tick_names(matrix.columns), tick_names(matrix.rows)
    step = 1 if len(rows) <= _MOST_NAMED else 5
    axes.set_yticks(range(0, len(rows), step), rows[::step], parse_math=False)
    turned: dict[str, Any] = (
        {"rotation": 60, "ha": "right", "rotation_mode": "anchor"} if matrix.across == "token" else {}
    )
    shown = range(len(columns)) if len(columns) <= _MOST_NAMED else []
    axes.set_xticks(list(shown), [columns[i] for i in shown], parse_math=False, **turned)


def _lines(axes: "Axes", record: Flow, row: int) -> None:
    """The widest paths over the map, from the input at the bottom to the top."""
    if not record.tokens:
        return
    found = record.paths(_PATHS, row)
    widest = max(abs(path.value) for path in found) or 1.0
    heights = [record.layers - place for place in range(record.layers + 1)]
    for path in found:
        style = "--" if path.value < 0 else "-"
        wide = 0.8 + 2.2 * abs(path.value) / widest
        axes.plot(path.tokens, heights, "-", color="white", linewidth=wide + 1.4, solid_capstyle="round")
        axes.plot(path.tokens, heights, style, color="black", linewidth=wide, solid_capstyle="round")
