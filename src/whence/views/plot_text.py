"""Text that matplotlib can draw."""

from whence.views.token_text import code_point


def drawable(texts: list[str]) -> list[str]:
    """The texts with the code point of every character that none of the fonts in use can draw."""
    from matplotlib import font_manager, rcParams

    files = [font_manager.findfont(font_manager.FontProperties(family=[name])) for name in rcParams["font.family"]]
    known = {chr(code) for file in files for code in font_manager.get_font(file).get_charmap()}
    return ["".join(c if c in known else code_point(c) for c in text) for text in texts]
