"""Attention inside a model: where each head of each layer looked, and the vectors that made it look there."""

from dataclasses import dataclass, fields
from os import PathLike
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float32

from whence.errors import InputError, NonFiniteError
from whence.records import storage
from whence.records.display import Displayed
from whence.records.plain import plain
from whence.records.tokens import Token

AttentionKind = Literal["self", "encoder", "decoder", "cross"]
"""Among all tokens of a model of one stack; of an encoder-decoder among the source's tokens, among those of the target
prefix, or from these to the source's."""
_STACKS = {"self": "layer", "encoder": "encoder layer", "decoder": "decoder layer", "cross": "cross-attention layer"}
_ROUNDING = 0.02
"""How far over 1 a row's sum may be: half precision has three digits."""


@dataclass(frozen=True, eq=False)
class HeadVectors:
    """The query and key vectors of a layer's heads, as they are multiplied: behind any rotation by position.

    - `queries`: float32 `(heads, queries, size)`; `keys`: float32 `(heads, keys, size)`, those of a group its heads'.
    - `scale`: what their dot products are multiplied by before the softmax.
    - `biased`: whether something else than a mask is added, such as a bias of positions or an attention sink, or the
      products are capped. Where not, a row of weights is softmax(scale · q·k) over the keys it may look at.
    """

    queries: Float32[np.ndarray, "head query size"]
    keys: Float32[np.ndarray, "head key size"]
    scale: float
    biased: bool

    def __post_init__(self) -> None:
        for name in ("queries", "keys"):
            object.__setattr__(self, name, _frozen(getattr(self, name), 3, f"The {name} of an attention layer"))
        object.__setattr__(self, "scale", float(self.scale))
        object.__setattr__(self, "biased", bool(self.biased))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HeadVectors):
            return NotImplemented
        same = np.array_equal(self.queries, other.queries) and np.array_equal(self.keys, other.keys)
        return same and (self.scale, self.biased) == (other.scale, other.biased)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class AttentionLayer:
    """One attention layer's weights for one input.

    - `number`: its place among the layers of its kind, from 0.
    - `kind`: "self", or in an encoder-decoder "encoder", "decoder" or "cross".
    - `queries`, `keys`: which of the record's tokens look, and which are looked at, each from a start to an end.
    - `weights`: float32 `(heads, queries, keys)`, none below 0. Each row sums to 1, up to rounding, but where an
      attention sink takes a share that no token gets, and where a query may look nowhere.
    - `vectors`: the query and key vectors, None where they were not asked for.
    """

    number: int
    kind: AttentionKind
    queries: tuple[int, int]
    keys: tuple[int, int]
    weights: Float32[np.ndarray, "head query key"]
    vectors: HeadVectors | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(AttentionKind):
            raise InputError(f"Unknown kind {self.kind!r}. Kinds are: {', '.join(get_args(AttentionKind))}.")
        for name in ("queries", "keys"):
            object.__setattr__(self, name, tuple(int(end) for end in getattr(self, name)))
        weights = _frozen(self.weights, 3, f"The weights of {self.name}")
        object.__setattr__(self, "weights", weights)
        sizes = (self.queries[1] - self.queries[0], self.keys[1] - self.keys[0])
        if weights.shape[1:] != sizes or not len(weights):
            raise InputError(
                f"{self.name} has weights of shape {weights.shape}, wanted (heads, {sizes[0]}, {sizes[1]})."
            )
        if weights.size and (weights.min() < 0 or weights.sum(axis=2, dtype=np.float64).max() > 1 + _ROUNDING):
            raise InputError(f"{self.name} has rows of weights that are below 0 or add up to more than 1.")
        if self.vectors is not None:
            self._check(self.vectors)

    def _check(self, vectors: HeadVectors) -> None:
        heads, queries, keys = self.weights.shape
        size = vectors.queries.shape[2]
        if vectors.queries.shape != (heads, queries, size) or vectors.keys.shape != (heads, keys, size):
            raise InputError(
                f"{self.name} has queries {vectors.queries.shape} and keys {vectors.keys.shape}, wanted "
                f"({heads}, {queries}, size) and ({heads}, {keys}, size)."
            )

    @property
    def name(self) -> str:
        """Its readable name: "layer 3", "encoder layer 0", "cross-attention layer 1"."""
        return f"{_STACKS[self.kind]} {self.number}"

    @property
    def heads(self) -> int:
        """How many heads it has."""
        return len(self.weights)

    @property
    def rest(self) -> Float32[np.ndarray, "head query"]:
        """What of each row no token gets: 0 up to rounding, but for the share of an attention sink."""
        return (1 - self.weights.sum(axis=2, dtype=np.float64)).astype(np.float32)

    @property
    def causal(self) -> bool:
        """Whether no query looks at a key behind it; of tokens on both sides alike."""
        return self.queries == self.keys and not np.triu(self.weights, 1).any()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AttentionLayer):
            return NotImplemented
        names = [field.name for field in fields(self) if field.name != "weights"]
        same = all(getattr(self, name) == getattr(other, name) for name in names)
        return same and np.array_equal(self.weights, other.weights)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False, repr=False)
class Attentions(Displayed):
    """The attention weights of one input: in each layer and head, how much each token looked at each.

    - `tokens`: all tokens, an encoder-decoder's source in front of its target prefix; an image model's own states (a
      class token) in front, with the role "model".
    - `layers`: an `AttentionLayer` each, in the order the model computes them.
    - `provenance`: as in an `Attribution`.

    Raises `NonFiniteError` if a weight or vector is NaN or infinite. It does not claim that a token looked at is a
    token that counts: weights say nothing of the values they are of, and other layers mix them on.
    """

    tokens: tuple[Token, ...]
    layers: tuple[AttentionLayer, ...]
    provenance: dict[str, Any]

    def __post_init__(self) -> None:
        for name in ("tokens", "layers"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "provenance", plain(self.provenance))
        if not self.layers:
            raise InputError("An attentions record has at least one layer, got none.")
        for layer in self.layers:
            for start, end in (layer.queries, layer.keys):
                if not 0 <= start < end <= len(self.tokens):
                    raise InputError(f"{layer.name} is of tokens {start} to {end}, wanted some of {len(self.tokens)}.")

    # ------------------------------------------------------------------ what it says

    @property
    def causal(self) -> bool:
        """Whether the model is one stack in which no token looks at a later one."""
        return all(layer.kind == "self" and layer.causal for layer in self.layers)

    def layer(self, number: int, kind: AttentionKind | None = None) -> AttentionLayer:
        """The layer of that number; `kind` says which, in an encoder-decoder. `InputError` if it is not there."""
        found = [one for one in self.layers if one.number == number and kind in (None, one.kind)]
        if len(found) != 1:
            known = ", ".join(one.name for one in self.layers)
            which = "Several layers have" if found else "No layer has"
            wanted = f" and the kind {kind!r}" if kind else ""
            raise InputError(f"{which} the number {number!r}{wanted}. Layers are: {known}.")
        return found[0]

    # ------------------------------------------------------------------ in and out

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values; `from_dict` is its inverse."""
        described = self._described()
        for fields_of, layer in zip(described["layers"], self.layers, strict=True):
            fields_of["weights"] = layer.weights.tolist()
            if layer.vectors is not None:
                fields_of["vectors"]["queries"] = layer.vectors.queries.tolist()
                fields_of["vectors"]["keys"] = layer.vectors.keys.tolist()
        return described

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Attentions":
        """The record that `to_dict` described, equal to the one it was made from; `InputError` for anything else."""
        missing = [field.name for field in fields(cls) if field.name not in data]
        if missing:
            raise InputError(f"This is no attentions record: it has no {', '.join(missing)}.")
        try:
            tokens = tuple(Token(**token) for token in data["tokens"])
            layers = tuple(_layer(one) for one in data["layers"])
        except (TypeError, ValueError, KeyError) as error:
            raise InputError(f"This is no attentions record: {error}") from error
        return cls(tokens, layers, data["provenance"])

    def save(self, path: str | PathLike[str]) -> None:
        """Write one safetensors file: weights and vectors as tensors, the rest as JSON in its metadata."""
        arrays = {}
        for i, layer in enumerate(self.layers):
            arrays[f"weights.{i}"] = layer.weights
            if layer.vectors is not None:
                arrays |= {f"queries.{i}": layer.vectors.queries, f"keys.{i}": layer.vectors.keys}
        storage.write(path, "attentions", self._described(), arrays)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Attentions":
        """Read what `save` wrote; equal to the record saved."""
        described, arrays = storage.read(path, "attentions")
        for i, layer in enumerate(described.get("layers", ())):
            layer["weights"] = arrays.get(f"weights.{i}")
            if layer.get("vectors") is not None:
                layer["vectors"] |= {name: arrays.get(f"{name}.{i}") for name in ("queries", "keys")}
        return cls.from_dict(described)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Attentions):
            return NotImplemented
        return all(getattr(self, field.name) == getattr(other, field.name) for field in fields(self))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    def __repr__(self) -> str:
        heads = sorted({layer.heads for layer in self.layers})
        kinds = dict.fromkeys(layer.kind for layer in self.layers)
        return (
            f"Attentions(layers={len(self.layers)}, heads={heads[0] if len(heads) == 1 else heads}, "
            f"tokens={len(self.tokens)}, kinds={list(kinds)})"
        )

    def _described(self) -> dict[str, Any]:
        """All but the arrays."""
        return {
            "tokens": [token.to_dict() for token in self.tokens],
            "layers": [
                {
                    "number": layer.number,
                    "kind": layer.kind,
                    "queries": list(layer.queries),
                    "keys": list(layer.keys),
                    "weights": None,
                    "vectors": None
                    if layer.vectors is None
                    else {"queries": None, "keys": None, "scale": layer.vectors.scale, "biased": layer.vectors.biased},
                }
                for layer in self.layers
            ],
            "provenance": plain(self.provenance),
        }


def _layer(data: dict[str, Any]) -> AttentionLayer:
    given = data["vectors"]
    vectors = given and HeadVectors(
        _float32(given["queries"]), _float32(given["keys"]), given["scale"], given["biased"]
    )
    queries, keys = ((start, end) for start, end in (data["queries"], data["keys"]))
    return AttentionLayer(data["number"], data["kind"], queries, keys, _float32(data["weights"]), vectors)


def _float32(numbers: Any) -> Float32[np.ndarray, "..."]:
    return np.asarray(numbers, dtype=np.float32)


def _frozen(numbers: Any, axes: int, what: str) -> Float32[np.ndarray, "..."]:
    """A read-only float32 copy; `InputError` for numbers of another shape, `NonFiniteError` for what is no number."""
    array = np.array(numbers, dtype=np.float32, order="C")
    if array.ndim != axes:
        raise InputError(f"{what} have the shape {array.shape}, wanted {axes} axes.")
    if not np.isfinite(array).all():
        raise NonFiniteError(
            f"{what} came out NaN or infinite, so there is nothing to return. Usual causes are float16 overflow (load "
            f"with dtype='float32') and weights that hold NaN."
        )
    array.setflags(write=False)
    return array
