"""The colour of a signed score: blue below zero, red above, with text that can be read on it.

The anchors are the eleven colours of ColorBrewer's RdBu scheme, which readers with colour-blindness can tell apart.
The dark scale runs through the same hues from a dark centre, so that a score of zero recedes on a dark page too.
"""

RGB = tuple[int, int, int]

BLACK: RGB = (0, 0, 0)
WHITE: RGB = (255, 255, 255)
NEGATIVE: RGB = (67, 147, 195)
POSITIVE: RGB = (214, 96, 77)
NEGATIVE_END: RGB = (33, 102, 172)
POSITIVE_END: RGB = (178, 24, 43)
"""Darker colours of the signs, for what lies over a picture."""

_LIGHT: tuple[RGB, ...] = (
    (5, 48, 97),
    NEGATIVE_END,
    NEGATIVE,
    (146, 197, 222),
    (209, 229, 240),
    (247, 247, 247),
    (253, 219, 199),
    (244, 165, 130),
    POSITIVE,
    POSITIVE_END,
    (103, 0, 31),
)
_DARK: tuple[RGB, ...] = (
    (146, 197, 222),
    NEGATIVE,
    (33, 102, 172),
    (24, 62, 104),
    (42, 46, 54),
    (104, 30, 42),
    (178, 24, 43),
    POSITIVE,
    (244, 165, 130),
)


def background(score: float, scale: float, *, dark: bool = False) -> RGB:
    """The colour of `score` on a scale symmetric about zero, from `-scale` to `+scale`; outside it, the scale's end.

    >>> background(0.0, 1.0)
    (247, 247, 247)
    """
    anchors = _DARK if dark else _LIGHT
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


def gradient(*, dark: bool = False) -> str:
    """The whole scale, lowest first, as a CSS gradient."""
    stops = ", ".join(hex_code(color) for color in (_DARK if dark else _LIGHT))
    return f"linear-gradient(to right, {stops})"


def _fraction(score: float, scale: float) -> float:
    return max(-1.0, min(1.0, score / scale)) if scale else 0.0


def _luminance(color: RGB) -> float:
    red, green, blue = (_linear(channel / 255) for channel in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
