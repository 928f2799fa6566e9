"""Text that matplotlib can draw."""

from collections.abc import Iterable

from whence.views.token_text import code_point

NAMED = 20
"""Letters of a token that stand along the edge of a figure."""


def drawable(texts: list[str]) -> list[str]:
    """The texts with the code point of every character that none of the fonts in use can draw; lines stay lines."""
    from matplotlib import font_manager, rcParams

    files = [font_manager.findfont(font_manager.FontProperties(family=[name])) for name in rcParams["font.family"]]
    known = {chr(code) for file in files for code in font_manager.get_font(file).get_charmap()}
    return ["".join(c if c in known or c == "\n" else code_point(c) for c in text) for text in texts]


def shortened(text: str, most: int = NAMED) -> str:
    """The text, or its beginning where it is longer than that.

    >>> shortened("Paris"), shortened("Llanfairpwllgwyngyll", 10)
    ('Paris', 'Llanfairp…')
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def tick_names(texts: Iterable[str], most: int = NAMED) -> list[str]:
    """Names along the edge of a figure, drawable and short."""
    return [shortened(name, most) for name in drawable([shortened(text, most) for text in texts])]
