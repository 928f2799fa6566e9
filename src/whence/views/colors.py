"""The colour of a signed score: one hue below zero, another above, with text that can be read on it.

The anchors are the eleven colours of ColorBrewer's RdBu (red above zero, the default) and PuOr (orange above zero),
which readers with colour-blindness can tell apart. A dark scale runs through the same hues from a dark centre, so that
a score of zero recedes on a dark page too.
"""

import os
from dataclasses import dataclass

from whence.errors import UnknownNameError

RGB = tuple[int, int, int]

BLACK: RGB = (0, 0, 0)
WHITE: RGB = (255, 255, 255)


@dataclass(frozen=True)
class Palette:
    """A diverging colour scheme: its anchors from the lowest score to the highest, on light and on dark paper.

    `below` and `above` are what the hues of its two sides are called, `colormap` what matplotlib calls the light one.
    """

    name: str
    below: str
    above: str
    colormap: str
    light: tuple[RGB, ...]
    dark: tuple[RGB, ...]

    @property
    def negative(self) -> RGB:
        """The colour of a bar below zero."""
        return self.light[2]

    @property
    def positive(self) -> RGB:
        """The colour of a bar above zero."""
        return self.light[-3]

    @property
    def negative_end(self) -> RGB:
        """A darker colour of the sign, for what lies over a picture."""
        return self.light[1]

    @property
    def positive_end(self) -> RGB:
        """A darker colour of the sign, for what lies over a picture."""
        return self.light[-2]


RDBU = Palette(
    "RdBu",
    "blue",
    "red",
    "RdBu_r",
    (
        (5, 48, 97),
        (33, 102, 172),
        (67, 147, 195),
        (146, 197, 222),
        (209, 229, 240),
        (247, 247, 247),
        (253, 219, 199),
        (244, 165, 130),
        (214, 96, 77),
        (178, 24, 43),
        (103, 0, 31),
    ),
    (
        (146, 197, 222),
        (67, 147, 195),
        (33, 102, 172),
        (24, 62, 104),
        (42, 46, 54),
        (104, 30, 42),
        (178, 24, 43),
        (214, 96, 77),
        (244, 165, 130),
    ),
)
PUOR = Palette(
    "PuOr",
    "purple",
    "orange",
    "PuOr_r",
    (
        (45, 0, 75),
        (84, 39, 136),
        (128, 115, 172),
        (178, 171, 210),
        (216, 218, 235),
        (247, 247, 247),
        (254, 224, 182),
        (253, 184, 99),
        (224, 130, 20),
        (179, 88, 6),
        (127, 59, 8),
    ),
    (
        (178, 171, 210),
        (128, 115, 172),
        (92, 58, 150),
        (62, 44, 98),
        (42, 46, 54),
        (94, 54, 18),
        (179, 88, 6),
        (224, 130, 20),
        (253, 184, 99),
    ),
)
PALETTES = {palette.name: palette for palette in (RDBU, PUOR)}
SETTING = "WHENCE_PALETTE"
"""The environment variable that names the palette of every view that is not told one."""


def palette_of(name: str | Palette | None) -> Palette:
    """The palette of that name, or for None the one that WHENCE_PALETTE names, RdBu where nothing is set.

    Raises `UnknownNameError` for one there is not.

    >>> palette_of("PuOr").above
    'orange'
    """
    if isinstance(name, Palette):
        return name
    wanted = os.environ.get(SETTING) or RDBU.name if name is None else name
    if wanted not in PALETTES:
        source = f" in the environment's {SETTING}" if name is None else ""
        raise UnknownNameError(f"Unknown palette {wanted!r}{source}. Palettes are: {', '.join(PALETTES)}.")
    return PALETTES[wanted]


def background(score: float, scale: float, *, dark: bool = False, palette: Palette = RDBU) -> RGB:
    """The colour of `score` on a scale symmetric about zero, from `-scale` to `+scale`; outside it, the scale's end.

    >>> background(0.0, 1.0)
    (247, 247, 247)
    """
    anchors = palette.dark if dark else palette.light
    place = (_fraction(score, scale) + 1) / 2 * (len(anchors) - 1)
    lower = min(int(place), len(anchors) - 2)
    start, end = anchors[lower], anchors[lower + 1]
    red, green, blue = (round(a + (b - a) * (place - lower)) for a, b in zip(start, end, strict=True))
    return red, green, blue


def foreground(background: RGB) -> RGB:
    """Black or white, whichever stands out more; on any background that is a contrast of at least 4.5 to 1."""
    return max(BLACK, WHITE, key=lambda text: contrast(text, background))


def contrast(first: RGB, second: RGB) -> float:
    """The contrast ratio of two colours as WCAG 2 defines it, from 1 (the same) to 21 (black on white)."""
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def hex_code(color: RGB) -> str:
    """The colour as CSS, rich and matplotlib write it.

    >>> hex_code((247, 247, 247))
    '#f7f7f7'
    """
    return "#{:02x}{:02x}{:02x}".format(*color)


def gradient(*, dark: bool = False, palette: Palette = RDBU, above_zero: bool = False) -> str:
    """The whole scale, lowest first, or what of it is above zero, as a CSS gradient."""
    anchors = palette.dark if dark else palette.light
    stops = ", ".join(hex_code(color) for color in anchors[len(anchors) // 2 if above_zero else 0 :])
    return f"linear-gradient(to right, {stops})"


def _fraction(score: float, scale: float) -> float:
    return max(-1.0, min(1.0, score / scale)) if scale else 0.0


def _luminance(color: RGB) -> float:
    red, green, blue = (_linear(channel / 255) for channel in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
