"""A matrix of a sheet in an HTML page: a table with colours, or a picture where its cells are many."""

import base64
from dataclasses import dataclass

import numpy as np

from whence.views.colors import Palette, background
from whence.views.evidence import scale_of
from whence.views.html_strip import heat_style
from whence.views.numbers import signed, unsigned
from whence.views.png import png
from whence.views.sheet_parts import Matrix

MOST_CELLS = 900
"""Cells that a table shows one by one."""


@dataclass(frozen=True)
class DrawnMatrix:
    """What the macro `matrix` shows: `cells` row by row, each `(text, style)`, or `heat`, a picture as a data address,
    where there are too many; `rows` are the numbers of the picture's rows, `columns` those of its columns.
    """

    matrix: Matrix
    cells: tuple[tuple[tuple[str, str], ...], ...]
    heat: str | None
    rows: int
    columns: int
    scale: str | None


def drawn_matrix(matrix: Matrix, palette: Palette) -> DrawnMatrix:
    """The matrix with the colours of its numbers."""
    values = np.asarray(matrix.values, dtype=np.float64)
    scale = scale_of(values)
    few = values.size <= MOST_CELLS
    text = signed if matrix.signed else unsigned
    cells = tuple(
        tuple((text(value, scale), heat_style(value, scale, palette)) for value in row) for row in values.tolist()
    )
    return DrawnMatrix(
        matrix,
        cells if few else (),
        None if few else _picture(values, scale, palette),
        values.shape[0],
        values.shape[1],
        unsigned(scale, scale) if scale else None,
    )


def _picture(values: np.ndarray, scale: float, palette: Palette) -> str:
    """The values as a PNG, a pixel each."""
    steps = np.array([background(step / 127, 1.0, palette=palette) for step in range(-127, 128)], dtype=np.uint8)
    places = np.round(127 * values / (scale or 1.0)).astype(int) + 127
    opaque = np.full((*values.shape, 1), 255, dtype=np.uint8)
    colours = np.concatenate([steps[places], opaque], axis=2)
    return f"data:image/png;base64,{base64.b64encode(png(colours)).decode('ascii')}"
