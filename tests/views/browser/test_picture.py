"""The interactive heat map of an image: units over the picture, by mouse and by keyboard."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from views.test_images import comparison, image_record
from whence.views import html


def readout(page: Any) -> str:
    return " ".join(page.locator(".whence-heat-readout").first.inner_text().split())


def pixel(page: Any, x: float, y: float) -> list[int]:
    """The colour and opacity of the heat at a place of the picture, as shares of its sides."""
    drawn = page.locator(".whence-live canvas").first.evaluate("one => one.toDataURL()")
    image = Image.open(io.BytesIO(base64.b64decode(drawn.split(",")[1]))).convert("RGBA")
    return list(image.getpixel((int(x * image.width), int(y * image.height))))


def test_a_cell_is_read_out_by_mouse_and_by_keyboard(opened) -> None:
    record = image_record()
    page = opened(html.render([record]))
    canvas = page.locator(".whence-live canvas")
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.5)
    assert readout(page).startswith("patch 1,3")
    page.mouse.move(1, 1)
    canvas.focus()
    assert readout(page).startswith("patch 0,0 −1.00 logit 5th of 12 by |score|")
    for key in ("ArrowDown", "ArrowRight", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    assert readout(page).startswith("patch 0,1")
    page.keyboard.press("Enter")
    page.locator("summary").first.focus()
    assert readout(page).startswith("patch 0,1")


def test_the_slider_uncovers_the_picture(opened) -> None:
    page = opened(html.render([image_record()]))
    before = pixel(page, 0.99, 0.97)
    assert before[3] == pytest.approx(0.9 * 255, abs=2)
    page.get_by_role("slider").fill("0")
    assert pixel(page, 0.99, 0.97)[3] == 0
    assert page.get_by_role("img", name="The image as the model takes it").is_visible()


def test_sign_is_colour_and_a_mark(opened) -> None:
    scores = np.zeros(12)
    scores[0], scores[11] = -1.0, 1.0
    page = opened(html.render([image_record(scores=scores[None])]))
    negative, positive = pixel(page, 0.02, 0.02), pixel(page, 0.99, 0.97)
    assert negative[2] > negative[0]
    assert positive[0] > positive[2]
    assert pixel(page, 0.125, 0.28) != negative


def test_many_pixels_are_drawn_at_once(opened) -> None:
    scores = np.random.default_rng(0).normal(size=(1, 64 * 64))
    page = opened(html.render([image_record(64, 64, "pixel", scores=scores, cell=[1, 1], pixels=[64, 64])]))
    page.locator(".whence-live canvas").focus()
    assert "pixel 0,0" in readout(page)
    assert "of 4096 by |score|" in readout(page)
    assert "go beyond the scale" in page.locator(".whence-live .whence-legend").inner_text()


def test_rows_are_chosen_by_their_targets(opened) -> None:
    page = opened(html.render([image_record(labels=("cat", "dog"))]))
    page.locator(".whence-live canvas").focus()
    first = readout(page)
    page.get_by_role("radio", name="“dog”").check()
    page.locator(".whence-live canvas").focus()
    assert readout(page) != first


def test_methods_are_compared_over_one_picture(opened) -> None:
    page = opened(html.render([comparison()]))
    canvases = page.locator(".whence-live canvas")
    assert canvases.count() == 2 + 3
    canvases.nth(0).focus()
    assert "patch 0,0" in readout(page)
    assert "leave_one_out +1.00 logit 1st of 12" in readout(page)


@pytest.mark.parametrize(("width", "dark"), [(1000, True), (420, False)])
def test_nothing_is_wider_than_the_page(opened, width, dark) -> None:
    page = opened(html.render([image_record(), comparison()]), width=width, dark=dark)
    page.locator(".whence-live canvas").first.hover()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
