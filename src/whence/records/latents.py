"""Relevance inside the model: how much each unit of one kind, at each token, contributed to each explained number."""

from dataclasses import dataclass, fields
from numbers import Integral
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32

from whence.errors import InputError, MissingExtraError, NonFiniteError
from whence.records import storage
from whence.records.attribution import Attribution
from whence.records.display import Displayed
from whence.records.plain import plain
from whence.records.target_value import TargetValue, first_labels
from whence.records.tokens import Token
from whence.records.units import Unit, as_unit

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class UnitScore:
    """One unit's relevance summed over the tokens, and the token where its magnitude is largest.

    `score` is the sum; `at` the place of the token in the input; `score_there` the unit's relevance at that token.
    """

    unit: Unit
    score: float
    at: int
    token: Token
    score_there: float


@dataclass(frozen=True, eq=False, repr=False)
class Latents(Displayed):
    """Signed relevance of units inside the model, at every token, for every explained number.

    - `kind`: what was asked for, "neuron", "head", "layer" or "residual".
    - `units`: the m units, in the order the model computes them.
    - `tokens`, `targets`, `method`, `params`, `provenance`: as in an `Attribution`.
    - `scores`: float32 `(targets, tokens, units)`, signed, in the target's unit.

    Raises `NonFiniteError` if any score is NaN or infinite. It does not claim that units of one kind add up to the
    value: only "residual" does, and only for rules that conserve (see `whence.latents`).
    """

    kind: str
    units: tuple[Unit, ...]
    tokens: tuple[Token, ...]
    targets: tuple[TargetValue, ...]
    scores: Float32[np.ndarray, "..."]
    method: str
    params: dict[str, Any]
    provenance: dict[str, Any]

    def __post_init__(self) -> None:
        for name in ("units", "tokens", "targets"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        scores = np.array(self.scores, dtype=np.float32, order="C")
        scores.setflags(write=False)
        object.__setattr__(self, "scores", scores)
        for name in ("params", "provenance"):
            object.__setattr__(self, name, plain(getattr(self, name)))
        wanted = (len(self.targets), len(self.tokens), len(self.units))
        if scores.shape != wanted:
            raise InputError(f"Scores have shape {scores.shape}, wanted (targets, tokens, units) = {wanted}.")
        if not np.isfinite(scores).all() or not all(np.isfinite(t.value) for t in self.targets):
            raise NonFiniteError(
                f"{self.method}: the relevance of the units came out NaN or infinite, so there is nothing to return. "
                f"Usual causes are float16 overflow (load with dtype='float32') and weights that hold NaN."
            )

    # ------------------------------------------------------------------ what it says

    @property
    def total(self) -> Float32[np.ndarray, "target unit"]:
        """Each unit's relevance summed over the tokens, float32 `(targets, units)`."""
        return self.scores.sum(axis=1, dtype=np.float64).astype(np.float32)

    @property
    def unit(self) -> str:
        """The unit of measure of the scores: that of the targets (all of them, where rows differ)."""
        return ", ".join(dict.fromkeys(target.unit for target in self.targets)) or "none"

    def top(self, k: int = 10, target: int = 0) -> list[UnitScore]:
        """The k units of largest |total| in one target row, largest first, earlier first among equals."""
        if isinstance(k, bool) or not isinstance(k, Integral) or k < 1:
            raise InputError(f"top(k) wants k, a whole number of at least 1, got {k!r}.")
        if not 0 <= target < len(self.targets):
            raise InputError(f"There is no target row {target}: rows are 0 to {len(self.targets) - 1}.")
        total = self.total[target]
        order = np.argsort(-np.abs(total), kind="stable")[:k]
        peaks = np.abs(self.scores[target][:, order]).argmax(axis=0)
        return [
            UnitScore(self.units[i], float(total[i]), int(t), self.tokens[t], float(self.scores[target, t, i]))
            for i, t in zip(order, peaks, strict=True)
        ]

    def of(self, unit: Unit | str | tuple[int, int]) -> Attribution:
        """One unit's relevance at each token, as an `Attribution`; `InputError` if the unit is not among these.

        Of an image, at each patch: the model's own states in front of them (a class token) are left out.
        """
        wanted = as_unit(unit)
        if wanted not in self.units:
            raise InputError(f"{wanted.name} is not among these {len(self.units)} units of kind {self.kind!r}.")
        provenance = {**self.provenance, "derived": [*self.provenance.get("derived", []), wanted.name]}
        kept = [i for i, token in enumerate(self.tokens) if token.role != "model"]
        scores = self.scores[:, kept, self.units.index(wanted)]
        tokens = tuple(self.tokens[i] for i in kept)
        return Attribution(tokens, self.targets, scores, None, self.method, self.params, provenance)

    # ------------------------------------------------------------------ in and out

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values, units as columns; `from_dict` is its inverse."""
        return self._described() | {"scores": self.scores.tolist()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Latents":
        """The record that `to_dict` described, equal to the one it was made from; `InputError` for anything else."""
        missing = [field.name for field in fields(cls) if field.name not in data]
        if missing:
            raise InputError(f"This is no latents record: it has no {', '.join(missing)}.")
        try:
            columns = [data["units"][f.name] for f in fields(Unit)]
            units = tuple(Unit(*values) for values in zip(*columns, strict=True))
            tokens = tuple(Token(**t) for t in data["tokens"])
            targets = tuple(TargetValue(**t) for t in data["targets"])
            scores = np.asarray(data["scores"], dtype=np.float32)
        except (TypeError, ValueError, KeyError) as error:
            raise InputError(f"This is no latents record: {error}") from error
        if scores.size == 0:
            scores = scores.reshape(len(targets), len(tokens), len(units))
        return cls(data["kind"], units, tokens, targets, scores, data["method"], data["params"], data["provenance"])

    def save(self, path: str | PathLike[str]) -> None:
        """Write one safetensors file: scores as a tensor, the rest as JSON in its metadata."""
        storage.write(path, "latents", self._described(), {"scores": self.scores})

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Latents":
        """Read what `save` wrote; equal to the record saved."""
        described, arrays = storage.read(path, "latents")
        return cls.from_dict(described | {"scores": arrays.get("scores")})

    def to_pandas(self) -> "pandas.DataFrame":
        """One row for each (target, unit), in that order: its total, and the token where its magnitude is largest."""
        try:
            import pandas
        except ImportError as error:
            raise MissingExtraError("pandas", "pandas", "Latents.to_pandas") from error
        tables = []
        for row, target in enumerate(self.targets):
            peaks = np.abs(self.scores[row]).argmax(axis=0)
            columns: dict[str, Any] = {"target": target.label, "target_position": target.position}
            columns |= {name: [getattr(u, name) for u in self.units] for name in ("name", "kind", "layer", "index")}
            columns |= {"stack": [u.stack for u in self.units], "score": self.total[row], "token_index": peaks}
            columns |= {"token": [self.tokens[t].text for t in peaks]}
            columns |= {"score_there": self.scores[row, peaks, np.arange(len(self.units))], "unit": target.unit}
            tables.append(pandas.DataFrame(columns))
        return pandas.concat(tables, ignore_index=True)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Latents):
            return NotImplemented
        return self._plain_fields() == other._plain_fields() and np.array_equal(self.scores, other.scores)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    def __repr__(self) -> str:
        labels = first_labels(self.targets)
        return (
            f"Latents(kind={self.kind!r}, method={self.method!r}, targets=[{labels}], tokens={len(self.tokens)}, "
            f"units={len(self.units)})"
        )

    def _described(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "units": {f.name: [getattr(unit, f.name) for unit in self.units] for f in fields(Unit)},
            "tokens": [t.to_dict() for t in self.tokens],
            "targets": [t.to_dict() for t in self.targets],
            "scores": None,
            "method": self.method,
            "params": plain(self.params),
            "provenance": plain(self.provenance),
        }

    def _plain_fields(self) -> list[Any]:
        return [getattr(self, field.name) for field in fields(self) if field.name != "scores"]
