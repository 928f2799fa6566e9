"""A long text's heat map in a terminal: its sentences, a line each, with bars."""

from rich.console import RenderableType
from rich.text import Text

from whence.records import Attribution
from whence.views.evidence import TOP, scale_of, strongest
from whence.views.numbers import signed
from whence.views.terminal_heat import INDENT, Paper, bar, bar_heading, bare_table, inset, note
from whence.views.token_text import isolated, readable, readable_tokens

_MOST = 20
_NARROWEST = 12
_BETWEEN = 4
"""Cells between three columns."""


def sentence_lines(
    record: Attribution, shown: Attribution, row: int, paper: Paper, *, explained: bool
) -> list[RenderableType]:
    """The sentences of largest |sum|, in reading order: many where `explained`, else a few."""
    scores = shown.scores[row]
    scale = scale_of(scores)
    chosen = sorted(strongest(scores, _MOST if explained else TOP))
    texts = readable_tokens(shown.tokens)
    table = bare_table()
    table.show_header = explained
    unit = readable(record.unit_of(row))
    taken = bar_heading().cell_len + max(len(unit) * explained, len(signed(-scale, scale))) + _BETWEEN
    table.add_column("sentence", max_width=max(_NARROWEST, paper.width - INDENT - taken), no_wrap=True)
    table.add_column(bar_heading(), no_wrap=True)
    table.add_column(Text(unit), justify="right", no_wrap=True)
    for i in chosen:
        score = float(scores[i])
        table.add_row(Text(isolated(texts[i].strip())), bar(score, scale, paper), Text(signed(score, scale)))
    if not explained:
        return [inset(table)]
    count = len(shown.tokens)
    which = f"the {len(chosen)} sentences of largest |sum|, of {count}" if len(chosen) < count else f"{count} sentences"
    return [inset(table), note(f"{which}, in reading order; sums over their {len(record.tokens)} tokens")]
