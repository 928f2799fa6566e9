"""Values as JSON knows them, so that a record is the same before and after a file."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from whence.errors import InputError, NonFiniteError


def plain(value: Any) -> Any:
    """A copy of `value` made of dicts, lists, strings, numbers, booleans and None; nothing shared with the original.

    Tuples and arrays become lists, numpy's numbers Python's. Raises `InputError` for anything else, `NonFiniteError`
    for NaN and infinity.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NonFiniteError(f"A record holds no NaN or infinite number, got {value}.")
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, Sequence):
        return [plain(inner) for inner in value]
    raise InputError(
        f"A record holds plain values (text, numbers, lists, dicts), got a {type(value).__name__}: {value!r}"
    )
