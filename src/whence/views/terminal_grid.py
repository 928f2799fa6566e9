"""An image's heat map in a terminal: a grid of cells two characters wide."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from rich.console import RenderableType
from rich.style import Style
from rich.text import Text

from whence.records import Attribution
from whence.records.grid import square_sums
from whence.views.evidence import scale_of, seen
from whence.views.image_grid import ImageGrid, image_grid
from whence.views.long_inputs import drawn
from whence.views.numbers import unsigned
from whence.views.terminal_heat import (
    INDENT,
    Paper,
    facts_line,
    heat_lines,
    heat_style,
    inset,
    legend,
    note,
    unread_mark,
)
from whence.views.terminal_sentences import sentence_lines
from whence.views.token_text import readable

CELL = 2
"""Characters of a cell."""
_MOST_LINES = 40


def heat(record: Attribution, row: int, paper: Paper, *, explained: bool) -> list[RenderableType]:
    """One row's heat map: the grid of an image, or the tokens, faint where the row's prediction had not read them; of
    very many, sentences.

    With `explained` a last line says what the colours mean; that of a grid is always there.
    """
    grid = image_grid(record, row)
    if grid is not None:
        return _grid_lines(grid, readable(record.unit_of(row)), paper)
    shown = drawn(record)
    if shown is not record:
        return sentence_lines(record, shown, row, paper, explained=explained)
    reach = seen(record, row)
    lines: list[RenderableType] = [*heat_lines(record.tokens, record.scores[row], paper, reach)]
    if not explained:
        return lines
    scale = legend(record.scores[row, :reach], readable(record.unit_of(row)), paper)
    return [*lines, scale, *unread_notes(record, [row], paper)]


def unread_notes(record: Attribution, rows: Iterable[int], paper: Paper) -> list[RenderableType]:
    """What faint tokens are, where the heat maps of these rows have any."""
    one_by_one = record.grid is None and drawn(record) is record
    some = one_by_one and any(seen(record, row) < len(record.tokens) for row in rows)
    return [note(unread_mark(paper))] if some else []


def _grid_lines(grid: ImageGrid, unit: str, paper: Paper) -> list[RenderableType]:
    """The grid, a line for each row, summed over squares until it fits the paper; the last line says so.

    Where the paper takes no styles, a cell is its sign and its size in ninths of the scale.
    """
    size, scores = _fitted(grid.scores, max(1, (paper.width - INDENT) // CELL))
    scale = scale_of(scores)
    lines: list[RenderableType] = []
    for row in scores.tolist():
        line = Text(" " * INDENT)
        for score in row:
            style = heat_style(score, scale, paper)
            faint = Style(underline=False) if not _ninths(score, scale) else None
            line.append(cell_text(score, scale, paper), style + faint)
        lines.append(line)
    return [*lines, _legend(grid, scale, size, unit, paper)]


def _fitted(scores: np.ndarray, columns: int) -> tuple[int, np.ndarray]:
    """The smallest squares whose sums fit the paper, and the sums."""
    size = max(-(-scores.shape[1] // columns), -(-scores.shape[0] // _MOST_LINES))
    return size, scores if size == 1 else square_sums(scores[None], size)[0]


def cell_text(score: float, scale: float, paper: Paper, *, has_sign: bool = True) -> str:
    """What stands in a cell: nothing where it has a colour, else the sign, if it has one, and the size in ninths of the
    scale.
    """
    if paper.styled:
        return " " * CELL
    ninths = _ninths(score, scale)
    sign = " " if not has_sign else "−" if score < 0 else "+"
    return f"{sign}{ninths}" if ninths else " ·"


def _ninths(score: float, scale: float) -> int:
    """How large a score is on its scale; of 0 the sign is not worth a mark."""
    return round(9 * abs(score) / scale) if scale else 0


def _legend(grid: ImageGrid, scale: float, size: int, unit: str, paper: Paper) -> RenderableType:
    rows, columns = grid.scores.shape
    cells = f"{grid.unit}es" if grid.unit == "patch" else f"{grid.unit}s"
    facts = [
        f"{rows} × {columns} {cells}",
        f"a cell is {f'a {grid.unit}' if size == 1 else f'the sum of {size} × {size} {cells}'}",
        f"±{unsigned(scale, scale)} {unit}" if scale else "every score is 0",
        "underlined: negative" if paper.styled else "digits: ninths of it",
    ]
    return inset(facts_line(facts, replace(paper, width=paper.width - INDENT), style="dim"))
