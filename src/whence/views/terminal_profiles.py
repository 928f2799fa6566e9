"""The units that a prediction went through, in a terminal."""

from typing import Any

from rich.text import Text

from whence.records import Profile, Profiles, VocabularyProjection
from whence.views import profile_text as said
from whence.views.evidence import caveat, cost
from whence.views.numbers import signed
from whence.views.terminal_grid import heat
from whence.views.terminal_heat import Paper, bare_table, facts_line, inset, note
from whence.views.token_text import isolated, quoted, readable


def profiles_view(record: Profiles, paper: Paper) -> list[Any]:
    """What to print for Profiles: unit by unit its relevance, its tokens and the texts that drive it."""
    parts: list[Any] = [facts_line([Text(said.title(record), style="bold"), *said.facts(record)], paper), Text()]
    for entry in record.entries:
        parts += [*_unit(record, entry, paper), Text()]
    if any(entry.projection for entry in record.entries):
        parts += [Text(f"Scores of tokens: {said.VOCABULARY}."), Text()]
    facts, warning = cost(record.provenance), caveat(record.provenance)
    parts += [facts_line(facts, paper, style="dim")] if facts else []
    return [*parts, *([Text(f"Caveat: {warning}", style="dim")] if warning else [])]


def _unit(record: Profiles, entry: Profile, paper: Paper) -> list[Any]:
    name = Text(readable(entry.unit.name), style="bold")
    parts: list[Any] = [facts_line([name, said.relevance(record, entry), said.most(record, entry)], paper)]
    parts += _tokens(entry.projection) if entry.projection else [note(said.missing(entry))]
    found = entry.maximizers
    if found is None:
        return parts
    parts += [note(said.texts(found))]
    for rank, one in enumerate(found.entries, start=1):
        parts += [inset(Text(said.example(found, rank, one))), *heat(one.attribution, 0, paper, explained=True)]
    return parts


def _tokens(projection: VocabularyProjection) -> list[Any]:
    """What a unit promotes beside what it suppresses."""
    table = bare_table()
    for heading in (said.PROMOTES, said.SUPPRESSES):
        table.add_column(Text(heading), no_wrap=True, overflow="ellipsis")
        table.add_column(Text("score"), justify="right", no_wrap=True)
    scale = said.vocabulary_scale((*projection.promoted, *projection.suppressed))
    for pair in zip(projection.promoted, projection.suppressed, strict=True):
        cells = [text for one in pair for text in (quoted(one.text), signed(one.score, scale))]
        table.add_row(*(Text(isolated(cell)) for cell in cells))
    return [inset(table)]
