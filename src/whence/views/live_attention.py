"""Attention weights as the data of their interactive views: a byte for each number, so that a page stays small."""

from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from whence.records import AttentionLayer, Attentions, HeadVectors
from whence.views.colors import Palette
from whence.views.live_data import colors, numbers, tokens
from whence.views.token_text import reads_right_to_left

MOST_NUMBERS = 2**23
"""Numbers that a page holds at most, some six megabytes of it."""
_WEIGHT, _VECTOR, _ZERO = 255, 127, 128


def live_attention(record: Attentions, palette: Palette) -> dict[str, Any] | None:
    """What `AttentionView` of the front end's spec.ts says, of the layers that a page can hold; None where it can none.

    A weight is (byte / 255)², exact to 0.004, and small ones to far less; a vector's number is
    (byte − 128) / 127 · the head's range, exact to 0.004 of it.
    """
    layers = drawn_layers(record)
    if not layers:
        return None
    return {
        "view": "attention",
        "palette": colors(palette),
        "direction": "rtl" if reads_right_to_left([token.text for token in record.tokens]) else "ltr",
        "tokens": tokens(record.tokens),
        "causal": record.causal,
        "layers": [_layer(layer) for layer in layers],
    }


def drawn_layers(record: Attentions) -> tuple[AttentionLayer, ...]:
    """The layers that are drawn in a page: all, or as many, evenly spread, as do not hold too many numbers."""
    sizes = [_size(layer) for layer in record.layers]
    for count in range(len(sizes), 0, -1):
        places = np.linspace(len(sizes) - 1, 0, count).round().astype(int)[::-1].tolist()
        if sum(sizes[place] for place in places) <= MOST_NUMBERS:
            return tuple(record.layers[place] for place in places)
    return ()


def _size(layer: AttentionLayer) -> int:
    vectors = 0 if layer.vectors is None else layer.vectors.queries.size + layer.vectors.keys.size
    return layer.weights.size + vectors


def _layer(layer: AttentionLayer) -> dict[str, Any]:
    return {
        "number": layer.number,
        "kind": layer.kind,
        "queries": list(layer.queries),
        "keys": list(layer.keys),
        "heads": layer.heads,
        "weights": numbers(np.round(_WEIGHT * np.sqrt(np.minimum(layer.weights, 1))).astype(np.uint8)),
        "vectors": None if layer.vectors is None else _vectors(layer.vectors),
    }


def _vectors(vectors: HeadVectors) -> dict[str, Any]:
    ranges = np.maximum(*(np.abs(one).max(axis=(1, 2), initial=0) for one in (vectors.queries, vectors.keys)))
    return {
        "size": vectors.queries.shape[2],
        "scale": vectors.scale,
        "biased": vectors.biased,
        "queries": numbers(_as_bytes(vectors.queries, ranges)),
        "keys": numbers(_as_bytes(vectors.keys, ranges)),
        "range": [float(one) for one in ranges],
    }


def _as_bytes(
    vectors: Float[np.ndarray, "head token size"], ranges: Float[np.ndarray, " head"]
) -> UInt8[np.ndarray, "head token size"]:
    """Each number as a share of its head's range, 128 for zero."""
    shares = vectors / np.where(ranges > 0, ranges, 1)[:, None, None]
    return (np.round(_VECTOR * shares) + _ZERO).astype(np.uint8)
