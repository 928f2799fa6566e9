"""Units that lie in a grid over an image: their names, and sums over squares of them."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from numbers import Integral
from typing import Any

import numpy as np
from jaxtyping import Float

from whence.errors import InputError
from whence.records.tokens import Token


@lru_cache(maxsize=8)
def grid_tokens(rows: int, columns: int, unit: str) -> tuple[Token, ...]:
    """One token for each unit of the grid, row by row, named by its row and column, both from 0.

    >>> [token.text for token in grid_tokens(1, 2, "patch")]
    ['patch 0,0', 'patch 0,1']
    """
    return tuple(Token(f"{unit} {row},{column}", None, role=unit) for row in range(rows) for column in range(columns))


def grid_of(provenance: Mapping[str, Any], units: int) -> tuple[int, int] | None:
    """The rows and columns that a record's `units` lie in, None where its provenance names no grid that fits them."""
    found = provenance.get("grid")
    if not isinstance(found, Sequence) or isinstance(found, str) or len(found) != 2:
        return None
    rows, columns = found
    if not all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in (rows, columns)):
        return None
    return (rows, columns) if rows * columns == units else None


def packed(tokens: Sequence[Token], grid: tuple[int, int] | None) -> str | list[dict[str, Any]]:
    """Tokens as a file holds them: those of a grid as the name of their unit, for an image can have 50,000 of them."""
    if grid is not None and tuple(tokens) == grid_tokens(*grid, tokens[0].role):
        return tokens[0].role
    return [token.to_dict() for token in tokens]


def unpacked(described: dict[str, Any]) -> dict[str, Any]:
    """A record, its scores in place, as it was before its tokens were `packed`."""
    tokens, provenance, scores = (described.get(name) for name in ("tokens", "provenance", "scores"))
    units = scores.shape[-1] if isinstance(scores, np.ndarray) and scores.ndim else 0
    grid = grid_of(provenance, units) if isinstance(provenance, dict) else None
    if not isinstance(tokens, str) or grid is None:
        return described
    return described | {"tokens": [token.to_dict() for token in grid_tokens(*grid, tokens)]}


def square_sums(
    scores: Float[np.ndarray, "target row column"], size: int
) -> Float[np.ndarray, "target square_row square_column"]:
    """Sums over squares of `size` by `size` units; at the far edges squares hold what is left."""
    if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
        raise InputError(f"patches(size) wants a whole number of units a side, at least 1, got {size!r}.")
    rows, columns = scores.shape[1:]
    down = np.add.reduceat(scores.astype(np.float64), np.arange(0, rows, size), axis=1)
    return np.add.reduceat(down, np.arange(0, columns, size), axis=2)
