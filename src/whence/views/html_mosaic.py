"""A mosaic of a sheet in an HTML page: all its small pictures as one, with the names of rows and columns beside."""

import base64
from dataclasses import dataclass
from math import ceil

import numpy as np

from whence.views.colors import Palette
from whence.views.png import png
from whence.views.sheet_parts import Mosaic

_WIDE = 690
"""Units of the drawing's width, a pixel each where there is room for it."""
_LETTER = 7
"""Units that a letter of a name takes."""
_LARGEST_TILE = 120
_TALL = 900
"""Units of the drawing's height, unless its tiles would be smaller than this."""
_SMALLEST_TILE = 24
_MARGIN = 18


@dataclass(frozen=True)
class Name:
    """A row's or column's name, and where it is."""

    x: float
    y: float
    anchor: str
    text: str


@dataclass(frozen=True)
class DrawnMosaic:
    """What the macro `mosaic` shows: the picture as a data address, what lies beneath its tiles, and names."""

    caption: str
    label: str
    note: str
    width: int
    height: int
    left: int
    top: int
    heat: str
    ground: str
    names: tuple[Name, ...]


def drawn_mosaic(mosaic: Mosaic, palette: Palette) -> DrawnMosaic:
    """The mosaic with the opacity of each pixel its number; a pixel lies between one tile and the next."""
    rows, columns, down, across = mosaic.tiles.shape
    left = _MARGIN // 2 + _LETTER * max(map(len, mosaic.rows), default=0)
    largest = min(_LARGEST_TILE, max(_TALL / rows, _SMALLEST_TILE), (_WIDE - left) / columns)
    unit = largest / (max(down, across) + 1)
    wide, tall = unit * (across + 1), unit * (down + 1)
    tile = f"h{unit * across:.4g}v{unit * down:.4g}h-{unit * across:.4g}z"
    ground = [f"M{left + x * wide:.5g} {_MARGIN + y * tall:.5g}{tile}" for y in range(rows) for x in range(columns)]
    names = [
        Name(round(left + i * wide + unit * across / 2, 1), _MARGIN - 6, "middle", mosaic.columns[i])
        for i in _apart(columns, wide, 3 * _LETTER)
    ] + [
        Name(left - 6, round(_MARGIN + i * tall + unit * down / 2 + 4, 1), "end", mosaic.rows[i])
        for i in _apart(rows, tall, 2 * _LETTER)
    ]
    return DrawnMosaic(
        mosaic.caption,
        f"{mosaic.caption}: {rows} rows of {columns} small pictures",
        mosaic.note,
        left + round(columns * wide),
        _MARGIN + round(rows * tall),
        left,
        _MARGIN,
        _heat(mosaic.tiles, palette),
        "".join(ground),
        tuple(names),
    )


def _apart(count: int, step: float, needed: int) -> range:
    """The places, every so many, whose names do not run into each other."""
    return range(0, count, ceil(needed / step))


def _heat(tiles: np.ndarray, palette: Palette) -> str:
    """The tiles as one PNG, a pixel a number: one hue, its opacity the number's size, and clear between the tiles."""
    rows, columns, down, across = tiles.shape
    spaced = np.zeros((rows, columns, down + 1, across + 1))
    spaced[:, :, :down, :across] = tiles
    flat = spaced.transpose(0, 2, 1, 3).reshape(rows * (down + 1), columns * (across + 1))
    colours = np.empty((*flat.shape, 4), dtype=np.uint8)
    colours[..., :3] = palette.positive
    colours[..., 3] = np.round(255 * np.clip(flat, 0, 1))
    return f"data:image/png;base64,{base64.b64encode(png(colours)).decode('ascii')}"
