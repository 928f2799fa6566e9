"""What the heat maps of all matplotlib figures share: how large they become, and how a sign shows without colour."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from whence.views.colors import Palette, background, foreground, hex_code

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDEST, TALLEST = 16.0, 20.0
"""Inches that no figure exceeds."""
_LEAST = 0.05
"""The share of the scale from which on a negative cell is marked."""
_POINTS = 72


def mark_negative(
    axes: "Axes",
    shares: Float[np.ndarray, "row column"],
    palette: Palette,
    *,
    height: float,
    cell: tuple[float, float] = (1.0, 1.0),
    corner: tuple[float, float] = (-0.5, -0.5),
) -> None:
    """A line at the foot of each cell below zero, of a map of scores as shares of their scale.

    `height` is that of a cell in inches; `cell` and `corner` are its sides and the map's corner in data (down, across).
    """
    from matplotlib.collections import LineCollection

    below = np.argwhere(np.ma.filled(np.ma.asarray(shares), 0.0) <= -_LEAST)
    if not len(below):
        return
    (down, across), (top, left) = cell, corner
    foot = top + (below[:, 0] + 0.86) * down
    start = left + (below[:, 1] + 0.14) * across
    lines = np.stack([np.stack([start, foot], axis=1), np.stack([start + 0.72 * across, foot], axis=1)], axis=1)
    colors = [hex_code(foreground(background(float(shares[i, j]), 1.0, palette=palette))) for i, j in below]
    wide = max(0.15, min(1.2, 0.16 * height * _POINTS))
    axes.add_collection(LineCollection(list(lines), colors=colors, linewidths=wide, label="below zero"), autolim=False)
