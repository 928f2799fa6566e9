"""What interactive views are given: numbers and texts as JSON that may stand inside a page."""

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Num
from markupsafe import Markup

from whence.records import Token
from whence.views.colors import Palette, hex_code
from whence.views.token_text import borders, gaps, readable, readable_tokens

_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_LEAST_DEFLATED = 4096
"""Bytes from which on deflating is worth its while."""


def as_json(data: Any) -> Markup:
    """The data as JSON in which nothing can end the element that holds it, or begin another.

    >>> as_json({"text": "</script>"})
    Markup('{"text":"\\\\u003c/script\\\\u003e"}')
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, escape in _ESCAPED.items():
        text = text.replace(character, escape)
    return Markup(text)


def numbers(array: Num[np.ndarray, "..."]) -> dict[str, Any]:
    """The numbers of an array, row by row: as bytes where they are, else as float32; deflated where they are many."""
    kept = np.ascontiguousarray(array, dtype=np.uint8 if array.dtype == np.uint8 else "<f4")
    data = kept.tobytes()
    deflated = len(data) >= _LEAST_DEFLATED
    strategy = zlib.Z_RLE if kept.dtype == np.uint8 else zlib.Z_DEFAULT_STRATEGY
    return {
        "type": "u1" if kept.dtype == np.uint8 else "f4",
        "shape": list(kept.shape),
        "deflated": deflated,
        "data": base64.b64encode(_deflated(data, strategy) if deflated else data).decode("ascii"),
    }


def _deflated(data: bytes, strategy: int) -> bytes:
    """The data, packed; of bytes that are numbers, Z_RLE looks at runs and frequencies alone: smaller and faster."""
    packer = zlib.compressobj(9, strategy=strategy)
    return packer.compress(data) + packer.flush()


def tokens(of: Sequence[Token]) -> list[dict[str, Any]]:
    """Tokens as they are read: their text with everything invisible made visible, and where white space is."""
    return [
        {
            "text": text,
            "role": readable(token.role),
            "special": token.special,
            "gap": gap,
            "ends": token.text.endswith("\n"),
            "begins": border,
        }
        for token, text, gap, border in zip(of, readable_tokens(of), gaps(of), borders(of), strict=True)
    ]


def colors(palette: Palette) -> dict[str, Any]:
    """The palette's anchors."""
    return {
        "name": palette.name,
        "light": [hex_code(color) for color in palette.light],
        "dark": [hex_code(color) for color in palette.dark],
    }
