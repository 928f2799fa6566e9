"""From whatever a user has of a picture to upright 8-bit RGB, as a viewer would show it."""

import base64
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from whence.errors import InputError, MissingExtraError

_WANTED = (
    "Wanted: a PIL image, the path of an image file, or an array (height, width, 3) of uint8, or floats in 0 to 1."
)
_VIEW_SIDE = 256
_SHOWN = 100
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N")


def read_picture(data: Any) -> Any:
    """The picture as a PIL image: RGB, 8 bits a channel, turned upright as its EXIF orientation says.

    Transparent parts show white, as in transformers; greyscale and palettes become RGB; 16-bit grey is scaled to 8
    bits; of an animation, the first frame. Raises `InputError` for anything that is no picture or an empty one,
    `MissingExtraError` without Pillow.

    >>> read_picture(np.zeros((2, 3, 3), dtype=np.uint8)).size
    (3, 2)
    """
    image_module = pillow()
    if isinstance(data, image_module.Image):
        return _upright_rgb(data)
    if isinstance(data, str | os.PathLike):
        return _from_file(os.fsdecode(data))
    if isinstance(data, np.ndarray):
        return _upright_rgb(image_module.fromarray(_eight_bits(data)))
    raise InputError(f"Cannot explain a {type(data).__name__} as an image. {_WANTED}")


def pillow() -> Any:
    """Pillow's module `PIL.Image`."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError("pillow", "vision", "Explaining an image classifier") from error
    return Image


def picture_name(data: Any) -> str | None:
    """The name of the file a picture is from, None where it is from none."""
    if isinstance(data, str | os.PathLike):
        return Path(os.fspath(data)).name
    return Path(str(data.filename)).name if getattr(data, "filename", None) else None


def _from_file(name: str) -> Any:
    path = Path(name).expanduser()
    if name.startswith(("http://", "https://", "data:")):
        raise InputError(f"whence fetches nothing: save {name[:_SHOWN]!r} to a file and pass its path.")
    if not name or not os.path.exists(path):
        raise InputError(f"There is no image file {name[:_SHOWN]!r}. {_WANTED}")
    if not path.is_file():
        raise InputError(f"{str(path)!r} is no file, so no image. {_WANTED}")
    size = path.stat().st_size
    if not size:
        raise InputError(f"{str(path)!r} is empty: it has 0 bytes.")
    image_module = pillow()
    try:
        with image_module.open(path) as image:
            return _upright_rgb(image)
    except image_module.UnidentifiedImageError as error:
        with path.open("rb") as file:
            start = file.read(12)
        raise InputError(
            f"{str(path)!r} is not an image that Pillow can read: {size} bytes that begin with {start!r}."
        ) from error
    except (OSError, SyntaxError, ValueError, image_module.DecompressionBombError) as error:
        raise InputError(f"Cannot read the image {str(path)!r}: {error}") from error


def _upright_rgb(image: Any) -> Any:
    from PIL import ImageOps

    if not image.width or not image.height:
        raise InputError(f"The image is empty: it is {image.width} pixels wide and {image.height} high.")
    if image.mode in ("I", "F"):
        raise InputError(
            f"The image has the mode {image.mode!r}, whose numbers have no known range. Convert it to 8 bits a "
            f"channel first."
        )
    upright = ImageOps.exif_transpose(image)
    if upright.mode in _SIXTEEN_BITS:
        grey = np.asarray(upright).astype(np.float64) / 257
        return pillow().fromarray(grey.round().astype(np.uint8)).convert("RGB")
    if upright.has_transparency_data:
        layers = upright.convert("RGBA")
        white = pillow().new("RGBA", layers.size, (255, 255, 255, 255))
        return pillow().alpha_composite(white, layers).convert("RGB")
    return upright.convert("RGB")


def _eight_bits(array: np.ndarray) -> np.ndarray:
    """The array as uint8, its channels last; grey may have one channel or none, and a fourth is alpha."""
    if not array.size:
        raise InputError(f"The image is empty: its array has the shape {array.shape}.")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        hint = " Its channels seem to come first: pass array.transpose(1, 2, 0)." if _channels_first(array) else ""
        raise InputError(f"An array of shape {array.shape} is no image.{hint} {_WANTED}")
    array = array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
    if array.dtype == np.uint8:
        return array
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"An array of {array.dtype} has no known range. {_WANTED}")
    lowest, highest = float(array.min()), float(array.max())
    if not (lowest >= 0 and highest <= 1):
        raise InputError(
            f"An array of floats is wanted in 0 to 1, got {lowest:.4g} to {highest:.4g}. Pass the picture as it was "
            f"before any normalisation, or as uint8 in 0 to 255."
        )
    return np.asarray((array * 255).round(), dtype=np.uint8)


def _channels_first(array: np.ndarray) -> bool:
    return array.ndim == 3 and array.shape[0] in (1, 3, 4)


def model_view(pixels: Float[np.ndarray, "channel height width"], processor: Any) -> str:
    """The model's input as a small picture: a JPEG of at most 256 pixels a side, base64, about 10 kB."""
    image = pillow().fromarray(colours(pixels, processor))
    image.thumbnail((_VIEW_SIDE, _VIEW_SIDE))
    written = io.BytesIO()
    image.save(written, "JPEG", quality=85)
    return base64.b64encode(written.getvalue()).decode("ascii")


def colours(pixels: Float[np.ndarray, "channel height width"], processor: Any) -> UInt8[np.ndarray, "height width 3"]:
    """The colours that the model's input stands for: the processor's rescaling and normalisation taken back."""
    values = pixels.astype(np.float64)
    if getattr(processor, "do_normalize", False):
        mean, std = (np.reshape(getattr(processor, name), (-1, 1, 1)) for name in ("image_mean", "image_std"))
        values = values * std + mean
    if getattr(processor, "do_rescale", False):
        values = values / processor.rescale_factor
    if getattr(processor, "do_flip_channel_order", False):
        values = values[::-1]
    channels = values if len(values) == 3 else np.repeat(values[:1], 3, axis=0)
    return np.moveaxis(np.clip(channels.round(), 0, 255).astype(np.uint8), 0, -1)
