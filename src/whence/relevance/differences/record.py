"""What the operations of a forward pass were given, in order, to be compared with those of another."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from whence.errors import UnsupportedError
from whence.relevance.call import Call
from whence.relevance.operations import Function


@dataclass(frozen=True, eq=False)
class _Entry:
    """A call, what it was given or chose, and how often that had been overwritten then."""

    function: Function
    values: tuple[Any, ...]
    versions: tuple[int, ...]


@dataclass(eq=False)
class Record:
    """The calls of one forward pass, written while `writing`, then read by a second pass in the same order.

    `chosen_otherwise` says whether the second pass would have made another choice, of experts or of a larger value,
    than the first, to which it is held.
    """

    writing: bool = True
    chosen_otherwise: bool = False
    _entries: list[_Entry] = field(default_factory=list)
    _read: int = 0

    def pair(self, call: Call) -> tuple[Any, ...] | None:
        """What the same call was given in the first pass; None while that is being written."""
        if self.writing:
            self._write(call.function, call.args)
            return None
        found = self._next(call.function)
        shapes, wanted = ([x.shape for x in values if isinstance(x, Tensor)] for values in (found.values, call.args))
        if shapes != wanted:
            raise _not_the_same(f"{_name(call.function)} of {_shapes(shapes)} became one of {_shapes(wanted)}")
        return found.values

    def hold(self, call: Call, choice: Tensor) -> Tensor:
        """The choice the same call made in the first pass: indices, or what is larger than what."""
        if self.writing:
            self._write(call.function, (choice,))
            return choice
        (held,) = self._next(call.function).values
        same = held.shape == choice.shape and torch.equal(held, choice)
        self.chosen_otherwise = self.chosen_otherwise or not same
        return held

    def close(self) -> None:
        """An `UnsupportedError` if the second pass has left out what the first did."""
        if self._read < len(self._entries):
            raise _not_the_same(f"{_name(self._entries[self._read].function)} was left out")

    def _write(self, function: Function, values: tuple[Any, ...]) -> None:
        kept = tuple(x.detach() if isinstance(x, Tensor) else x for x in values)
        self._entries.append(_Entry(function, kept, _versions(kept)))

    def _next(self, function: Function) -> _Entry:
        if self._read == len(self._entries):
            raise _not_the_same(f"{_name(function)} was added")
        entry = self._entries[self._read]
        self._entries[self._read] = _Entry(entry.function, (), ())
        self._read += 1
        if entry.function is not function:
            raise _not_the_same(f"{_name(entry.function)} became {_name(function)}")
        if _versions(entry.values) != entry.versions:
            raise UnsupportedError(
                f"The model overwrites what it gave to {_name(function)}, so the two passes that DeepLIFT compares "
                f"cannot be compared there. Use integrated_gradients, or a method of the perturbation family."
            )
        return entry


def _versions(values: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(x._version for x in values if isinstance(x, Tensor))


def _not_the_same(what: str) -> UnsupportedError:
    return UnsupportedError(
        f"The model does not run the same operations on the baseline as on the input: {what}. DeepLIFT compares them "
        f"one by one. Use integrated_gradients, or a method of the perturbation family."
    )


def _name(function: Function) -> str:
    return getattr(function, "__name__", repr(function))


def _shapes(shapes: list[torch.Size]) -> str:
    return " and ".join(str(tuple(shape)) for shape in shapes) or "no tensor"
