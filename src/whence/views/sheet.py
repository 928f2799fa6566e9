"""Records that are shown as a sheet of text: a title, facts, tables, charts and heat maps, for every format."""

from collections.abc import Callable
from typing import Any

import numpy as np

from whence.records import Attentions, Flow, Latents, Leaderboard, Maximizers, Scores, Verdict, VocabularyProjection
from whence.views.attention_sheet import attention_sheet
from whence.views.flow_sheet import flow_sheet
from whence.views.leaderboard_sheet import leaderboard_sheet
from whence.views.numbers import counted, number, signed
from whence.views.profile_text import example
from whence.views.scores_sheet import scores_sheet
from whence.views.sheet_parts import Column, Sheet, Table, sheet_of
from whence.views.token_text import quoted, readable
from whence.views.verdict_sheet import verdict_sheet

_ALONE = 10
_AMONG_ROWS = 5
"""Units shown of a target row that stands alone, and of each of several."""


def _latents(record: Latents) -> Sheet:
    rows = len(record.targets)
    predicted = "predicted " if record.provenance.get("target") == "predicted" else ""
    titles = [
        f"{predicted}{quoted(target.label)} {number(target.value)} {readable(target.unit)}" for target in record.targets
    ]
    return sheet_of(
        record.provenance,
        titles[0] if rows == 1 else counted(rows, "target row"),
        [f"by {readable(record.method)}", f"{counted(len(record.units), 'unit')} of kind {readable(record.kind)}"],
        tables=[_top(record, row, "" if rows == 1 else titles[row]) for row in range(rows)],
    )


def _top(record: Latents, row: int, caption: str) -> Table:
    shown = record.top(_ALONE if len(record.targets) == 1 else _AMONG_ROWS, row) if record.units else []
    scale = max((abs(one.score) for one in shown), default=0.0)
    rest = float(np.abs(record.total[row]).sum(dtype=np.float64)) - sum(abs(one.score) for one in shown)
    left = len(record.units) - len(shown)
    return Table(
        caption,
        (Column("unit"), Column(readable(record.targets[row].unit), True), Column("most at"), Column("there", True)),
        tuple(
            (readable(s.unit.name), signed(s.score, scale), quoted(s.token.text), signed(s.score_there, scale))
            for s in shown
        ),
        f"largest |sum over tokens|; |sums| of the other {left} add up to {number(rest)}" if left else "",
    )


def _maximizers(record: Maximizers) -> Sheet:
    maps = [(example(record, rank, one), one.attribution) for rank, one in enumerate(record.entries, start=1)]
    facts = [f"by {readable(record.by)}", f"{len(maps)} of {counted(record.searched, 'text')}"]
    return sheet_of(record.provenance, readable(record.unit.name), facts, maps=maps)


def _vocabulary(record: VocabularyProjection) -> Sheet:
    columns = (Column("promotes"), Column("score", True), Column("suppresses"), Column("score", True))
    scale = max((abs(entry.score) for entry in (*record.promoted, *record.suppressed)), default=0.0)
    rows = tuple(
        (quoted(up.text), signed(up.score, scale), quoted(down.text), signed(down.score, scale))
        for up, down in zip(record.promoted, record.suppressed, strict=True)
    )
    facts = ["logits per unit of activation, before the final norm"]
    return sheet_of(record.provenance, readable(record.unit.name), facts, tables=[Table("", columns, rows)])


_MAKERS: dict[type, Callable[[Any], Sheet]] = {
    Flow: flow_sheet,
    Attentions: attention_sheet,
    Latents: _latents,
    Leaderboard: leaderboard_sheet,
    Maximizers: _maximizers,
    VocabularyProjection: _vocabulary,
    Scores: scores_sheet,
    Verdict: verdict_sheet,
}

SHEETS = tuple(_MAKERS)
"""Records that are shown as a sheet."""


def sheet(record: Any) -> Sheet:
    """The sheet of such a record."""
    return _MAKERS[type(record)](record)
