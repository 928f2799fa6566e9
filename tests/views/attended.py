"""Records of attention for the views to show, without a model: softmaxes of sines, or of random numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from whence.records import AttentionLayer, Attentions, HeadVectors, Token

TEXTS = ("The", " E", "iff", "el", " Tower", " is")
ABOUT = {"model": "tiny", "forwards": 1, "seconds": 0.25, "text": "The Eiffel Tower is", "caveat": "It only looked."}


def softmax(scores: np.ndarray, *, causal: bool) -> np.ndarray:
    shares = np.exp(scores)
    shares = np.tril(shares) if causal else shares
    return (shares / shares.sum(axis=-1, keepdims=True)).astype(np.float32)


def sines(*shape: int, phase: float = 0.0) -> np.ndarray:
    return 4 * np.sin(np.arange(np.prod(shape)) * 1.7 + phase).reshape(shape)


def vectors(heads: int, queries: int, keys: int, size: int = 4, *, biased: bool = False) -> HeadVectors:
    drawn = [sines(heads, n, size, phase=n).astype(np.float32) for n in (queries, keys)]
    return HeadVectors(drawn[0], drawn[1], 0.5, biased)


def one_stack(texts: Sequence[str] = TEXTS, layers: int = 2, heads: int = 3, **about: Any) -> Attentions:
    count = len(texts)
    return Attentions(
        tuple(Token(text, i, special=text.startswith("[")) for i, text in enumerate(texts)),
        tuple(
            AttentionLayer(
                number,
                "self",
                (0, count),
                (0, count),
                softmax(sines(heads, count, count, phase=number), causal=True),
                vectors(heads, count, count) if number == 0 else None,
            )
            for number in range(layers)
        ),
        ABOUT | about,
    )


def two_stacks() -> Attentions:
    source, target = (0, 3), (3, 5)
    tokens = [Token(text, i, role="source", special=text == "</s>") for i, text in enumerate(("Hello", " you", "</s>"))]
    tokens += [Token("<pad>", 0, role="target", special=True), Token("Salut", 9, role="target")]
    parts = {"encoder": (source, source), "decoder": (target, target), "cross": (target, source)}
    layers = [
        AttentionLayer(
            0,
            kind,
            queries,
            keys,
            softmax(sines(2, queries[1] - queries[0], keys[1] - keys[0], phase=len(kind)), causal=kind == "decoder"),
            vectors(2, queries[1] - queries[0], keys[1] - keys[0], biased=kind != "cross"),
        )
        for kind, (queries, keys) in parts.items()
    ]
    return Attentions(tuple(tokens), tuple(layers), ABOUT | {"text": "Hello you"})


def random_stack(layers: int, heads: int, tokens: int, *, causal: bool) -> Attentions:
    """As wide open as attention gets, and so as hard to make small: the softmax of standard normal scores."""
    rng = np.random.default_rng(0)
    return Attentions(
        tuple(Token(f" word{i}", i) for i in range(tokens)),
        tuple(
            AttentionLayer(
                number,
                "self",
                (0, tokens),
                (0, tokens),
                softmax(rng.normal(size=(heads, tokens, tokens)), causal=causal),
            )
            for number in range(layers)
        ),
        ABOUT,
    )
