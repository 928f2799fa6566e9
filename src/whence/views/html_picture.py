"""An image's heat map in an HTML page: cells with their scores over the picture, as one SVG element."""

import base64
from dataclasses import dataclass

import numpy as np

from whence.views.colors import RDBU, Palette, hex_code
from whence.views.image_grid import MOST_CELLS, OUTLIERS, ImageGrid
from whence.views.numbers import signed
from whence.views.png import png

_OPAQUE = 0.9
_WORTH_A_MARK = 0.1


@dataclass(frozen=True)
class Cell:
    """One unit: where it is in pixels of the model's input, how it looks, its name and score in words."""

    x: int
    y: int
    color: str
    opacity: str
    name: str


@dataclass(frozen=True)
class Picture:
    """One row of scores over an image; `cells` are empty where there are so many that `heat`, a PNG, shows them.

    `marks` are lines at the foot of cells of some weight whose score is negative: their sign without colour.
    """

    width: int
    height: int
    across: int
    down: int
    view: str | None
    cells: tuple[Cell, ...]
    marks: str
    heat: str | None
    drawn_width: int
    drawn_height: int
    label: str
    note: str | None


def picture(grid: ImageGrid, label: str, unit: str, palette: Palette = RDBU) -> Picture:
    """The picture of one row; `label` names it for a reader who cannot see it, `unit` is that of its scores."""
    rows, columns = grid.scores.shape
    down, across = grid.cell
    scale = grid.scale
    by_cell = grid.scores.size <= MOST_CELLS
    return Picture(
        width=grid.width,
        height=grid.height,
        across=across,
        down=down,
        view=None if grid.view is None else f"data:image/jpeg;base64,{grid.view}",
        cells=_cells(grid, scale, unit, palette) if by_cell else (),
        marks=_marks(grid, scale) if by_cell else "",
        heat=None if by_cell else _heat(grid.scores, scale, palette),
        drawn_width=columns * across,
        drawn_height=rows * down,
        label=f"{label}: {rows} by {columns} {grid.unit} scores over the image",
        note=None if by_cell else f"{OUTLIERS}% of the scores go beyond the scale, and have the colour of its end.",
    )


def _cells(grid: ImageGrid, scale: float, unit: str, palette: Palette) -> tuple[Cell, ...]:
    down, across = grid.cell
    return tuple(
        Cell(
            x=column * across,
            y=row * down,
            color=hex_code(palette.negative_end if score < 0 else palette.positive_end),
            opacity=f"{_OPAQUE * abs(score) / scale if scale else 0:.3f}",
            name=f"{grid.unit} {row},{column}: {signed(score, scale)} {unit}",
        )
        for row, scores in enumerate(grid.scores.tolist())
        for column, score in enumerate(scores)
    )


def _marks(grid: ImageGrid, scale: float) -> str:
    down, across = grid.cell
    places = np.argwhere(grid.scores < -_WORTH_A_MARK * scale).tolist()
    return " ".join(
        f"M{column * across + across / 5:g} {(row + 1) * down - down / 6:g}h{3 * across / 5:g}"
        for row, column in places
    )


def _heat(scores: np.ndarray, scale: float, palette: Palette) -> str:
    """The scores as a PNG, a pixel each: their sign as colour, their size as opacity."""
    colours = np.empty((*scores.shape, 4), dtype=np.uint8)
    colours[..., :3] = np.where(scores[..., None] < 0, palette.negative_end, palette.positive_end)
    colours[..., 3] = np.round(255 * _OPAQUE * np.minimum(np.abs(scores) / scale, 1)) if scale else 0
    return f"data:image/png;base64,{base64.b64encode(png(colours)).decode('ascii')}"
