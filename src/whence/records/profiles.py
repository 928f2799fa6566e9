"""What the units that a prediction went through do elsewhere."""

from dataclasses import asdict, dataclass
from os import PathLike
from typing import Any

from whence.errors import InputError
from whence.records import storage
from whence.records.display import Displayed
from whence.records.latents import UnitScore
from whence.records.maximizers import Maximizers
from whence.records.plain import plain
from whence.records.target_value import TargetValue
from whence.records.tokens import Token
from whence.records.units import Unit
from whence.records.vocabulary_projection import VocabularyProjection


@dataclass(frozen=True)
class Profile:
    """One unit: its relevance for the prediction, the tokens it writes for, and the texts that drive it most.

    `projection` is None for a unit that has none, and `reason` then says why; `maximizers` are None where no texts were
    given.
    """

    score: UnitScore
    projection: VocabularyProjection | None
    reason: str | None
    maximizers: Maximizers | None

    @property
    def unit(self) -> Unit:
        """The unit."""
        return self.score.unit

    def to_dict(self) -> dict[str, Any]:
        """The profile as plain JSON values."""
        score = {**asdict(self.score), "unit": self.unit.name, "token": self.score.token.to_dict()}
        return {
            "score": score,
            "projection": None if self.projection is None else self.projection.to_dict(),
            "reason": self.reason,
            "maximizers": None if self.maximizers is None else self.maximizers.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Profile":
        """The profile that `to_dict` described."""
        score = {**data["score"], "unit": Unit.parse(data["score"]["unit"]), "token": Token(**data["score"]["token"])}
        projection, maximizers = data["projection"], data["maximizers"]
        return cls(
            UnitScore(**score),
            None if projection is None else VocabularyProjection.from_dict(projection),
            data["reason"],
            None if maximizers is None else Maximizers.from_dict(maximizers),
        )


@dataclass(frozen=True, repr=False)
class Profiles(Displayed):
    """The units of largest |relevance| for one prediction, largest first, each with what else is known of it.

    - `kind`, `method`, `params`: those of the `Latents` they are the top of; `among` is how many units that has.
    - `target`: the number explained, in whose unit the relevance is.

    It does not claim that a unit stands for what its tokens or texts have in common: most units do several things.
    """

    kind: str
    target: TargetValue
    entries: tuple[Profile, ...]
    among: int
    method: str
    params: dict[str, Any]
    provenance: dict[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", tuple(self.entries))
        object.__setattr__(self, "params", plain(self.params))
        object.__setattr__(self, "provenance", plain(self.provenance))

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values; `from_dict` is its inverse."""
        return {
            "kind": self.kind,
            "target": self.target.to_dict(),
            "entries": [entry.to_dict() for entry in self.entries],
            "among": self.among,
            "method": self.method,
            "params": plain(self.params),
            "provenance": plain(self.provenance),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Profiles":
        """The record that `to_dict` described, equal to the one it was made from; `InputError` for anything else."""
        try:
            entries = tuple(Profile.from_dict(entry) for entry in data["entries"])
            target = TargetValue(**data["target"])
            return cls(data["kind"], target, entries, data["among"], data["method"], data["params"], data["provenance"])
        except (TypeError, KeyError, AttributeError) as error:
            raise InputError(f"These are no profiles of units: {type(error).__name__}: {error}") from error

    def save(self, path: str | PathLike[str]) -> None:
        """Write one file: the record as JSON, in the metadata of a safetensors file as all records are."""
        storage.write(path, "profiles", self.to_dict(), {})

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Profiles":
        """Read what `save` wrote; equal to the record saved."""
        return cls.from_dict(storage.read(path, "profiles")[0])

    def __repr__(self) -> str:
        units = ", ".join(repr(entry.unit.name) for entry in self.entries[:3]) + (", ..." * (len(self.entries) > 3))
        return f"Profiles({self.target.label!r}, {units})"
