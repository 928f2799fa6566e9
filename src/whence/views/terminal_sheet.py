"""Records that are a sheet, in a terminal."""

from typing import Any

import numpy as np
from rich.text import Text

from whence.records import Curve
from whence.views.numbers import number
from whence.views.sheet_parts import Chart, Entry, Sheet, Table
from whence.views.terminal_grid import heat
from whence.views.terminal_heat import Paper, bare_table, facts_line, inset, note
from whence.views.terminal_matrix import matrix_lines
from whence.views.token_text import isolated

_STYLES = {"good": "green", "bad": "red", "none": "dim"}
_BLOCKS = "▁▂▃▄▅▆▇█"
_PLACES = 24


def sheet_view(sheet: Sheet, paper: Paper) -> list[Any]:
    """What to print for a sheet."""
    parts: list[Any] = [facts_line([Text(sheet.title, style="bold"), *sheet.facts], paper), Text()]
    parts += [*_table(sheet.overview), Text()] if sheet.overview is not None else []
    for entry in sheet.entries:
        parts += [*_entry(entry), Text()]
    for table in (*sheet.tables, *sheet.drawn):
        parts += [*_table(table), Text()]
    for chart in sheet.charts:
        parts += [*_chart(chart), Text()]
    for matrix in sheet.matrices:
        parts += [*matrix_lines(matrix, paper), Text()]
    for caption, record in sheet.maps:
        parts += [Text(caption), *heat(record, 0, paper, explained=True), Text()]
    parts += [Text(sheet.closing), Text()] if sheet.closing else []
    parts += [facts_line(sheet.cost, paper, style="dim")] if sheet.cost else []
    return [*parts, *(Text(f"Caveat{_whose(names)}: {text}", style="dim") for names, text in sheet.caveats)]


def _whose(names: str) -> str:
    return f" ({names})" if names else ""


def _entry(entry: Entry) -> list[Any]:
    style = _STYLES[entry.tone]
    heading = Text.assemble((entry.mark, style), " ", (entry.name, "bold"), ": ", (entry.status, style))
    lines = [inset(Text(entry.sentence)), *(note(fact) for fact in entry.facts)]
    return [heading, *lines, *(line for chart in entry.charts for line in _chart(chart))]


def _table(table: Table) -> list[Any]:
    shown = bare_table()
    for column in table.columns:
        shown.add_column(
            Text(column.name),
            justify="right" if column.numbers else "left",
            no_wrap=not column.wraps,
            overflow="fold" if column.wraps else "ellipsis",
        )
    for row in table.rows:
        shown.add_row(*(Text(isolated(cell)) for cell in row))
    caption = [Text(table.caption, style="bold")] if table.caption else []
    remarks = [line for line in (table.note, *table.remarks) if line]
    return [*caption, inset(shown), *map(note, remarks)]


def _chart(chart: Chart) -> list[Any]:
    """Each curve as a line of blocks between its first and last value, all on one scale."""
    heights = [y for curve in chart.curves for y in (*curve.y, *curve.low, *curve.high)]
    places = [x for curve in chart.curves for x in curve.x]
    shown = bare_table()
    for name in ("curve", "first", "", "last"):
        shown.add_column(Text(name), justify="right" if name in ("first", "last") else "left", no_wrap=True)
    for curve in chart.curves:
        course = sparkline(curve, min(heights), max(heights))
        shown.add_row(*map(Text, (isolated(curve.name), number(curve.y[0]), course, number(curve.y[-1]))))
    caption = [Text(chart.caption, style="bold")] if chart.caption else []
    axes = f"{chart.up} over {chart.across} {number(min(places))} to {number(max(places))}"
    return [*caption, inset(shown), note(axes), *([note(chart.note)] if chart.note else [])]


def sparkline(curve: Curve, low: float, high: float) -> str:
    """A curve as blocks at even steps of x, `low` the lowest block and `high` the highest.

    >>> sparkline(Curve("", (0.0, 0.5, 1.0), (0.0, 0.5, 1.0)), 0.0, 1.0)
    '▁▁▂▂▂▃▃▃▃▄▄▄▅▅▅▆▆▆▆▇▇▇██'
    """
    even = np.interp(np.linspace(curve.x[0], curve.x[-1], _PLACES), curve.x, curve.y)
    steps = np.round((even - low) / (high - low) * (len(_BLOCKS) - 1)) if high > low else np.zeros(_PLACES)
    return "".join(_BLOCKS[int(step)] for step in steps)
