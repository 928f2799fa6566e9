"""What became of the checks of a method, as a sheet: each with its status, its sentence and its statistic."""

from collections.abc import Mapping
from itertools import pairwise
from numbers import Real
from typing import Any

from whence.records import Curve, Finding, Verdict
from whence.records.verdict import FAILED, NOT_APPLICABLE, PASSED
from whence.views.evidence import plain, settings
from whence.views.numbers import NO_NUMBER, counted, number
from whence.views.scores_sheet import spread
from whence.views.sheet_parts import Chart, Column, Entry, Sheet, Table, Tone, sheet_of
from whence.views.token_text import readable

MARKS = {PASSED: "✓", FAILED: "✗", NOT_APPLICABLE: "–"}
TONES: dict[str, Tone] = {PASSED: "good", FAILED: "bad", NOT_APPLICABLE: "none"}
_SHORTEST_CURVE = 3


def verdict_sheet(record: Verdict) -> Sheet:
    """The sheet of a verdict: what was found, what was not tested and why, and the summary."""
    model = record.provenance.get("model")
    facts = [counted(record.inputs, "input"), f"{len(record.passed)} {PASSED}", f"{len(record.failed)} {FAILED}"]
    facts += [f"{len(record.not_applicable)} {NOT_APPLICABLE}"] if record.not_applicable else []
    columns = (Column("not tested"), Column("why", wraps=True))
    rows = tuple((readable(name), readable(reason)) for name, reason in record.untested)
    return sheet_of(
        record.provenance,
        f"Verdict: {readable(record.method)}" + (f" on {plain(model)}" if model is not None else ""),
        facts,
        tables=[Table("", columns, rows)] if rows else [],
        entries=[_entry(finding) for finding in record.findings],
        closing=readable(record.summary),
        overview=_overview(record) if record.findings else None,
    )


def _overview(record: Verdict) -> Table:
    """Each check in a line, its numbers in front of what they are."""
    columns = (Column("check"), Column("status"), Column("statistic", wraps=True), Column("held against", wraps=True))
    rows = tuple(
        (
            readable(one.check),
            f"{MARKS[one.status]} {one.status}",
            _numbers_first(_statistic(one)),
            _numbers_first(_held(one)),
        )
        for one in record.findings
    )
    return Table("", columns, rows)


def _numbers_first(named: tuple[str, str] | None) -> str:
    return NO_NUMBER if named is None else f"{named[1]} {named[0]}"


def _entry(finding: Finding) -> Entry:
    curves, tables, rest = _sorted_out(finding.details)
    details = Table("", (Column("detail"), Column("value", wraps=True)), tuple(rest))
    return Entry(
        readable(finding.check),
        MARKS[finding.status],
        finding.status,
        TONES[finding.status],
        readable(finding.sentence),
        tuple(_facts(finding)),
        (*([details] if rest else []), *tables),
        (Chart("", "stage", "value", tuple(curves)),) if curves else (),
    )


def _facts(finding: Finding) -> list[str]:
    facts = [": ".join(named) for named in [_statistic(finding)] if named]
    held = finding.reference
    if held is not None:
        facts.append(
            f"{readable(held.name)}: {spread(held)} ({readable(held.interval)}, {counted(held.draws, 'draw')})"
        )
    return facts


def _statistic(finding: Finding) -> tuple[str, str] | None:
    """The statistic's name and value, None where the check does not apply."""
    if finding.statistic is None or finding.status == NOT_APPLICABLE:
        return None
    return readable(finding.statistic), "none" if finding.value is None else number(finding.value)


def _held(finding: Finding) -> tuple[str, str] | None:
    """What the statistic is held against, by its name and with its interval."""
    held = finding.reference
    return None if held is None else (readable(held.name), spread(held))


def _sorted_out(details: Mapping[str, Any]) -> tuple[list[Curve], list[Table], list[tuple[str, str]]]:
    """The details as curves, where they are pairs of numbers that go up in the first; tables, where they are lists of
    tables with the same names; and names with values, whatever else they are.
    """
    curves: list[Curve] = []
    tables: list[Table] = []
    rest: list[tuple[str, str]] = []
    for name, value in details.items():
        if _is_curve(value):
            across, up = (tuple(map(float, numbers)) for numbers in zip(*value, strict=True))
            curves.append(Curve(readable(name), across, up))
        elif _is_table(value):
            columns = tuple(Column(readable(key)) for key in value[0])
            tables.append(
                Table(readable(name), columns, tuple(tuple(_text(row[k]) for k in value[0]) for row in value))
            )
        elif isinstance(value, Mapping) and value:
            rest += [(f"{readable(name)} · {key}", text) for key, text in _flat(value)]
        else:
            rest.append((readable(name), _text(value)))
    return curves, tables, rest


def _flat(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return settings({name: value if isinstance(value, Mapping) else _text(value) for name, value in values.items()})


def _text(value: Any) -> str:
    """A plain value in words, its numbers short."""
    if _is_number(value):
        return number(value)
    if isinstance(value, list):
        return ", ".join(f"({_text(one)})" if isinstance(one, list) else _text(one) for one in value) or "none"
    return plain(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_curve(value: Any) -> bool:
    pairs = isinstance(value, list) and len(value) >= _SHORTEST_CURVE
    if not pairs or not all(isinstance(p, list) and len(p) == 2 and all(map(_is_number, p)) for p in value):
        return False
    return all(first[0] < second[0] for first, second in pairwise(value))


def _is_table(value: Any) -> bool:
    if not isinstance(value, list) or not value or not all(isinstance(row, Mapping) and row for row in value):
        return False
    return all(list(row) == list(value[0]) for row in value)
