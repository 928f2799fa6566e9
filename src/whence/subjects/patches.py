"""An image as a sequence of patches and back, exactly and differentiably."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor

WITHOUT_PATCHES = 16
"""Pixels a side of the squares for models that cut an image into no patches of their own."""


@dataclass(frozen=True)
class Grid:
    """`height` by `width` pixels cut into cells of `cell` (rows, columns of) pixels.

    Where a side is no multiple of the cell's, the last cells go beyond the image: by zeros that the model never sees.
    """

    height: int
    width: int
    cell: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """The rows and columns of cells."""
        return -(-self.height // self.cell[0]), -(-self.width // self.cell[1])

    def __len__(self) -> int:
        rows, columns = self.shape
        return rows * columns

    def cut(self, pixels: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch cell value"]:
        """The cells in reading order, each as one vector of its channels × rows × columns.

        >>> Grid(2, 4, (2, 2)).cut(torch.arange(8.0).reshape(1, 1, 2, 4)).tolist()
        [[[0.0, 1.0, 4.0, 5.0], [2.0, 3.0, 6.0, 7.0]]]
        """
        batch, channels = pixels.shape[:2]
        (rows, columns), (down, across) = self.shape, self.cell
        padded = F.pad(pixels, (0, columns * across - self.width, 0, rows * down - self.height))
        cells = padded.reshape(batch, channels, rows, down, columns, across).permute(0, 2, 4, 1, 3, 5)
        return cells.reshape(batch, rows * columns, channels * down * across)

    def joined(self, cells: Float[Tensor, "batch cell value"]) -> Float[Tensor, "batch channel height width"]:
        """The image that `cut` made these of."""
        batch = len(cells)
        (rows, columns), (down, across) = self.shape, self.cell
        blocks = cells.reshape(batch, rows, columns, -1, down, across).permute(0, 3, 1, 4, 2, 5)
        whole = blocks.reshape(batch, blocks.shape[1], rows * down, columns * across)
        return whole[:, :, : self.height, : self.width]


def model_patch(model: Any) -> tuple[int, int]:
    """The pixels, down and across, of the patches that a vision Transformer sees as its tokens; else 16 by 16.

    These are the config's `patch_size`, if the model has attention heads and a convolution takes pixels in steps of
    just that. Convolutional nets, and stems of overlapping windows, have no patches of their own.
    """
    config = getattr(model.config, "vision_config", model.config)
    size = getattr(config, "patch_size", None)
    patch = (size, size) if isinstance(size, int) else _pair(size)
    attends = any(getattr(config, name, None) for name in ("num_attention_heads", "num_heads"))
    if patch is None or not attends or not any(_steps_over(patch, module) for module in model.modules()):
        return WITHOUT_PATCHES, WITHOUT_PATCHES
    return patch


def _pair(size: Any) -> tuple[int, int] | None:
    if not isinstance(size, Sequence) or [type(side) for side in size] != [int, int]:
        return None
    return size[0], size[1]


def _steps_over(patch: tuple[int, int], module: Any) -> bool:
    return isinstance(module, torch.nn.Conv2d) and tuple(module.kernel_size) == tuple(module.stride) == patch
