"""Whatever a user has of a picture becomes the upright RGB that a viewer would show."""

import base64
import builtins
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tiny_images import picture, processor
from whence import InputError, MissingExtraError
from whence.subjects.pictures import colours, model_view, picture_name, read_picture

COLOURS = picture(0)


def pixels(data):
    image = read_picture(data)
    assert image.mode == "RGB"
    return np.asarray(image)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tiff", "a.webp"])
@pytest.mark.parametrize("kind", [str, Path])
def test_a_file_is_its_pixels(tmp_path, name, kind):
    Image.fromarray(COLOURS).save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))
    assert np.array_equal(pixels(kind(tmp_path / name)), COLOURS)
    assert picture_name(kind(tmp_path / name)) == name


def test_an_image_and_an_array_are_their_pixels():
    image = Image.fromarray(COLOURS)
    assert np.array_equal(pixels(image), COLOURS)
    assert np.array_equal(pixels(COLOURS), COLOURS)
    assert np.array_equal(pixels(COLOURS / 255), COLOURS)
    assert np.array_equal(pixels((COLOURS / 255).astype(np.float32)), COLOURS)
    assert picture_name(image) is None


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [(1, lambda x: x), (3, lambda x: x[::-1, ::-1]), (6, lambda x: np.rot90(x, -1)), (8, lambda x: np.rot90(x))],
)
def test_exif_orientation_is_turned_upright(tmp_path, orientation, turned):
    image = Image.fromarray(COLOURS)
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(pixels(tmp_path / "turned.png"), turned(COLOURS))


def test_grey_has_three_equal_channels():
    grey = COLOURS[..., 0]
    expected = np.repeat(grey[..., None], 3, axis=2)
    assert np.array_equal(pixels(Image.fromarray(grey)), expected)
    assert np.array_equal(pixels(grey), expected)
    assert np.array_equal(pixels(grey[..., None]), expected)


def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path):
    grey = (COLOURS[..., 0].astype(np.uint16)) * 257
    Image.fromarray(grey).save(tmp_path / "deep.png")
    assert np.array_equal(pixels(tmp_path / "deep.png")[..., 0], COLOURS[..., 0])


def test_transparent_parts_are_white():
    alpha = np.zeros(COLOURS.shape[:2], np.uint8)
    alpha[:, :5] = 255
    seen = pixels(np.dstack([COLOURS, alpha]))
    assert np.array_equal(seen[:, :5], COLOURS[:, :5])
    assert (seen[:, 5:] == 255).all()


def test_a_palette_is_its_colours_and_its_transparency_white():
    image = Image.fromarray(COLOURS).quantize(8)
    assert np.array_equal(pixels(image), np.asarray(image.convert("RGB")))
    image.info["transparency"] = 0
    index = np.asarray(image)
    assert (index == 0).any()
    assert (pixels(image)[index == 0] == 255).all()


@pytest.mark.parametrize("mode", ["1", "CMYK", "YCbCr", "HSV", "LA", "PA"])
def test_other_modes_become_rgb(mode):
    assert pixels(Image.fromarray(COLOURS).convert(mode)).shape == COLOURS.shape


def test_the_users_image_is_left_as_it_was():
    image = Image.fromarray(np.dstack([COLOURS, COLOURS[..., 0]]))
    image.getexif()[0x0112] = 6
    before = image.mode, image.size, image.tobytes(), dict(image.getexif())
    read_picture(image)
    assert before == (image.mode, image.size, image.tobytes(), dict(image.getexif()))


def broken(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def a_png():
    written = io.BytesIO()
    Image.fromarray(COLOURS).save(written, "PNG")
    return written.getvalue()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda d: d / "none.png", "no image file"),
        (lambda d: "a photograph of a cat", "no image file"),
        (lambda d: "x" * 5000, "no image file"),
        (lambda d: "", "no image file"),
        (lambda d: d, "is no file"),
        (lambda d: broken(d, "empty.png", b""), "0 bytes"),
        (lambda d: broken(d, "page.png", b"%PDF-1.7 pages"), r"14 bytes that begin with b'%PDF-1.7 pag'"),
        (lambda d: broken(d, "cut.png", a_png()[:200]), "Cannot read the image"),
        (lambda d: "https://example.org/cat.png", "fetches nothing"),
        (lambda d: np.zeros((0, 4, 3), np.uint8), "empty"),
        (lambda d: Image.new("RGB", (0, 3)), "0 pixels wide"),
        (lambda d: np.zeros((3, 4, 4, 3), np.uint8), r"shape \(3, 4, 4, 3\) is no image"),
        (lambda d: np.zeros((3, 20, 24), np.uint8), "transpose"),
        (lambda d: np.zeros((20, 24, 3), np.int64), "int64"),
        (lambda d: np.full((20, 24, 3), 1.5), "0 to 1, got 1.5"),
        (lambda d: np.full((20, 24, 3), np.nan), "0 to 1, got nan"),
        (lambda d: np.full((20, 24, 3), -0.1), "0 to 1, got -0.1"),
        (lambda d: Image.fromarray(np.zeros((4, 4), np.float32)), "mode 'F'"),
        (lambda d: 3, "Cannot explain a int"),
        (lambda d: None, "Cannot explain a NoneType"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path, make, said):
    with pytest.raises(InputError, match=said):
        read_picture(make(tmp_path))


def test_a_picture_bomb_is_refused(tmp_path, monkeypatch):
    Image.fromarray(COLOURS).save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    with pytest.raises(InputError, match="exceeds limit"):
        read_picture(tmp_path / "large.png")


def test_without_pillow_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "PIL":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install pillow"):
        read_picture(COLOURS)


def test_the_models_input_turns_back_into_its_colours():
    made = processor(20, 24)(images=Image.fromarray(COLOURS), return_tensors="np")["pixel_values"][0]
    assert np.array_equal(colours(made, processor(20, 24)), COLOURS)
    data = base64.b64decode(model_view(made, processor(20, 24)))
    with Image.open(io.BytesIO(data)) as view:
        assert view.format == "JPEG"
        assert view.size == (24, 20)


def test_the_kept_view_is_small():
    large = np.random.default_rng(0).normal(size=(3, 600, 900))
    assert len(model_view(large, processor(600, 900))) < 100_000
