"""An explanation: how much each token contributed to each explained number, and what is left unaccounted for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from numbers import Integral
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Float32

from whence.errors import InputError, MissingExtraError
from whence.records import storage
from whence.records.difference import MINUS, provenance_difference, refuse_unlike, target_difference
from whence.records.display import Displayed
from whence.records.grid import grid_of, grid_tokens, packed, square_sums, unpacked
from whence.records.grouping import merge, sentence_groups, span_groups, word_groups
from whence.records.origin import regrouped
from whence.records.plain import plain
from whence.records.soundness import refuse_non_finite, refuse_other_shapes
from whence.records.target_value import TargetValue, first_labels
from whence.records.tokens import Token

if TYPE_CHECKING:
    import pandas

_SAME_UNITS = ("share", "difference")
"""What a record can be derived by that leaves its units as they were."""


@dataclass(frozen=True, eq=False, repr=False)
class Attribution(Displayed):
    """Signed scores of every input token for every explained number.

    For methods that claim completeness `value - baseline_value = sum(scores) + residual` in each row, in `unit`.

    - `tokens`: the n input units, in order.
    - `targets`: what each of the k rows explains.
    - `scores`: float32 `(targets, tokens)`, signed, in `unit`.
    - `residual`: float32 `(targets,)`, the part of the value no token received; None for methods that do not claim
      that their scores add up to anything.
    - `method`, `params`: the method's registry key and its parameters.
    - `provenance`: how the scores were made: model, weights, tokenizer, versions, seed, cost.

    Raises `NonFiniteError` if any score is NaN or infinite. Records are never changed: every method returns a new one.
    It does not claim that the explanation is faithful to the model: that is measured, not assumed.
    """

    tokens: tuple[Token, ...]
    targets: tuple[TargetValue, ...]
    scores: Float32[np.ndarray, "..."]
    residual: Float32[np.ndarray, "..."] | None
    method: str
    params: dict[str, Any]
    provenance: dict[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", tuple(self.tokens))
        object.__setattr__(self, "targets", tuple(self.targets))
        object.__setattr__(self, "scores", _frozen(self.scores))
        object.__setattr__(self, "residual", None if self.residual is None else _frozen(self.residual))
        object.__setattr__(self, "params", plain(self.params))
        object.__setattr__(self, "provenance", plain(self.provenance))
        refuse_other_shapes(len(self.targets), len(self.tokens), self.scores, self.residual)
        refuse_non_finite(self.method, self.targets, self.scores, self.residual)

    @classmethod
    def build(
        cls,
        tokens: Sequence[Token],
        targets: Sequence[TargetValue],
        scores: Float[np.ndarray, "target token"],
        *,
        complete: bool,
        method: str,
        params: dict[str, Any],
        provenance: dict[str, Any],
    ) -> "Attribution":
        """A record whose residual is computed here, from the float32 scores as stored, where `complete`."""
        stored = np.asarray(scores, dtype=np.float32)
        residual = _residual(targets, stored) if complete else None
        return cls(tuple(tokens), tuple(targets), stored, residual, method, params, provenance)

    # ------------------------------------------------------------------ what it is about

    @property
    def unit(self) -> str:
        """The unit of the scores: the method's own, or else the targets' (all of them, where rows differ)."""
        return ", ".join(dict.fromkeys(self.unit_of(row) for row in range(len(self.targets)))) or "none"

    def unit_of(self, row: int) -> str:
        """The unit of one row's scores: the method's own, or else that of the row's target."""
        unit = self.provenance.get("scores_unit") or self.targets[row].unit
        return unit[row] if isinstance(unit, list) else unit

    def visible(self, row: int) -> int:
        """How many of the leading tokens this row's prediction can depend on: in a causal model those in front of it.

        Of a record whose units are others than the tokens scored (words, top) all units are counted.
        """
        position = self.targets[row].position
        counts = self.provenance.get("visible")
        seen = position if counts is None else counts[row]
        return len(self.tokens) if seen is None or self.is_regrouped else int(seen)

    @property
    def is_regrouped(self) -> bool:
        """Whether the units are sums over the tokens scored, or some of them: words, segments, the top ones."""
        return any(step.partition("(")[0] not in _SAME_UNITS for step in self.provenance.get("derived", []))

    @property
    def standard_error(self) -> Float[np.ndarray, "target token"] | None:
        """The standard error of every score of a method that samples, in `unit`; None for one that does not."""
        found = self.provenance.get("standard_error")
        return None if found is None else np.array(found, dtype=np.float64).reshape(self.scores.shape)

    @property
    def text(self) -> str | None:
        """The text that token offsets index, None where it was not kept."""
        return self.provenance.get("text")

    @property
    def grid(self) -> tuple[int, int] | None:
        """The rows and columns of the image's units, of which `tokens` is one after the other; None for text."""
        return grid_of(self.provenance, len(self.tokens))

    # ------------------------------------------------------------------ new records from this one

    def words(self) -> "Attribution":
        """Scores summed over the tokens of each word (separated by white space; punctuation stays attached)."""
        self._refuse_image("words")
        return self.grouped(word_groups(self.tokens), "words")

    def sentences(self) -> "Attribution":
        """Scores summed over the tokens of each sentence (closed by . ! ? or a line break)."""
        self._refuse_image("sentences")
        return self.grouped(sentence_groups(self.tokens, self.text), "sentences")

    def segments(self, spans: Sequence[tuple[int, int]]) -> "Attribution":
        """Scores summed over each character span `(start, end)` of the input, one unit a span, in the order given.

        Tokens outside every span are left out; where there is a residual, it takes up their scores.
        Raises `InputError` if a span covers no token, cuts through one, or shares one with another span.
        """
        self._refuse_image("segments")
        try:
            borders = [(int(start), int(end)) for start, end in spans]
        except (TypeError, ValueError) as error:
            raise InputError(f"segments() wants a list of (start, end) character offsets, got {spans!r}.") from error
        return self.grouped(span_groups(self.tokens, borders), "segments")

    def grouped(self, groups: Sequence[Sequence[int]], name: str) -> "Attribution":
        """Scores summed over groups of token indices, one unit a group; `name` is how the provenance calls it."""
        tokens = [merge(self.tokens, group, self.text) for group in groups]

        def summed(table: np.ndarray) -> np.ndarray:
            columns = [table[:, list(group)].sum(axis=1, dtype=np.float64) for group in groups]
            return np.stack(columns, axis=1) if columns else np.zeros((len(table), 0))

        return self._derived(tokens, summed, name, groups)

    def patches(self, size: int) -> "Attribution":
        """Scores of an image's units summed over squares of `size` by `size` units, smaller ones at the far edges.

        Raises `InputError` for a record whose units lie in no grid.
        """
        if self.grid is None:
            raise InputError("patches() sums over squares of an image, and the units of this record lie in no grid.")
        grid = self.grid
        rows, columns = square_sums(self.scores.reshape(-1, *grid), size).shape[1:]
        cell = [size * side for side in self.provenance.get("cell", (1, 1))]

        def summed(table: np.ndarray) -> np.ndarray:
            return square_sums(table.reshape(-1, *grid), size).reshape(len(table), -1)

        squares = grid_tokens(rows, columns, "square")
        numbers = np.arange(grid[0] * grid[1]).reshape(grid)
        groups = [
            numbers[row : row + size, column : column + size].ravel().tolist()
            for row in range(0, grid[0], size)
            for column in range(0, grid[1], size)
        ]
        return self._derived(squares, summed, f"patches({size})", groups, grid=[rows, columns], cell=cell)

    def top(self, k: int = 10) -> "Attribution":
        """The k units with the largest sum of |score| over the rows, largest first; the rest goes to the residual."""
        if isinstance(k, bool) or not isinstance(k, Integral) or k < 1:
            raise InputError(f"top(k) wants k, a whole number of at least 1, got {k!r}.")
        order = np.argsort(-np.abs(self.scores.astype(np.float64)).sum(axis=0), kind="stable")[:k]
        return self._derived(
            [self.tokens[i] for i in order], lambda table: table[:, order], f"top({k})", [[int(i)] for i in order]
        )

    def share(self) -> "Attribution":
        """Scores divided by the row's sum of |score|, so that a row's magnitudes add up to 1; the unit says so.

        Raises `InputError` for a row of zeros, which has no shares.
        """
        total = np.abs(self.scores.astype(np.float64)).sum(axis=1)
        if (total == 0).any():
            raise InputError(f"Row {int(np.argmin(total))} has only zero scores: there is nothing to take shares of.")
        unit = f"share of total |{self.unit}|"
        targets = [
            replace(
                target,
                value=target.value / float(t),
                baseline_value=None if target.baseline_value is None else target.baseline_value / float(t),
                unit=f"{target.unit} / total |{self.unit_of(row)}|",
            )
            for row, (target, t) in enumerate(zip(self.targets, total, strict=True))
        ]
        shared = self._derived(self.tokens, lambda table: table / total[:, None], "share", targets=targets)
        return replace(shared, provenance={**shared.provenance, "scores_unit": unit})

    def difference(self, other: "Attribution") -> "Attribution":
        """What this explanation gives each token more than `other` does: `scores = self.scores - other.scores`.

        Values and baselines are subtracted too, and the residual is the difference of both, or None where either
        method does not claim that its scores add up. A row whose two targets differ is named after both. Standard
        errors are added: that of a difference is at most their sum. It does not say which of the two is right.

        Raises `InputError` for other tokens, another number of target rows, or scores in another unit: then
        `a.share().difference(b.share())`, the difference of shares of each one's own total, can be taken.
        """
        if not isinstance(other, Attribution):
            raise InputError(f"difference() wants another attribution, got {type(other).__name__}.")
        refuse_unlike(self, other)
        complete = self.residual is not None and other.residual is not None
        return self.build(
            self.tokens,
            [
                target_difference(mine, theirs, complete)
                for mine, theirs in zip(self.targets, other.targets, strict=True)
            ],
            self.scores.astype(np.float64) - other.scores,
            complete=complete,
            method=f"{self.method}{MINUS}{other.method}",
            params={"first": self.params, "second": other.params} if self.params or other.params else {},
            provenance=provenance_difference(self, other),
        )

    # ------------------------------------------------------------------ in and out

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values; `from_dict` is its inverse."""
        return {
            "tokens": [t.to_dict() for t in self.tokens],
            "targets": [t.to_dict() for t in self.targets],
            "scores": self.scores.tolist(),
            "residual": None if self.residual is None else self.residual.tolist(),
            "method": self.method,
            "params": plain(self.params),
            "provenance": plain(self.provenance),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Attribution":
        """The record that `to_dict` described, equal to the one it was made from; `InputError` for anything else."""
        missing = [field.name for field in fields(cls) if field.name not in data]
        if missing:
            raise InputError(f"This is no attribution: it has no {', '.join(missing)}.")
        try:
            tokens = tuple(Token(**t) for t in data["tokens"])
            targets = tuple(TargetValue(**t) for t in data["targets"])
            scores = np.asarray(data["scores"], dtype=np.float32)
            residual = None if data["residual"] is None else np.asarray(data["residual"], dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise InputError(f"This is no attribution: {error}") from error
        if scores.size == 0 == len(targets) * len(tokens):
            scores = scores.reshape(len(targets), len(tokens))
        return cls(tokens, targets, scores, residual, data["method"], data["params"], data["provenance"])

    def save(self, path: str | PathLike[str]) -> None:
        """Write one safetensors file: scores and residual as tensors, the rest as JSON in its metadata."""
        tokens = packed(self.tokens, self.grid)
        described = self.to_dict() | {"tokens": tokens, "scores": None, "residual": None}
        arrays = {"scores": self.scores}
        if self.residual is not None:
            arrays["residual"] = self.residual
        storage.write(path, "attribution", described, arrays)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Attribution":
        """Read what `save` wrote; equal to the record saved."""
        described, arrays = storage.read(path, "attribution")
        numbers = {"scores": arrays.get("scores"), "residual": arrays.get("residual")}
        return cls.from_dict(unpacked(described | numbers))

    def to_pandas(self) -> "pandas.DataFrame":
        """One row for each (target, token), in that order: the score, its standard error, the columns of both."""
        try:
            import pandas
        except ImportError as error:
            raise MissingExtraError("pandas", "pandas", "Attribution.to_pandas") from error
        errors = self.standard_error
        rows = [
            {"target": target.label, "target_position": target.position, "token_index": i}
            | {("token" if name == "text" else name): value for name, value in token.to_dict().items()}
            | {"score": float(self.scores[r, i]), "unit": self.unit_of(r)}
            | ({} if errors is None else {"standard_error": float(errors[r, i])})
            for r, target in enumerate(self.targets)
            for i, token in enumerate(self.tokens)
        ]
        return pandas.DataFrame(rows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Attribution):
            return NotImplemented
        same_residual = (self.residual is None) == (other.residual is None) and (
            self.residual is None or other.residual is None or np.array_equal(self.residual, other.residual)
        )
        mine, theirs = (a.tokens + a.targets + (a.method, a.params, a.provenance) for a in (self, other))
        return mine == theirs and np.array_equal(self.scores, other.scores) and same_residual

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    def __repr__(self) -> str:
        labels = first_labels(self.targets)
        return f"Attribution(method={self.method!r}, targets=[{labels}], tokens={len(self.tokens)}, unit={self.unit!r})"

    # ------------------------------------------------------------------ inside

    def _refuse_image(self, name: str) -> None:
        if self.grid is not None:
            raise InputError(f"{name}() groups the tokens of a text, and this record is of an image. Try patches(2).")

    def _derived(
        self,
        tokens: Sequence[Token],
        change: Callable[[np.ndarray], np.ndarray],
        name: str,
        groups: Sequence[Sequence[int]] | None = None,
        targets: Sequence[TargetValue] | None = None,
        **changed: Any,
    ) -> "Attribution":
        """The record with `change` made to its table of scores, and to that of their standard errors.

        `groups` are the units that each new one is made of, where they are others. The standard error of a sum is at
        most the sum of the standard errors, which is what it becomes.
        """
        if groups is not None and "inputs" in self.provenance:
            changed["inputs"] = regrouped(self.provenance["inputs"], self.tokens, groups)
        kept = {key: value for key, value in self.provenance.items() if key != "grid" or tokens is self.tokens}
        if self.standard_error is not None:
            changed["standard_error"] = change(self.standard_error).tolist()
        provenance = {**kept, **changed, "derived": [*self.provenance.get("derived", []), name]}
        return self.build(
            tokens,
            self.targets if targets is None else targets,
            change(self.scores),
            complete=self.residual is not None,
            method=self.method,
            params=self.params,
            provenance=provenance,
        )


def _frozen(values: Any) -> Float32[np.ndarray, "..."]:
    array = np.array(values, dtype=np.float32, order="C")
    array.setflags(write=False)
    return array


def _residual(targets: Sequence[TargetValue], scores: Float32[np.ndarray, "target token"]) -> np.ndarray:
    explained = np.array([t.value - (t.baseline_value or 0.0) for t in targets], dtype=np.float64)
    return (explained - scores.sum(axis=1, dtype=np.float64)).astype(np.float32)
