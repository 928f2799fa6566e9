"""How an explanation fared under metrics."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np

from whence.errors import InputError, NonFiniteError
from whence.records import storage
from whence.records.display import Displayed
from whence.records.plain import plain
from whence.records.reference import Reference

HIGHER, LOWER, NEITHER = "higher", "lower", "neither"
DIRECTIONS = (HIGHER, LOWER, NEITHER)


@dataclass(frozen=True)
class Curve:
    """How the model's answer went as units were taken away or added.

    `x` is the share of units changed so far, 0 to 1, `y` the answer in the score's `curve_unit`; `name` says which way.
    A curve that is the mean of many, as of random orders, has a band around it from `low` to `high`, one of each for
    each x; `band` says in words what these are: "lowest to highest of 10". Others have none.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    band: str = ""

    def __post_init__(self) -> None:
        for name in ("x", "y", "low", "high"):
            object.__setattr__(self, name, tuple(float(number) for number in getattr(self, name)))
        if len(self.x) != len(self.y):
            raise InputError(f"A curve wants one y for each x, got {len(self.x)} and {len(self.y)}.")
        if (len(self.low), len(self.high)) not in {(0, 0), (len(self.x), len(self.x))}:
            raise InputError(
                f"A curve's band wants a low and a high for each of {len(self.x)} x, or none at all, got "
                f"{len(self.low)} and {len(self.high)}."
            )
        if not np.isfinite([*self.x, *self.y, *self.low, *self.high]).all():
            raise NonFiniteError(f"The curve {self.name!r} holds NaN or infinite numbers.")

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values, those of the band where there is one."""
        described: dict[str, Any] = {"name": self.name, "x": list(self.x), "y": list(self.y)}
        return described | ({"low": list(self.low), "high": list(self.high), "band": self.band} if self.low else {})

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Curve":
        """The curve that `to_dict` described."""
        low, high = (tuple(data.get(name, ())) for name in ("low", "high"))
        return cls(data["name"], tuple(data["x"]), tuple(data["y"]), low, high, data.get("band", ""))


@dataclass(frozen=True)
class Score:
    """One metric of one explanation.

    - `value`: the mean over the target rows that have one, in `unit`; None where none has, and `reason` says why.
    - `values`: each target row's, None where there is none.
    - `direction`: whether "higher" or "lower" is better, or "neither".
    - `random`: the same metric of random orders of the same units, its mean with an interval; None for metrics that no
      order changes, or where none were drawn. `beaten` is the share of random orders that are worse.
    - `curves`: those of each target row, by which the value came about, and behind them the mean of random orders with
      its band, where these were drawn; empty for metrics without. Their heights are in `curve_unit`, which is `unit`
      where it is None.
    - `parts`: further numbers by name, means over the rows.
    - `strategy`: what masked units became, None where nothing was masked. `forwards` counts the masked inputs asked
      for; what is asked for twice is run once.
    - `caveat`: what the metric does not claim.
    """

    metric: str
    value: float | None
    values: tuple[float | None, ...]
    unit: str
    direction: str
    params: dict[str, Any] = field(default_factory=dict)
    strategy: str | None = None
    random: Reference | None = None
    beaten: float | None = None
    curves: tuple[tuple[Curve, ...], ...] = ()
    parts: dict[str, float] = field(default_factory=dict)
    forwards: int = 0
    reason: str | None = None
    caveat: str | None = None
    curve_unit: str | None = None

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise InputError(f"{self.direction!r} is no direction. Directions are: {', '.join(DIRECTIONS)}.")
        object.__setattr__(self, "values", tuple(self.values))
        object.__setattr__(self, "curves", tuple(tuple(row) for row in self.curves))
        object.__setattr__(self, "params", plain(self.params))
        object.__setattr__(self, "parts", plain(self.parts))
        numbers = [number for number in (self.value, *self.values, *self.parts.values()) if number is not None]
        if not np.isfinite(numbers).all():
            raise NonFiniteError(f"The metric {self.metric} came out NaN or infinite.")

    def __float__(self) -> float:
        """The value; `InputError` where there is none."""
        if self.value is None:
            raise InputError(f"{self.metric} has no value: {self.reason}")
        return self.value

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        random = None if self.random is None else self.random.to_dict()
        curves = [[curve.to_dict() for curve in row] for row in self.curves]
        return {
            **self.__dict__,
            "values": list(self.values),
            "params": plain(self.params),
            "parts": plain(self.parts),
            "random": random,
            "curves": curves,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Score":
        """The score that `to_dict` described."""
        random = None if data["random"] is None else Reference(**data["random"])
        curves = tuple(tuple(map(Curve.from_dict, row)) for row in data["curves"])
        return cls(**{**data, "values": tuple(data["values"]), "random": random, "curves": curves})


@dataclass(frozen=True, repr=False)
class Scores(Displayed):
    """The metrics of one explanation, in the order asked for: a sequence of `Score`, also found by metric.

    `method`, `params` and `targets` (labels) are the explanation's; `provenance` has the cost: `seconds`, `forwards`
    and `backwards` are what all metrics of all explanations of the call took together, `explanations` how many these
    were; equal masks of an input are run once.
    """

    method: str
    params: dict[str, Any]
    targets: tuple[str, ...]
    scores: tuple[Score, ...]
    provenance: dict[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", tuple(self.targets))
        object.__setattr__(self, "scores", tuple(self.scores))
        object.__setattr__(self, "params", plain(self.params))
        object.__setattr__(self, "provenance", plain(self.provenance))

    def __getitem__(self, wanted: str | int) -> Score:
        """The score of a metric, by its name or place; of several strategies the first."""
        if isinstance(wanted, int):
            return self.scores[wanted]
        for score in self.scores:
            if score.metric == wanted:
                return score
        known = ", ".join(dict.fromkeys(score.metric for score in self.scores)) or "none"
        raise InputError(f"{wanted!r} was not measured here. Measured: {known}.")

    def __iter__(self) -> Iterator[Score]:
        return iter(self.scores)

    def __len__(self) -> int:
        return len(self.scores)

    def to_dict(self) -> dict[str, Any]:
        """The record as plain JSON values; `from_dict` is its inverse."""
        return {
            "method": self.method,
            "params": plain(self.params),
            "targets": list(self.targets),
            "scores": [score.to_dict() for score in self.scores],
            "provenance": plain(self.provenance),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Scores":
        """The record that `to_dict` described, equal to the one it was made from; `InputError` for anything else."""
        try:
            scores = tuple(Score.from_dict(score) for score in data["scores"])
            return cls(data["method"], data["params"], tuple(data["targets"]), scores, data["provenance"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"These are no scores: {error!r}") from error

    def save(self, path: str | PathLike[str]) -> None:
        """Write one file: the record as JSON, in the metadata of a safetensors file as all records are."""
        storage.write(path, "scores", self.to_dict(), {})

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Scores":
        """Read what `save` wrote; equal to the record saved."""
        return cls.from_dict(storage.read(path, "scores")[0])

    def __repr__(self) -> str:
        values = ", ".join(f"{s.metric}={'none' if s.value is None else format(s.value, '.4g')}" for s in self.scores)
        return f"Scores(method={self.method!r}, {values})"
