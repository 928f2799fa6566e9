"""Which edits a model is under at the moment, so that what is explained meanwhile can say so."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

_open: WeakKeyDictionary[Any, list[Sequence[str]]] = WeakKeyDictionary()


@contextmanager
def under_edits(model: Any, edits: Sequence[str]) -> Iterator[None]:
    """While open, `edits_of` names these edits for the model, after those of contexts further out."""
    _open.setdefault(model, []).append(edits)
    try:
        yield
    finally:
        _open[model].remove(edits)


def edits_of(model: Any) -> list[str]:
    """The edits the model is under, in words, in the order they were made; empty for a model as it was loaded."""
    return [edit for edits in _open.get(model, []) for edit in edits]
