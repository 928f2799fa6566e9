"""Pages with attention of made-up models, as a record's interactive view puts it into a page."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from whence.records import Token
from whence.views.colors import RDBU
from whence.views.live_data import as_json, colors, numbers, tokens
from whence.views.page_script import script, script_hash, style

SENTENCE = "<s> When the Eiffel Tower was built , many people in Paris thought that it was ugly , but now they love it"
TEXT = SENTENCE.split()
Weights = Float[np.ndarray, "head query key"]


def tokens_of(words: Sequence[str], role: str = "text") -> tuple[Token, ...]:
    """A token a word, each with the space before it; those in angle brackets are special."""
    texts = [word if word.startswith("<") else f" {word}" for word in words]
    return tuple(Token(text, i, role=role, special=text.startswith("<")) for i, text in enumerate(texts))


def many_tokens(count: int) -> tuple[Token, ...]:
    """As many tokens, each with a text of its own."""
    return tokens_of([f"word{i}" for i in range(count)])


def vectors(heads: int, count: int, size: int = 32, seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    """Queries and keys that make each head look somewhere else: at the first token, a few back, at like tokens."""
    rng = np.random.default_rng(seed)
    place = np.arange(count)[:, None] / 3 * 2.0 ** -(np.arange(size // 2) / 2)
    waves = np.concatenate([np.cos(place), np.sin(place)], axis=1)
    queries, keys = np.empty((2, heads, count, size))
    for head in range(heads):
        like = rng.normal(size=(count, size))
        back = np.roll(waves, -int(rng.integers(1, 5)), axis=0)
        queries[head] = 1.5 * rng.random() * waves + rng.random() * rng.normal(size=(count, size))
        keys[head] = 1.5 * rng.random() * back + rng.random() * like
        keys[head, 0] += rng.random() * queries[head].mean(axis=0)
    return queries, keys


def softmax(scores: NDArray[Any], causal: bool) -> NDArray[Any]:
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def layer(
    number: int,
    weights: Weights,
    *,
    kind: str = "self",
    queries: tuple[int, int] | None = None,
    keys: tuple[int, int] | None = None,
    vectors: dict[str, Any] | None = None,
) -> dict[str, Any]:
    heads, query_count, key_count = weights.shape
    return {
        "number": number,
        "kind": kind,
        "queries": list(queries or (0, query_count)),
        "keys": list(keys or (0, key_count)),
        "heads": heads,
        "left": 0,
        "weights": numbers(np.rint(255 * np.sqrt(weights)).astype(np.uint8)),
        "vectors": vectors,
    }


def packed(queries: NDArray[Any], keys: NDArray[Any], *, scale: float, biased: bool = False) -> dict[str, Any]:
    reach = [np.abs(side).max(axis=(1, 2)) for side in (queries, keys)]
    rounded = [
        np.rint(128 + 127 * side / most[:, None, None]).astype(np.uint8)
        for side, most in zip((queries, keys), reach, strict=True)
    ]
    return {
        "size": queries.shape[-1],
        "scale": scale,
        "biased": biased,
        "queries": numbers(rounded[0]),
        "keys": numbers(rounded[1]),
        "queryRange": reach[0].tolist(),
        "keyRange": reach[1].tolist(),
    }


def self_layer(number: int, heads: int, count: int, *, recorded: bool = False, biased: bool = False) -> dict[str, Any]:
    """A causal layer of a decoder: weights and, where recorded, the vectors they are made from."""
    queries, keys = vectors(heads, count, seed=number)
    scale = 0.6
    weights = softmax(scale * queries @ keys.transpose(0, 2, 1), causal=True)
    return layer(number, weights, vectors=packed(queries, keys, scale=scale, biased=biased) if recorded else None)


def view(
    of: Sequence[Token], layers: Sequence[dict[str, Any]], *, causal: bool = True, rtl: bool = False
) -> dict[str, Any]:
    return {
        "view": "attention",
        "palette": colors(RDBU),
        "direction": "rtl" if rtl else "ltr",
        "tokens": tokens(of),
        "causal": causal,
        "layers": list(layers),
    }


def decoder(layers: int = 3, heads: int = 4, words: Sequence[str] = TEXT) -> dict[str, Any]:
    """A language model; vectors are recorded for the last layer only."""
    made = [self_layer(i, heads, len(words), recorded=i == layers - 1) for i in range(layers)]
    return view(tokens_of(words), made)


def translator(heads: int = 4) -> dict[str, Any]:
    """An encoder-decoder: four source tokens, then three target tokens."""
    of = (*tokens_of(["The", "cat", "sleeps", "</s>"], "source"), *tokens_of(["<pad>", "Le", "chat"], "target"))
    made = []
    for kind, queries, keys in (("encoder", (0, 4), (0, 4)), ("decoder", (4, 7), (4, 7)), ("cross", (4, 7), (0, 4))):
        for number in range(2):
            sides = queries[1] - queries[0], keys[1] - keys[0]
            scores = np.random.default_rng(number).normal(size=(heads, *sides)) * 2
            weights = softmax(scores, causal=kind == "decoder")
            made.append(layer(number, weights, kind=kind, queries=queries, keys=keys))
    return view(of, made, causal=False)


def page(data: dict[str, Any]) -> str:
    """The view in a page of the same structure, style and policy as a report's."""
    css = files("whence.views").joinpath("templates", "view.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Attention</title>
<meta HTTP-EQUIV="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src '{script_hash()}'">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>html {{ background: Canvas; }} body {{ margin: 0; }} {css} {style()}</style></head>
<body><main class="whence whence-page"><h1 class="whence-title">Attention</h1>
<div class="whence-view"><div class="whence-static">static</div><div class="whence-live"></div>
<script type="application/json" class="whence-data">{as_json(data)}</script></div></main>
<script type="module">{script()}</script></body></html>"""
