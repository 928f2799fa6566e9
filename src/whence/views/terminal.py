"""Records in a terminal: inline heat maps and tables that say the same with and without colour."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from whence.errors import InputError
from whence.records import Attribution, Comparison, Profiles
from whence.views.colors import Palette, palette_of
from whence.views.sheet import SHEETS, sheet
from whence.views.terminal_attribution import attribution_view
from whence.views.terminal_comparison import comparison_view
from whence.views.terminal_heat import Paper
from whence.views.terminal_profiles import profiles_view
from whence.views.terminal_sheet import sheet_view


def render(records: Sequence[Any], console: Console | None = None, *, palette: str | Palette | None = None) -> None:
    """Print records, in order, to `console` or to standard output, in the colours of a palette, "RdBu" or "PuOr".

    The sign of a score shows without colour too: in the direction of its bar, in the sign of its number, and in the
    heat map, where negative tokens are underlined, or stand between ‹ › where the output takes no styles at all.

    Raises `InputError` for anything that is not such a record, `UnknownNameError` for a palette there is not.
    """
    console = Console() if console is None else console
    paper = Paper(console.width, console.color_system is not None, not console.no_color, palette_of(palette))
    for i, record in enumerate(records):
        if i:
            console.print()
        for part in _view(record, paper):
            console.print(part)


def _view(record: Any, paper: Paper) -> list[Any]:
    if isinstance(record, Attribution):
        return attribution_view(record, paper)
    if isinstance(record, Comparison):
        return comparison_view(record, paper)
    if isinstance(record, Profiles):
        return profiles_view(record, paper)
    if isinstance(record, SHEETS):
        return sheet_view(sheet(record), paper)
    raise InputError(f"The terminal view shows the records that whence makes, got {type(record).__name__}.")
