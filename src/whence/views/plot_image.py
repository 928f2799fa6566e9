"""An image's scores as a matplotlib figure: the picture, then a heat map for each target or method."""

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from whence.records import Attribution, Comparison
from whence.views.colors import Palette
from whence.views.evidence import named
from whence.views.image_grid import ImageGrid, image_grid
from whence.views.plot_map import mark_negative
from whence.views.plot_text import drawable
from whence.views.token_text import readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDE = 3.2
_ACROSS = 4
_MOST = 23
"""Maps beside a picture, in six lines."""
_MOST_MARKED = 4000
"""Cells of a map up to which its negative ones are marked: those of more are too small for a line."""


@dataclass(frozen=True, eq=False)
class _Panel:
    """One heat map, its title and the unit of its scores."""

    title: str
    grid: ImageGrid
    unit: str


def image_figure(record: Attribution | Comparison, palette: Palette) -> "Figure | None":
    """The figure of a record of an image, None for any other record.

    Each map has a scale of its own, symmetric about zero: the hue is the sign, white is zero.
    """
    from matplotlib.figure import Figure

    found = _panels(record)
    panels = found[:_MOST]
    if not panels:
        return None
    view = panels[0].grid.view
    count = len(panels) + (view is not None)
    columns = min(count, _ACROSS)
    rows = -(-count // columns)
    figure = Figure(figsize=(_SIDE * columns + 0.6, _SIDE * rows), layout="constrained")
    places = list(figure.subplots(rows, columns, squeeze=False).flat)
    if view is not None:
        _draw_view(places.pop(0), view)
    for panel in panels:
        _draw_map(places.pop(0), panel, palette)
    for empty in places:
        empty.set_axis_off()
    if len(panels) < len(found):
        figure.suptitle(f"{len(panels)} of {len(found)} maps", fontsize=9, x=0.01, ha="left")
    return figure


def _panels(record: Attribution | Comparison) -> list[_Panel]:
    labelled = (
        [(readable(record.method), record)]
        if isinstance(record, Attribution)
        else [(readable(label), one) for label, one in zip(record.labels, record.attributions, strict=True)]
    )
    found = []
    for label, one in labelled:
        for row in range(len(one.targets)):
            grid = image_grid(one, row)
            if grid is not None:
                found.append(_Panel(f"{label}, {named(one, row)}", grid, readable(one.unit_of(row))))
    return found


def _draw_view(axes: "Axes", view: str) -> None:
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(view))) as image:
        axes.imshow(np.asarray(image))
    axes.set_title("as the model takes it", loc="left", parse_math=False, fontsize=9)
    axes.set_axis_off()


def _draw_map(axes: "Axes", panel: _Panel, palette: Palette) -> None:
    grid, limit = panel.grid, panel.grid.scale or 1.0
    down, across = grid.cell
    rows, columns = grid.scores.shape
    edges = (0, columns * across, rows * down, 0)
    image = axes.imshow(
        grid.scores,
        cmap=palette.colormap,
        vmin=-limit,
        vmax=limit,
        extent=edges,
        interpolation="nearest",
        aspect="equal",
    )
    if grid.scores.size <= _MOST_MARKED:
        mark_negative(axes, grid.scores / limit, palette, height=_SIDE / rows, cell=(down, across), corner=(0.0, 0.0))
    title, unit = drawable([panel.title, panel.unit])
    axes.set_title(title, loc="left", parse_math=False, fontsize=9)
    axes.set_axis_off()
    clipped = "both" if np.abs(grid.scores).max(initial=0.0) > limit else "neither"
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.75, pad=0.02, extend=clipped)
    bar.set_label(unit, parse_math=False, fontsize=8)
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)
