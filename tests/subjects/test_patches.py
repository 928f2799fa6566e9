"""Cutting an image into cells and joining them is exact, whatever the sizes, and so is its gradient."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tiny
import tiny_images
from whence.subjects.patches import Grid, model_patch

SIDES = st.integers(1, 13)


@given(SIDES, SIDES, st.tuples(st.integers(1, 6), st.integers(1, 6)), st.integers(1, 3))
def test_joined_cells_are_the_image_and_carry_its_gradient(height, width, cell, channels):
    grid = Grid(height, width, cell)
    pixels = torch.randn(2, channels, height, width, dtype=torch.float64)
    cells = grid.cut(pixels).requires_grad_()
    assert cells.shape == (2, len(grid), channels * cell[0] * cell[1])
    joined = grid.joined(cells)
    assert torch.equal(joined, pixels)
    weights = torch.randn_like(pixels)
    (gradient,) = torch.autograd.grad((joined * weights).sum(), cells)
    assert torch.equal(gradient, grid.cut(weights))


@given(SIDES, SIDES, st.tuples(st.integers(1, 6), st.integers(1, 6)))
def test_each_cell_holds_its_own_pixels_and_zeros_beyond_the_image(height, width, cell):
    grid = Grid(height, width, cell)
    pixels = 1 + torch.arange(3.0 * height * width).reshape(1, 3, height, width)
    rows, columns = grid.shape
    cells = grid.cut(pixels)[0]
    for row in range(rows):
        for column in range(columns):
            top, left = row * cell[0], column * cell[1]
            own = pixels[0, :, top : top + cell[0], left : left + cell[1]]
            values = cells[row * columns + column]
            assert sorted(values[values != 0].tolist()) == sorted(own.flatten().tolist())


@pytest.mark.parametrize(
    ("make", "patch"),
    [
        (tiny.vit_classifier, (4, 4)),
        (tiny_images.dinov2_images, (4, 4)),
        (tiny_images.beit_images, (4, 4)),
        (tiny_images.swin_images, (2, 2)),
        (tiny_images.resnet_images, (16, 16)),
        (tiny_images.convnext_images, (16, 16)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_the_models_own_patches(make, patch):
    assert model_patch(make()[0]) == patch


def test_a_pair_of_sides():
    model = tiny.vit_classifier()[0]
    model.config.patch_size = [4, 4]
    assert model_patch(model) == (4, 4)


def test_a_patch_size_that_no_layer_steps_by_is_not_believed():
    model = tiny.vit_classifier()[0]
    model.config.patch_size = 3
    assert model_patch(model) == (16, 16)
