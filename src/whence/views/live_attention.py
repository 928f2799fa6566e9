"""Attention weights as the data of their interactive views: a byte for each number, so that a page stays small."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from whence.records import AttentionLayer, Attentions, HeadVectors
from whence.views.colors import Palette
from whence.views.live_data import colors, numbers, tokens
from whence.views.token_text import reads_right_to_left

MOST_CHARACTERS = 9_000_000
"""Characters of a page that weights and vectors take at most."""
_BITS = 6
"""What a character of base64 holds."""
_WEIGHT, _VECTOR, _ZERO = 255, 127, 128


def live_attention(record: Attentions, palette: Palette) -> dict[str, Any]:
    """What `AttentionView` of the front end's spec.ts says, of the layers and heads that a page can hold.

    A weight is (byte / 255)², exact to 0.004, and small ones to far less; a vector's number is
    (byte − 128) / 127 · the range of its side and head, exact to 0.004 of it.
    """
    return {
        "view": "attention",
        "palette": colors(palette),
        "direction": "rtl" if reads_right_to_left([token.text for token in record.tokens]) else "ltr",
        "tokens": tokens(record.tokens),
        "causal": record.causal,
        "layers": [_layer(layer, heads) for layer, heads in drawn_layers(record)],
    }


def drawn_layers(record: Attentions) -> tuple[tuple[AttentionLayer, int], ...]:
    """The layers that are drawn in a page, each with how many of its heads: all, or as many layers, evenly spread, as
    are not too large; where none is small enough, the last one's first heads, at least one.
    """
    sizes = [packed_sizes(layer) for layer in record.layers]
    for count in range(len(sizes), 0, -1):
        places = np.linspace(len(sizes) - 1, 0, count).round().astype(int)[::-1].tolist()
        if sum(int(sizes[place].sum()) for place in places) <= MOST_CHARACTERS:
            return tuple((record.layers[place], record.layers[place].heads) for place in places)
    return ((record.layers[-1], max(1, int((sizes[-1].cumsum() <= MOST_CHARACTERS).sum()))),)


def packed_sizes(layer: AttentionLayer) -> Int[np.ndarray, " head"]:
    """About how many characters each head takes in a page: the entropy of its bytes, but that of the zeros a causal
    layer has above its diagonal is next to nothing.
    """
    bytes_of = _as_roots(layer.weights)
    seen = bytes_of[:, np.tri(bytes_of.shape[1], dtype=bool)] if layer.causal else bytes_of.reshape(layer.heads, -1)
    counts = np.array([np.bincount(head, minlength=_WEIGHT + 1) for head in seen])
    shares = counts / counts.sum(axis=1, keepdims=True)
    bits = -(counts * np.log2(np.where(shares > 0, shares, 1))).sum(axis=1)
    if layer.vectors is not None:
        bits += 8 * sum(side[0].size for side in (layer.vectors.queries, layer.vectors.keys))
    return np.ceil(bits / _BITS).astype(int)


def _layer(layer: AttentionLayer, heads: int) -> dict[str, Any]:
    return {
        "number": layer.number,
        "kind": layer.kind,
        "queries": list(layer.queries),
        "keys": list(layer.keys),
        "heads": heads,
        "left": layer.heads - heads,
        "weights": numbers(_as_roots(layer.weights[:heads])),
        "vectors": None if layer.vectors is None else _vectors(layer.vectors, heads),
    }


def _as_roots(weights: Float[np.ndarray, "head query key"]) -> UInt8[np.ndarray, "head query key"]:
    """Each weight as the root of it, in 255 steps."""
    return np.round(_WEIGHT * np.sqrt(np.minimum(weights, 1))).astype(np.uint8)


def _vectors(vectors: HeadVectors, heads: int) -> dict[str, Any]:
    queries, keys = vectors.queries[:heads], vectors.keys[:heads]
    reach, their_reach = (np.abs(one).max(axis=(1, 2), initial=0) for one in (queries, keys))
    return {
        "size": queries.shape[2],
        "scale": vectors.scale,
        "biased": vectors.biased,
        "queries": numbers(_as_bytes(queries, reach)),
        "keys": numbers(_as_bytes(keys, their_reach)),
        "queryRange": [float(one) for one in reach],
        "keyRange": [float(one) for one in their_reach],
    }


def _as_bytes(
    vectors: Float[np.ndarray, "head token size"], ranges: Float[np.ndarray, " head"]
) -> UInt8[np.ndarray, "head token size"]:
    """Each number as a share of its head's range, 128 for zero."""
    shares = vectors / np.where(ranges > 0, ranges, 1)[:, None, None]
    return (np.round(_VECTOR * shares) + _ZERO).astype(np.uint8)
