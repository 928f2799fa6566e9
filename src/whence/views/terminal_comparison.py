"""Several explanations of one prediction in a terminal."""

from typing import Any

from rich.padding import Padding
from rich.text import Text

from whence.records import Comparison
from whence.views.agreement import NO_RANKING, Pair, overlap_columns, overlap_note, pairs, rows_note
from whence.views.disagreement import findings
from whence.views.evidence import account_facts, caveats, cost, evidence, heading, seen
from whence.views.long_inputs import drawn, rows_drawn, rows_left_out
from whence.views.numbers import NO_NUMBER, correlation, counted, p_value
from whence.views.terminal_grid import heat, unread_notes
from whence.views.terminal_heat import (
    Paper,
    bare_table,
    facts_line,
    inset,
    leading_tokens,
    negative_mark,
    note,
    row_summary,
)
from whence.views.token_text import readable


def comparison_view(comparison: Comparison, paper: Paper) -> list[Any]:
    """What to print for a Comparison: agreement of each pair, the strongest tokens, a heat map a method."""
    first = comparison.attributions[0]
    labels = [readable(label) for label in comparison.labels]
    rows = len(first.targets)
    facts: list[str | Text] = [Text(f"{counted(len(labels), 'method')} compared", style="bold")]
    facts += [heading(first, 0), evidence(first, 0).value] if rows == 1 else [f"{rows} target rows"]
    parts: list[Any] = [facts_line(facts, paper), Text()]
    if comparison.agreements:
        parts += [*_agreement(comparison, labels), Text()]
    parts += _disagreement(comparison, labels)
    if rows == 1:
        parts += [_strongest_table(comparison, labels), Text()]
    count = rows_drawn(drawn(first), len(labels))
    if rows > 1:
        parts += [note(f"each heat map has a scale of its own · {negative_mark(paper)}")]
        parts += [*unread_notes(first, range(count), paper), Text()]
    for row in range(count):
        parts += _heat_maps(comparison, labels, row, paper)
    left = rows_left_out(first, count)
    parts += [note(left), Text()] if left else []
    return [*parts, *_footer(comparison, labels, paper)]


def _agreement(comparison: Comparison, labels: list[str]) -> list[Any]:
    found = pairs(comparison)
    table = bare_table()
    table.add_column("agreement of")
    for name in ("Spearman", "p", "Kendall", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    for pair in found:
        numbers = (
            correlation(pair.spearman),
            p_value(pair.spearman_p),
            correlation(pair.kendall),
            p_value(pair.kendall_p),
        )
        table.add_row(_names(pair, labels), *(Text(text) for text in numbers))
    remarks = [overlap_note(found), rows_note(comparison) or ""]
    remarks += [f"{NO_NUMBER}: {NO_RANKING}"] if any(pair.spearman is None for pair in found) else []
    return [inset(table), Text(), _overlap_table(found, labels), *(note(remark) for remark in remarks if remark)]


def _overlap_table(found: list[Pair], labels: list[str]) -> Padding:
    """The share of strongest tokens that two methods have in common, at several numbers of them."""
    columns = overlap_columns(found)
    table = bare_table()
    table.add_column("strongest in common")
    for column in columns:
        table.add_column(column.name, justify="right", no_wrap=True)
    for pair, cells in zip(found, zip(*(column.cells for column in columns), strict=True), strict=True):
        table.add_row(_names(pair, labels), *(Text(cell) for cell in cells))
    return inset(table)


def _names(pair: Pair, labels: list[str]) -> Text:
    return Text(f"{labels[pair.first]} – {labels[pair.second]}")


def _disagreement(comparison: Comparison, labels: list[str]) -> list[Any]:
    """The tokens that methods disagree on most, and which of them the model sides with."""
    shown = findings(comparison, labels)
    if not shown.found:
        return [*(part for text in shown.notes for part in (note(text), Text()))]
    table = bare_table()
    table.add_column("disagree on", overflow="fold")
    table.add_column("ranks, and what masking it does")
    for finding in shown.found:
        table.add_row(Text(finding.token), Text(finding.sentence))
    tally = [] if shown.tally is None else [inset(Text(shown.tally))]
    return [inset(table), *tally, *(note(text) for text in shown.notes), Text()]


def _strongest_table(comparison: Comparison, labels: list[str]) -> Padding:
    table = bare_table()
    table.add_column("strongest tokens")
    for place in ("1st", "2nd", "3rd"):
        table.add_column(place)
    for label, record in zip(labels, comparison.attributions, strict=True):
        cells = leading_tokens(record.tokens, record.scores[0]) or ["all equal"]
        table.add_row(Text(label), *(Text(cell) for cell in cells))
    return inset(table)


def _heat_maps(comparison: Comparison, labels: list[str], row: int, paper: Paper) -> list[Any]:
    """One heat map a method for one target row, each on its own scale."""
    first = comparison.attributions[0]
    parts: list[Any] = []
    if len(first.targets) > 1:
        account = evidence(first, row)
        parts.append(facts_line([Text(heading(first, row), style="bold"), account.value], paper))
    for label, record in zip(labels, comparison.attributions, strict=True):
        if row >= len(record.targets):
            continue
        reach = seen(record, row)
        tokens, scores = record.tokens[:reach], record.scores[row, :reach]
        alone = len(first.targets) == 1
        below = [] if alone else [note(row_summary(tokens, scores))]
        name: list[str | Text] = [Text(label, style="bold"), *account_facts(record, row)]
        parts += [facts_line(name, paper), *heat(record, row, paper, explained=alone), *below]
    return [*parts, Text()]


def _footer(comparison: Comparison, labels: list[str], paper: Paper) -> list[Any]:
    """What each method cost, then each caveat once, with the methods it holds for."""
    costs = [(label, cost(record.provenance)) for label, record in zip(labels, comparison.attributions, strict=True)]
    warnings = caveats(comparison.attributions, labels)
    return [
        *(facts_line([label, *facts], paper, style="dim") for label, facts in costs if facts),
        *(Text(f"Caveat ({names}): {warning}", style="dim") for names, warning in warnings),
    ]
