"""What a neuron's output weights say about the vocabulary."""

from dataclasses import asdict, dataclass
from typing import Any

from whence.errors import InputError
from whence.records.display import Displayed
from whence.records.plain import plain
from whence.records.units import Unit


@dataclass(frozen=True)
class TokenScore:
    """One vocabulary entry: its text, its id, and the score it was ranked by."""

    text: str
    id: int
    score: float


@dataclass(frozen=True, repr=False)
class VocabularyProjection(Displayed):
    """The vocabulary entries that a neuron's output weights promote and suppress most, strongest first.

    Scores are logits per unit of the neuron's activation, before the final norm (see `whence.vocabulary_projection`).
    A neuron whose activation is negative promotes what is listed as suppressed.
    """

    unit: Unit
    promoted: tuple[TokenScore, ...]
    suppressed: tuple[TokenScore, ...]
    provenance: dict[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "promoted", tuple(self.promoted))
        object.__setattr__(self, "suppressed", tuple(self.suppressed))
        object.__setattr__(self, "provenance", plain(self.provenance))

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values; `from_dict` is its inverse."""
        return {
            "unit": self.unit.name,
            "promoted": [asdict(entry) for entry in self.promoted],
            "suppressed": [asdict(entry) for entry in self.suppressed],
            "provenance": plain(self.provenance),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "VocabularyProjection":
        """The record that `to_dict` described, equal to the one it was made from; `InputError` for anything else."""
        try:
            promoted, suppressed = (
                tuple(TokenScore(**entry) for entry in data[side]) for side in ("promoted", "suppressed")
            )
            return cls(Unit.parse(data["unit"]), promoted, suppressed, data["provenance"])
        except (TypeError, KeyError, AttributeError) as error:
            raise InputError(f"This is no vocabulary projection: {type(error).__name__}: {error}") from error

    def __repr__(self) -> str:
        words = ", ".join(repr(entry.text) for entry in self.promoted[:3])
        return f"VocabularyProjection({self.unit.name!r}, promotes {words})"
