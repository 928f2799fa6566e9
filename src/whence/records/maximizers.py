"""The texts that drive a unit inside the model most."""

from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

from whence.errors import InputError, MissingExtraError
from whence.records import storage
from whence.records.attribution import Attribution
from whence.records.display import Displayed
from whence.records.plain import plain
from whence.records.tokens import Token
from whence.records.units import Unit

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Maximizer:
    """One text that drives the unit.

    `text` is its place among the texts given, `value` what it was ranked by, `at` the place of the token where that is
    largest, `attribution` which input tokens the unit's activation there comes from.
    """

    text: int
    value: float
    at: int
    attribution: Attribution

    @property
    def token(self) -> Token:
        """The token where the value is largest."""
        return self.attribution.tokens[self.at]


@dataclass(frozen=True, repr=False)
class Maximizers(Displayed):
    """The texts where a unit's activation, or its relevance for the model's prediction, is largest, largest first.

    `by` is "activation" or "relevance"; `searched` how many texts were looked at. Texts not searched may drive the unit
    more, and what texts have in common is for the reader to say.
    """

    unit: Unit
    by: str
    searched: int
    entries: tuple[Maximizer, ...]
    provenance: dict[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "entries", tuple(self.entries))
        object.__setattr__(self, "provenance", plain(self.provenance))

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values; `from_dict` is its inverse."""
        return {
            "unit": self.unit.name,
            "by": self.by,
            "searched": self.searched,
            "entries": [
                {"text": e.text, "value": e.value, "at": e.at, "attribution": e.attribution.to_dict()}
                for e in self.entries
            ],
            "provenance": plain(self.provenance),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Maximizers":
        """The record that `to_dict` described, equal to the one it was made from; `InputError` for anything else."""
        try:
            entries = tuple(
                Maximizer(**{**entry, "attribution": Attribution.from_dict(entry["attribution"])})
                for entry in data["entries"]
            )
            return cls(Unit.parse(data["unit"]), data["by"], data["searched"], entries, data["provenance"])
        except (TypeError, KeyError, AttributeError) as error:
            raise InputError(f"This is no record of maximizers: {type(error).__name__}: {error}") from error

    def save(self, path: str | PathLike[str]) -> None:
        """Write one safetensors file with every score array, the rest as JSON in its metadata."""
        described = self.to_dict()
        arrays = {}
        for i, (entry, record) in enumerate(zip(described["entries"], self.entries, strict=True)):
            entry["attribution"] |= {"scores": None, "residual": None}
            arrays[f"{i}.scores"] = record.attribution.scores
            if record.attribution.residual is not None:
                arrays[f"{i}.residual"] = record.attribution.residual
        storage.write(path, "maximizers", described, arrays)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Maximizers":
        """Read what `save` wrote; equal to the record saved."""
        described, arrays = storage.read(path, "maximizers")
        for i, entry in enumerate(described.get("entries", [])):
            entry["attribution"] |= {"scores": arrays.get(f"{i}.scores"), "residual": arrays.get(f"{i}.residual")}
        return cls.from_dict(described)

    def to_pandas(self) -> "pandas.DataFrame":
        """One row for each text, in order of the ranking."""
        try:
            import pandas
        except ImportError as error:
            raise MissingExtraError("pandas", "pandas", "Maximizers.to_pandas") from error
        rows = [
            {"rank": rank, "text_index": e.text, "text": e.attribution.text, "value": e.value, "by": self.by}
            | {"token_index": e.at, "token": e.token.text}
            for rank, e in enumerate(self.entries, start=1)
        ]
        return pandas.DataFrame(rows)

    def __repr__(self) -> str:
        return f"Maximizers({self.unit.name!r}, by={self.by!r}, {len(self.entries)} of {self.searched} texts)"
