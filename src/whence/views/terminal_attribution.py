"""One explanation in a terminal."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.text import Text

from whence.records import Attribution
from whence.views.evidence import account_facts, caveat, cost, evidence, heading, scale_of, seen, settings, strongest
from whence.views.long_inputs import drawn, rows_drawn, rows_left_out
from whence.views.numbers import signed
from whence.views.terminal_grid import heat, unread_notes
from whence.views.terminal_heat import (
    Paper,
    bar,
    bar_heading,
    bare_table,
    facts_line,
    inset,
    negative_mark,
    note,
    row_summary,
)
from whence.views.token_text import isolated, readable, readable_tokens

_TABLE_FULL = 24
_TABLE_CUT = 20


def attribution_view(record: Attribution, paper: Paper) -> list[Any]:
    """What to print for an Attribution: with one target row its table, with more each row's strongest tokens."""
    body = _one_row(record, paper) if len(record.targets) == 1 else _many_rows(record, paper)
    return [*body, *_footer(record, paper)]


def _one_row(record: Attribution, paper: Paper) -> list[Any]:
    method = Text(readable(record.method), style="bold")
    scores = record.scores[0]
    return [
        facts_line([method, *_row_facts(record, 0)], paper),
        Text(),
        *heat(record, 0, paper, explained=True),
        Text(),
        *_table(record, scores, paper),
        Text(),
    ]


def _many_rows(record: Attribution, paper: Paper) -> list[Any]:
    method = Text(readable(record.method), style="bold")
    facts: list[str | Text] = [method, f"{len(record.targets)} target rows", f"scores in {readable(record.unit)}"]
    parts: list[Any] = [facts_line(facts, paper), note(f"each row has a scale of its own · {negative_mark(paper)}")]
    count = rows_drawn(drawn(record))
    parts += unread_notes(record, range(count), paper)
    for row in range(count):
        reach = seen(record, row)
        tokens, scores = record.tokens[:reach], record.scores[row, :reach]
        parts += [
            Text(),
            facts_line(_row_facts(record, row), paper),
            *heat(record, row, paper, explained=False),
            note(row_summary(tokens, scores)),
        ]
    left = rows_left_out(record, count)
    return [*parts, Text(), *([note(left), Text()] if left else [])]


def _row_facts(record: Attribution, row: int) -> list[str | Text]:
    account = evidence(record, row)
    facts: list[str | Text] = [Text(heading(record, row), style="bold"), account.value]
    if account.baseline is not None:
        facts.append(f"baseline {account.baseline}")
    return [*facts, *account_facts(record, row)]


def _table(record: Attribution, scores: np.ndarray, paper: Paper) -> list[Any]:
    """Token, bar and number of every token, or of the strongest where there are many, in reading order."""
    count = len(record.tokens)
    cut = count > _TABLE_FULL
    shown = sorted(strongest(scores, _TABLE_CUT)) if cut else list(range(count))
    scale = scale_of(scores)
    texts = readable_tokens(record.tokens)
    table = bare_table()
    table.add_column("token", max_width=28, no_wrap=True, overflow="ellipsis")
    table.add_column(bar_heading(), no_wrap=True)
    table.add_column(Text(readable(record.unit)), justify="right", no_wrap=True)
    for i in shown:
        score = float(scores[i])
        table.add_row(Text(isolated(texts[i])), bar(score, scale, paper), Text(signed(score, scale)))
    remark = f"the {_TABLE_CUT} tokens of largest |score|, of {count}, in reading order"
    return [inset(table), *([note(remark)] if cut else [])]


def _footer(record: Attribution, paper: Paper) -> Sequence[Any]:
    facts = cost(record.provenance)
    if record.params:
        facts = [*facts, "params " + ", ".join(f"{name}={value}" for name, value in settings(record.params))]
    lines = [facts_line(facts, paper, style="dim")] if facts else []
    warning = caveat(record.provenance)
    return [*lines, *([Text(f"Caveat: {warning}", style="dim")] if warning else [])]
