"""A unit inside a model: a neuron, an attention head, a layer, a place on the residual stream."""

import re
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from whence.errors import InputError

KINDS = ("neuron", "head", "cross_head", "layer", "residual")
INDEXED = ("neuron", "head", "cross_head")
"""Kinds of which a layer has several."""
_WORDS = {"neuron": "neuron", "head": "head", "cross_head": "cross-attention head"}
_NAME = re.compile(
    r"(?:(?P<stack>\S+) )??(?:layer (?P<layer>\d+)(?: (?P<word>neuron|head|cross-attention head) (?P<index>\d+))?"
    r"|residual (?P<residual>\d+))"
)


@dataclass(frozen=True, order=True)
class Unit:
    """One unit inside a model.

    `kind` is "neuron" (an input of an MLP's down projection), "head", "cross_head" (a decoder's attention to an
    encoder), "layer" (what a block adds to the residual stream) or "residual" (the stream in front of block `layer`;
    behind the last block, where `layer` is their number). `layer` and `index` count from 0; layers and residuals have
    no index. `stack` is "encoder" or "decoder" in a model that has both, else "".

    >>> Unit("neuron", 3, 1021).name
    'layer 3 neuron 1021'
    >>> Unit.parse("decoder layer 2 cross-attention head 5")
    Unit(kind='cross_head', layer=2, index=5, stack='decoder')
    """

    kind: str
    layer: int
    index: int | None = None
    stack: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"{self.kind!r} is no kind of unit. Kinds are: {', '.join(KINDS)}.")
        numbers = [self.layer, self.index] if self.kind in INDEXED else [self.layer]
        if not all(_is_count(number) for number in numbers):
            raise InputError(f"A {self.kind} is counted from 0 by whole numbers, got {numbers}.")
        if self.kind not in INDEXED and self.index is not None:
            raise InputError(f"A {self.kind} has no index, got {self.index!r}: write Unit({self.kind!r}, layer).")
        object.__setattr__(self, "layer", int(self.layer))
        object.__setattr__(self, "index", None if self.index is None else int(self.index))

    @property
    def name(self) -> str:
        """The unit as one reads it; `Unit.parse` is the inverse."""
        place = f"residual {self.layer}" if self.kind == "residual" else f"layer {self.layer}"
        words = [self.stack, place] if self.stack else [place]
        return " ".join([*words, f"{_WORDS[self.kind]} {self.index}"] if self.kind in INDEXED else words)

    @classmethod
    def parse(cls, name: str) -> "Unit":
        """The unit of this name; `InputError` says what a name looks like."""
        found = _NAME.fullmatch(" ".join(name.split()))
        if found is None:
            raise InputError(
                f"{name!r} names no unit. Wanted: 'layer 3 neuron 1021', 'layer 3 head 5', 'layer 3' or 'residual 3', "
                f"with 'encoder' or 'decoder' in front in a model that has both."
            )
        stack = found["stack"] or ""
        if found["residual"] is not None:
            return cls("residual", int(found["residual"]), None, stack)
        if found["word"] is None:
            return cls("layer", int(found["layer"]), None, stack)
        kind = next(kind for kind, word in _WORDS.items() if word == found["word"])
        return cls(kind, int(found["layer"]), int(found["index"]), stack)


def as_unit(unit: Any) -> Unit:
    """A unit from a `Unit`, its name, or a neuron's `(layer, index)`."""
    if isinstance(unit, Unit):
        return unit
    if isinstance(unit, str):
        return Unit.parse(unit)
    if isinstance(unit, tuple) and len(unit) == 2 and all(_is_count(number) for number in unit):
        return Unit("neuron", *unit)
    raise InputError(
        f"{unit!r} is no unit. Wanted: a Unit, a name such as 'layer 3 neuron 1021', or a neuron's (layer, index)."
    )


def _is_count(number: object) -> bool:
    return isinstance(number, Integral) and not isinstance(number, bool) and int(number) >= 0
