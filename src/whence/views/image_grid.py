"""What a record of an image says about its picture: the grid of its units, and the picture itself if it is there."""

import base64
import binascii
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from whence.records import Attribution
from whence.views.evidence import scale_of
from whence.views.token_text import readable

MOST_CELLS = 1024
"""Cells that are shown one by one; more are a picture of their own."""
OUTLIERS = 1
"""Percent of very many scores that go beyond the colour scale."""
_JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True, eq=False)
class ImageGrid:
    """The scores of one target row over an image of `height` by `width` pixels, in cells of `cell` pixels.

    `view` is the model's input as a JPEG, base64, None where the record holds none.
    """

    scores: Float[np.ndarray, "row column"]
    height: int
    width: int
    cell: tuple[int, int]
    unit: str
    view: str | None

    @property
    def scale(self) -> float:
        """Both ends of the colour scale: the largest |score|, or of very many the 99th percentile.

        Among thousands of pixels a few outliers would leave all others without colour.
        """
        sizes = np.abs(self.scores)
        if sizes.size <= MOST_CELLS:
            return scale_of(self.scores)
        return float(np.percentile(sizes, 100 - OUTLIERS)) or scale_of(self.scores)


def image_grid(record: Attribution, row: int) -> ImageGrid | None:
    """The grid of one target row, None for a record whose units lie in no grid."""
    shape = record.grid
    if shape is None:
        return None
    about = record.provenance
    cell = _two_sides(about.get("cell")) or (1, 1)
    height, width = _two_sides(about.get("pixels")) or (shape[0] * cell[0], shape[1] * cell[1])
    unit = readable(record.tokens[0].role)
    return ImageGrid(record.scores[row].reshape(shape), height, width, cell, unit, _view(about.get("image")))


def _two_sides(value: object) -> tuple[int, int] | None:
    if not isinstance(value, list | tuple) or [type(side) for side in value] != [int, int] or min(value) < 1:
        return None
    return value[0], value[1]


def _view(image: object) -> str | None:
    """The record's picture, if that is what it is: a record may come from a stranger's file."""
    view = image.get("view") if isinstance(image, dict) else None
    if not isinstance(view, str):
        return None
    try:
        data = base64.b64decode(view, validate=True)
    except (binascii.Error, ValueError):
        return None
    return view if data.startswith(_JPEG) else None
