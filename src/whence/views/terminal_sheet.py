"""What is inside a model, in a terminal."""

from typing import Any

from rich.text import Text

from whence.views.sheet import Sheet, Table
from whence.views.terminal_grid import heat
from whence.views.terminal_heat import Paper, bare_table, facts_line, inset, note
from whence.views.token_text import isolated


def sheet_view(sheet: Sheet, paper: Paper) -> list[Any]:
    """What to print for a sheet."""
    parts: list[Any] = [facts_line([Text(sheet.title, style="bold"), *sheet.facts], paper), Text()]
    for table in sheet.tables:
        parts += [*_table(table), Text()]
    for caption, record in sheet.maps:
        parts += [Text(caption), *heat(record, 0, paper, explained=True), Text()]
    parts += [facts_line(sheet.cost, paper, style="dim")] if sheet.cost else []
    return [*parts, *([Text(f"Caveat: {sheet.caveat}", style="dim")] if sheet.caveat else [])]


def _table(table: Table) -> list[Any]:
    shown = bare_table()
    for column in table.columns:
        shown.add_column(Text(column.name), justify="right" if column.numbers else "left", no_wrap=True)
    for row in table.rows:
        shown.add_row(*(Text(isolated(cell)) for cell in row))
    caption = [Text(table.caption, style="bold")] if table.caption else []
    return [*caption, inset(shown), *([note(table.note)] if table.note else [])]
