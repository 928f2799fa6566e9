"""What of a long input stands on paper: sums over its sentences, and as many target rows as can be looked through."""

from whence.records import Attribution
from whence.records.grouping import sentence_groups
from whence.views.numbers import counted

MOST_TOKENS = 600
"""Tokens that are shown one by one; of more, the sentences."""
MOST_PILLS = 4000
"""Tokens that all rows of a record show together, the first row aside, which is always there."""
_TEXT = 40
"""Characters of a sentence that take as much room as a token."""


def drawn(record: Attribution, most: int = MOST_TOKENS) -> Attribution:
    """The record as it is drawn: itself, or its sentences where its tokens are too many to be looked through."""
    if len(record.tokens) <= most or record.grid is not None:
        return record
    shown = record.sentences()
    return shown if len(shown.tokens) < len(record.tokens) else record


def rows_drawn(record: Attribution, times: int = 1) -> int:
    """How many of the target rows of a record, as it is `drawn`, are shown, each `times` times; at least one."""
    rows = len(record.targets)
    if record.grid is not None:
        return rows
    size = sum(1 + len(token.text) // _TEXT for token in record.tokens)
    return max(1, min(rows, MOST_PILLS // max(1, times * size))) if rows else 0


def reach(record: Attribution, shown: Attribution, row: int) -> int:
    """How many of the units of a record, as it is `drawn`, hold something that a row's prediction could read."""
    read = min(record.visible(row), len(record.tokens))
    if shown is record:
        return read
    return sum(group[0] < read for group in sentence_groups(record.tokens, record.text))


def sentences_note(record: Attribution, shown: Attribution) -> str | None:
    """What is drawn in place of tokens, None where those are."""
    if shown is record:
        return None
    return f"{len(record.tokens)} tokens, shown as sums over their {counted(len(shown.tokens), 'sentence')}"


def rows_left_out(record: Attribution, rows: int) -> str | None:
    """Where the target rows are that are not shown, None where all are."""
    left = len(record.targets) - rows
    return f"{counted(left, 'more target row')}: see the interactive view or the record" if left else None
