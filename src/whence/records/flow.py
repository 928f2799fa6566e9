"""Relevance on its way through the layers: where it stands, what attention carries, and the widest ways through."""

from dataclasses import dataclass, fields
from numbers import Integral
from os import PathLike
from typing import Any

import numpy as np
from jaxtyping import Float32

from whence.errors import InputError, NonFiniteError
from whence.records import storage
from whence.records.display import Displayed
from whence.records.plain import plain
from whence.records.target_value import TargetValue, first_labels
from whence.records.tokens import Token

_ARRAYS = ("nodes", "edges", "heads")


@dataclass(frozen=True)
class FlowPath:
    """One way through the layers.

    `tokens` are the places in the input where it passes, from the input's (in front of layer 0) to the top's (behind
    the last layer). `value` is the signed flow where it is narrowest: in layer `narrowest`, or on top, where that is
    the number of layers.
    """

    tokens: tuple[int, ...]
    value: float
    narrowest: int


@dataclass(frozen=True, eq=False, repr=False)
class Flow(Displayed):
    """Signed relevance in front of every layer and behind the last, and what attention carries from token to token.

    - `tokens`, `targets`, `method`, `params`, `provenance`: as in an `Attribution`; of an image the model's own states
      come in front.
    - `nodes`: float32 `(targets, layers + 1, tokens)`, the relevance of the residual stream: [:, l] in front of layer
      l, [:, layers] behind the last. Relevance comes from there and ends at [:, 0], on the input.
    - `edges`: float32 `(targets, layers, tokens, tokens)`: [:, l, q, k] is what layer l's attention carries from token
      q, behind it, to token k, in front of it, as a part of what values sent, summed over heads.
    - `heads`: float32 `(targets, layers, heads)`, each head's relevance, summed over tokens.
    - `by_values`: the share of a head's relevance that the method's rules send to the values, and so to the edges.

    All in the target's unit. Raises `NonFiniteError` if any number is NaN or infinite. It does not claim that edges
    are all that moves between tokens: what passes by attention's weights is in `rest`.
    """

    tokens: tuple[Token, ...]
    targets: tuple[TargetValue, ...]
    nodes: Float32[np.ndarray, "..."]
    edges: Float32[np.ndarray, "..."]
    heads: Float32[np.ndarray, "..."]
    by_values: float
    method: str
    params: dict[str, Any]
    provenance: dict[str, Any]

    def __post_init__(self) -> None:
        for name in ("tokens", "targets"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in _ARRAYS:
            kept = np.array(getattr(self, name), dtype=np.float32, order="C")
            kept.setflags(write=False)
            object.__setattr__(self, name, kept)
        for name in ("params", "provenance"):
            object.__setattr__(self, name, plain(getattr(self, name)))
        rows, count = len(self.targets), len(self.tokens)
        layers = self.edges.shape[1] if self.edges.ndim == 4 else 0
        heads = self.heads.shape[2] if self.heads.ndim == 3 else 0
        wanted = {"nodes": (layers + 1, count), "edges": (layers, count, count), "heads": (layers, heads)}
        for name, shape in wanted.items():
            if getattr(self, name).shape != (rows, *shape):
                raise InputError(f"{name} have shape {getattr(self, name).shape}, wanted {(rows, *shape)}.")
        numbers = [*(getattr(self, name) for name in _ARRAYS), [target.value for target in self.targets]]
        if not all(np.isfinite(one).all() for one in numbers):
            raise NonFiniteError(
                f"{self.method}: the flow of relevance came out NaN or infinite, so there is nothing to return. "
                f"Usual causes are float16 overflow (load with dtype='float32') and weights that hold NaN."
            )

    # ------------------------------------------------------------------ what it says

    @property
    def layers(self) -> int:
        """The number of layers."""
        return int(self.edges.shape[1])

    @property
    def rest(self) -> Float32[np.ndarray, "target layer token"]:
        """What does not come to a token from another by attention's values, float32 `(targets, layers, tokens)`.

        [:, l, k] is nodes[:, l, k] − Σ_{q≠k} edges[:, l, q, k]: what stays at its token by the residual connection, the
        MLP and attention to itself, and what any token sends by attention's weights.
        """
        own = np.diagonal(self.edges, axis1=2, axis2=3)
        come = self.edges.sum(axis=2, dtype=np.float64) - own
        return (self.nodes[:, :-1] - come).astype(np.float32)

    @property
    def unit(self) -> str:
        """The unit of measure: that of the targets (all of them, where rows differ)."""
        return ", ".join(dict.fromkeys(target.unit for target in self.targets)) or "none"

    def paths(self, k: int = 5, target: int = 0) -> list[FlowPath]:
        """The widest way from the top to each of the k input tokens of largest |relevance|, largest first.

        A step from a token to another is as wide as |edges| there, one that stays as |rest|, the start as |nodes| on
        top; a way is as wide as its narrowest step, and the widest is found (max–min) by going down layer by layer.
        Among ways as wide, the one is taken whose lowest steps are the widest, then the earlier token.
        It sums up, and attributes nothing: relevance that goes many narrow ways is in no path, paths share steps, their
        values do not add up, and a wide step may be cancelled by another of the opposite sign.
        """
        if isinstance(k, bool) or not isinstance(k, Integral) or k < 1:
            raise InputError(f"paths(k) wants k, a whole number of at least 1, got {k!r}.")
        if not 0 <= target < len(self.targets):
            raise InputError(f"There is no target row {target}: rows are 0 to {len(self.targets) - 1}.")
        steps = np.array(self.edges[target])
        own = np.arange(len(self.tokens))
        steps[:, own, own] = self.rest[target]
        come_from = _widest(steps, self.nodes[target, -1])
        ends = np.argsort(-np.abs(self.nodes[target, 0]), kind="stable")[:k]
        return [self._path(target, steps, come_from, int(end)) for end in ends]

    def _path(
        self, target: int, steps: Float32[np.ndarray, "layer token token"], come_from: list[np.ndarray], end: int
    ) -> FlowPath:
        tokens = [end]
        for sources in come_from:
            tokens.append(int(sources[tokens[-1]]))
        flows = [steps[layer, tokens[layer + 1], tokens[layer]] for layer in range(self.layers)]
        flows.append(float(self.nodes[target, -1, tokens[-1]]))
        narrowest = int(np.argmin(np.abs(flows)))
        return FlowPath(tuple(tokens), float(flows[narrowest]), narrowest)

    # ------------------------------------------------------------------ in and out

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values; `from_dict` is its inverse."""
        return self._described() | {name: getattr(self, name).tolist() for name in _ARRAYS}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Flow":
        """The record that `to_dict` described, equal to the one it was made from; `InputError` for anything else."""
        missing = [field.name for field in fields(cls) if field.name not in data]
        if missing:
            raise InputError(f"This is no flow record: it has no {', '.join(missing)}.")
        try:
            tokens = tuple(Token(**t) for t in data["tokens"])
            targets = tuple(TargetValue(**t) for t in data["targets"])
            nodes, edges, heads = (np.asarray(data[name], dtype=np.float32) for name in _ARRAYS)
        except (TypeError, ValueError, KeyError) as error:
            raise InputError(f"This is no flow record: {error}") from error
        rest = (data[name] for name in ("by_values", "method", "params", "provenance"))
        return cls(tokens, targets, nodes, edges, heads, *rest)

    def save(self, path: str | PathLike[str]) -> None:
        """Write one safetensors file: the numbers as tensors, the rest as JSON in its metadata."""
        storage.write(path, "flow", self._described(), {name: getattr(self, name) for name in _ARRAYS})

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Flow":
        """Read what `save` wrote; equal to the record saved."""
        described, arrays = storage.read(path, "flow")
        return cls.from_dict(described | arrays)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Flow):
            return NotImplemented
        same = all(np.array_equal(getattr(self, name), getattr(other, name)) for name in _ARRAYS)
        return same and self._plain_fields() == other._plain_fields()

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    def __repr__(self) -> str:
        labels = first_labels(self.targets)
        return (
            f"Flow(method={self.method!r}, targets=[{labels}], tokens={len(self.tokens)}, layers={self.layers}, "
            f"heads={self.heads.shape[2]})"
        )

    def _described(self) -> dict[str, Any]:
        return {
            "tokens": [t.to_dict() for t in self.tokens],
            "targets": [t.to_dict() for t in self.targets],
            **dict.fromkeys(_ARRAYS),
            "by_values": self.by_values,
            "method": self.method,
            "params": plain(self.params),
            "provenance": plain(self.provenance),
        }

    def _plain_fields(self) -> list[Any]:
        return [getattr(self, field.name) for field in fields(self) if field.name not in _ARRAYS]


def _widest(steps: Float32[np.ndarray, "layer token token"], top: Float32[np.ndarray, " token"]) -> list[np.ndarray]:
    """For each layer, from the first on, the token behind it from which the widest way comes to each in front of it."""
    come_from, wide = [], np.abs(top)
    for step in steps[::-1]:
        width = np.abs(step)
        ways = np.minimum(wide[:, None], width)
        wide = ways.max(axis=0)
        come_from.append(np.where(ways == wide, width, -1.0).argmax(axis=0))
    return come_from[::-1]
