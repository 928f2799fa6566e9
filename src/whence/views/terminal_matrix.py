"""A matrix of a sheet in a terminal: cells two characters wide, on colours or as ninths of the scale."""

from dataclasses import replace
from typing import Any

import numpy as np
from rich.cells import cell_len
from rich.text import Text

from whence.views.evidence import scale_of
from whence.views.numbers import unsigned
from whence.views.sheet_parts import Matrix
from whence.views.terminal_grid import CELL, cell_text
from whence.views.terminal_heat import INDENT, Paper, facts_line, heat_style, inset
from whence.views.token_text import isolated

_MOST_LINES = 40
_WIDEST_NAME = 18


def matrix_lines(matrix: Matrix, paper: Paper) -> list[Any]:
    """A line for each row; of more rows or columns than fit, those of largest |value|, in order, and a note."""
    values = np.asarray(matrix.values, dtype=np.float64)
    named = [_short(name) for name in matrix.rows]
    margin = max((cell_len(name) for name in named), default=0) + 1
    across = max(1, (paper.width - INDENT - margin) // CELL)
    rows, columns = _strongest(values, 1, _MOST_LINES), _strongest(values, 0, across)
    scale = scale_of(values)
    lines: list[Any] = [Text(matrix.caption, style="bold")] if matrix.caption else []
    for row in rows:
        line = Text(" " * INDENT + named[row].ljust(margin) if named else " " * INDENT)
        for column in columns:
            value = float(values[row, column])
            line.append(cell_text(value, scale, paper, has_sign=matrix.signed), heat_style(value, scale, paper))
        lines.append(line)
    return [*lines, _legend(matrix, scale, len(rows), len(columns), paper)]


def _short(name: str) -> str:
    return isolated(name) if cell_len(name) <= _WIDEST_NAME else f"{name[: _WIDEST_NAME - 1]}…"


def _strongest(values: np.ndarray, axis: int, most: int) -> list[int]:
    sizes = np.abs(values).max(axis=axis, initial=0.0)
    return sorted(np.argsort(-sizes, kind="stable")[:most].tolist())


def _legend(matrix: Matrix, scale: float, rows: int, columns: int, paper: Paper) -> Any:
    whole = matrix.values.shape
    facts = [f"{matrix.down} ↓ {whole[0]}", f"{matrix.across} → {whole[1]}"]
    if (rows, columns) != whole:
        facts.append(f"shown: the {rows} × {columns} of largest size")
    ends = "±" if matrix.signed else "0 … "
    facts.append(f"{ends}{unsigned(scale, scale)} {matrix.unit}" if scale else "every value is 0")
    facts += [] if paper.styled else ["digits: ninths of it"]
    facts += [matrix.note] if matrix.note else []
    return inset(facts_line(facts, replace(paper, width=paper.width - INDENT), style="dim"))
