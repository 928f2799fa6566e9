"""Several explanations of one prediction in a terminal."""

from typing import Any

from rich.padding import Padding
from rich.text import Text

from whence.records import Comparison
from whence.views.agreement import NO_RANKING, pairs, rows_note
from whence.views.evidence import account_facts, caveats, cost, evidence, heading, seen
from whence.views.numbers import NO_NUMBER, correlation, p_value, share
from whence.views.terminal_grid import heat
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
    facts: list[str | Text] = [Text(f"{len(labels)} method{'' if len(labels) == 1 else 's'} compared", style="bold")]
    facts += [heading(first, 0), evidence(first, 0).value] if rows == 1 else [f"{rows} target rows"]
    parts: list[Any] = [facts_line(facts, paper), Text()]
    if comparison.agreements:
        parts += [*_agreement(comparison, labels), Text()]
    if rows == 1:
        parts += [_strongest_table(comparison, labels), Text()]
    if rows > 1:
        parts += [note(f"each heat map has a scale of its own · {negative_mark(paper)}"), Text()]
    for row in range(rows):
        parts += _heat_maps(comparison, labels, row, paper)
    return [*parts, *_footer(comparison, labels, paper)]


def _agreement(comparison: Comparison, labels: list[str]) -> list[Any]:
    found = pairs(comparison)
    table = bare_table()
    table.add_column("agreement of")
    for name in ("Spearman", "p", "Kendall", "p", f"top-{found[0].k}"):
        table.add_column(name, justify="right", no_wrap=True)
    for pair in found:
        numbers = (
            correlation(pair.spearman),
            p_value(pair.spearman_p),
            correlation(pair.kendall),
            p_value(pair.kendall_p),
            share(pair.overlap),
        )
        table.add_row(Text(f"{labels[pair.first]} – {labels[pair.second]}"), *(Text(text) for text in numbers))
    remarks = [f"top-{found[0].k}: the share of the {found[0].k} strongest tokens that both have in common"]
    remarks += [rows_note(comparison) or ""]
    remarks += [f"{NO_NUMBER}: {NO_RANKING}"] if any(pair.spearman is None for pair in found) else []
    return [inset(table), *(note(remark) for remark in remarks if remark)]


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
