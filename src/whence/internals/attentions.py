"""Where each head of each layer looks for one input, from one forward pass under whatever attention the model uses."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from whence.attention.engine import refuse_without_attention
from whence.errors import InputError, UnsupportedError
from whence.internals.layers import check_layers, refuse_no_list
from whence.methods.attention_calls import AttentionCalls, Keys, Queries, Weights
from whence.methods.attention_layout import AttentionLayout, layout_of
from whence.records import AttentionLayer, Attentions, HeadVectors, Token
from whence.records.attentions import AttentionKind
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject

CAVEAT = (
    "Attention weights say where a head looked, not what it took from there nor what became of it: a token looked at "
    "need not count, and another pattern may give the same prediction. validate() has checks of this."
)
FEW_VECTORS = 2**20
"""Numbers up to which, over all layers, queries and keys are kept unless told otherwise."""
MOST_WEIGHTS = 2**28
"""Weights that one record holds at most: a gigabyte."""


def attentions_of(subject: Subject, inputs: Inputs, layers: Any = None, vectors: Any = None) -> Attentions:
    """The attention weights of one encoded input; see `whence.attentions`."""
    if "attention" not in subject.offers:
        raise UnsupportedError(
            f"{subject.name} shows no attention weights: it is known by its outputs alone. Load the model itself."
        )
    refuse_no_list(layers)
    if not isinstance(vectors, bool):
        refuse_no_list(vectors, "vectors")
    start = time.perf_counter()
    with torch.no_grad(), subject.session():
        batch = subject.collate([inputs])
        reader = _Reader(layout_of(subject, [inputs], batch), layers, vectors)
        with AttentionCalls(weights=reader.read, vectors=None if vectors is False else reader.read_vectors) as calls:
            subject.logits(batch)
    refuse_without_attention(subject, calls.count)
    found = reader.layers(type(subject.model).__name__)
    provenance = subject.provenance() | {
        "seconds": time.perf_counter() - start,
        **({} if inputs.grid is None else {"grid": list(inputs.grid)}),
        **inputs.about,
        "forwards": 1,
        "backwards": 0,
        "generated": inputs.generated,
        "text": inputs.text,
        "caveat": CAVEAT,
    }
    own = max(layer.keys[1] for layer in found) - len(inputs) if inputs.source is None else 0
    states = tuple(Token(f"state {i}", None, role="model", special=True) for i in range(own))
    return Attentions(states + inputs.tokens, found, provenance)


@dataclass(frozen=True, eq=False)
class _Vectors:
    """The query and key vectors of one layer, as the model multiplies them."""

    queries: Float[Tensor, "head query size"]
    keys: Float[Tensor, "head key size"]
    scale: float
    biased: bool


@dataclass(frozen=True, eq=False)
class _Taken:
    """What was taken of one layer."""

    number: int
    kind: AttentionKind
    sides: tuple[tuple[int, int], tuple[int, int]]
    weights: Float32[np.ndarray, "head query key"]
    vectors: HeadVectors | None


class _Reader:
    """Takes what is asked for of each attention layer while the model computes them."""

    def __init__(self, layout: AttentionLayout, layers: Any, vectors: Any) -> None:
        self._layout = layout
        self._chosen = layers
        self._with_vectors = vectors
        self._seen: set[int] = set()
        self._taken: list[_Taken] = []
        self._vectors: _Vectors | None = None
        self._weights = 0
        self._numbers = 0

    def read(self, number: int, weights: Weights) -> Weights:
        """A layer's weights, kept where they are asked for."""
        arranged = self._layout.arranged(number, weights)[0]
        kind, place = self._named(number)
        vectors, self._vectors = self._vectors, None
        self._seen.add(place)
        if not _is_among(place, self._chosen):
            return weights
        self._weights += arranged.numel()
        if self._weights > MOST_WEIGHTS:
            raise InputError(
                f"The weights of the layers asked for are more than {MOST_WEIGHTS:,} numbers, with "
                f"{tuple(arranged.shape)} in each. Choose fewer layers, such as layers=[0], or a shorter input."
            )
        fitting = None if vectors is None else _fitting(vectors, tuple(arranged.shape))
        self._taken.append(_Taken(place, kind, self._layout.sides(number, weights), _numpy(arranged), fitting))
        return weights

    def read_vectors(self, number: int, queries: Queries, keys: Keys, scale: float, biased: bool) -> None:
        """A layer's query and key vectors, which come in front of its weights."""
        if self._layout.kinds is not None and number >= len(self._layout.kinds):
            return
        place = self._named(number)[1]
        chosen = self._chosen if isinstance(self._with_vectors, bool | None) else self._with_vectors
        if not _is_among(place, self._chosen) or not _is_among(place, chosen):
            return
        self._numbers += queries[0].numel() + keys[0].numel()
        if self._with_vectors is not None or self._numbers <= FEW_VECTORS:
            self._vectors = _Vectors(queries[0], keys[0], scale, biased)

    def layers(self, model: str) -> tuple[AttentionLayer, ...]:
        """The layers asked for, vectors in those they are asked for; errors say what there is not."""
        check_layers(self._chosen, self._seen, model)
        wanted: Collection[int] = ()
        if self._with_vectors is not None and self._with_vectors is not False:
            chosen = None if self._with_vectors is True else self._with_vectors
            wanted = check_layers(chosen, {one.number for one in self._taken}, model, "vectors")
        lacking = [one.number for one in self._taken if one.number in wanted and one.vectors is None]
        if lacking:
            raise UnsupportedError(
                f"The query and key vectors of {model} cannot be told in layer {', '.join(map(str, lacking))}: its "
                f"scores are no plain product of two tensors. Leave vectors= out."
            )
        many = self._with_vectors is None and self._numbers > FEW_VECTORS
        return tuple(
            AttentionLayer(one.number, one.kind, *one.sides, one.weights, None if many else one.vectors)
            for one in self._taken
        )

    def _named(self, number: int) -> tuple[AttentionKind, int]:
        """The kind of an attention layer and its number among those of its kind, from the order they are computed."""
        kinds = self._layout.kinds
        if kinds is None:
            return "self", number
        return kinds[number], kinds[:number].count(kinds[number])


def _fitting(vectors: _Vectors, shape: tuple[int, ...]) -> HeadVectors | None:
    """The vectors by the heads of weights of this shape, None where these are not of them.

    transformers packs the heads of a group as queries where there is but one query; here they are heads again.
    """
    queries, keys = vectors.queries, vectors.keys
    heads, count, _ = shape
    if count == 1 and queries.shape[:2].numel() == heads != len(queries):
        queries, keys = queries.flatten(0, 1)[:, None], keys.repeat_interleave(queries.shape[1], dim=0)
    if (*queries.shape[:2], keys.shape[1]) != shape or len(keys) != heads:
        return None
    return HeadVectors(_numpy(queries), _numpy(keys), vectors.scale, vectors.biased)


def _is_among(number: int, chosen: Collection[int] | None) -> bool:
    return chosen is None or number in chosen


def _numpy(tensor: Tensor) -> Float32[np.ndarray, "..."]:
    return tensor.float().cpu().numpy()
