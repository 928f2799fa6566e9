"""How an explanation fared under metrics, as a sheet: values beside those of random orders, and the curves behind."""

from collections.abc import Sequence
from dataclasses import replace

from whence.records import Reference, Score, Scores
from whence.records.scores import HIGHER, LOWER, NEITHER
from whence.views.evidence import plain
from whence.views.numbers import NO_NUMBER, counted, number, share, signed
from whence.views.sheet_parts import Chart, Column, Sheet, Table, sheet_of
from whence.views.token_text import quoted, readable

ARROWS = {HIGHER: "↑", LOWER: "↓", NEITHER: NO_NUMBER}
_COLUMNS = (
    Column("metric"),
    Column("value", True),
    Column("better"),
    Column("random order", True),
    Column("beats", True),
    Column("unit"),
)
_MOST_CHARTS = 12
_MOST_LABELS = 3
_MOST_ROWS = 16
_WIDEST = 56
"""Characters of metric names that stand beside one another above the values of each target row."""


def scores_sheet(record: Scores) -> Sheet:
    """The sheet of scores: a table for each strategy, the values of each target row, the curves, each caveat once."""
    strategies = list(dict.fromkeys(score.strategy for score in record if score.strategy is not None))
    labels = [quoted(label) for label in record.targets[:_MOST_LABELS]]
    left = len(record.targets) - len(labels)
    facts = [", ".join(labels) + (f" and {counted(left, 'more target row')}" if left > 0 else "")]
    if len(strategies) == 1:
        facts.append(f"masked units become: {readable(strategies[0])}")
    elif strategies:
        facts.append(f"{len(strategies)} masking strategies")
    provenance = dict(record.provenance)
    together = provenance.get("explanations")
    if isinstance(provenance.get("forwards"), int):
        taken = counted(provenance["forwards"], "forward")
        if isinstance(together, int) and together > 1:
            seconds = provenance.get("seconds")
            time = f" and {number(seconds)} s" if isinstance(seconds, int | float) else ""
            taken = f"{taken}{time} for {together} explanations together"
        facts.append(taken)
    drawn = charts(record)
    kept = drawn[:_MOST_CHARTS]
    more = len(drawn) - len(kept)
    return sheet_of(
        provenance,
        f"Scores of {readable(record.method)}",
        facts,
        tables=_tables(record, strategies),
        charts=kept,
        caveats=_caveats(list(record)),
        closing=f"The curves of {more} more are in the record." if more else "",
    )


def charts(record: Scores) -> list[Chart]:
    """The curves of each score and target row, over the share of units masked or left; none without points."""
    several = len({score.strategy for score in record}) > 1
    found = []
    for score in record:
        for label, row in zip(record.targets, score.curves, strict=False):
            curves = tuple(
                replace(curve, name=readable(curve.name), band=readable(curve.band)) for curve in row if curve.y
            )
            bands = "; ".join(f"{curve.name}: mean, band {curve.band}" for curve in curves if curve.low)
            names = [readable(score.metric)]
            names += [quoted(label)] if len(record.targets) > 1 else []
            names += [readable(score.strategy)] if several and score.strategy is not None else []
            up = readable(score.curve_unit or score.unit)
            found += [Chart(" · ".join(names), "share of units", up, curves, bands)] if curves else []
    return found


def _tables(record: Scores, strategies: Sequence[str]) -> list[Table]:
    if len(strategies) <= 1:
        groups = [("", list(record))]
    else:
        wanted = [*strategies, *([None] if any(score.strategy is None for score in record) else [])]
        groups = [
            (
                "nothing masked" if name is None else f"masked units become: {readable(name)}",
                [score for score in record if score.strategy == name],
            )
            for name in wanted
        ]
    tables = []
    for caption, scores in groups:
        notes = [line for score in scores for line in _notes(score)]
        legend = _legend(list(record)) if caption == groups[-1][0] else []
        tables.append(Table(caption, _COLUMNS, tuple(map(_row, scores)), remarks=(*legend, *notes)))
        tables += _each_target(record, caption, scores)
    return tables


def _row(score: Score) -> tuple[str, ...]:
    return (
        readable(score.metric),
        NO_NUMBER if score.value is None else number(score.value),
        ARROWS[score.direction],
        NO_NUMBER if score.random is None else spread(score.random),
        share(score.beaten),
        readable(score.unit),
    )


def spread(reference: Reference) -> str:
    """A reference's mean with its interval: `±` where that is symmetric, its ends where not, the mean alone where it
    has no width.

    >>> spread(Reference("", 2.0, 1.5, 2.5, 10)), spread(Reference("", 2.0, 1.0, 2.5, 10))
    ('2.00 ± 0.50', '2.00 [1.00, 2.50]')
    """
    mean, low, high = reference.mean, reference.low, reference.high
    scale = max(abs(mean), abs(low), abs(high))
    if low == high == mean:
        return number(mean)
    shown, half, first, last = (signed(value, scale).removeprefix("+") for value in (mean, (high - low) / 2, low, high))
    symmetric = abs((high - mean) - (mean - low)) <= 1e-6 * scale
    return f"{shown} ± {half}" if symmetric else f"{shown} [{first}, {last}]"


def _legend(scores: Sequence[Score]) -> list[str]:
    """What the columns mean: said once, below the last table."""
    references = dict.fromkeys(
        f"random order: mean of {counted(s.random.draws, 'draw')} of {readable(s.random.name)}, and "
        f"{readable(s.random.interval)}"
        for s in scores
        if s.random is not None
    )
    ranked = any(score.beaten is not None for score in scores)
    beats = ["beats: the share of random orders that are worse, and half of those that are equal"] if ranked else []
    return [*references, *beats]


def _notes(score: Score) -> list[str]:
    """Why there is no value where there is none, and the numbers beside the value."""
    name, missing = readable(score.metric), sum(value is None for value in score.values)
    why = plain(score.reason) if score.reason else "no reason is given"
    notes = []
    if score.value is None:
        notes.append(f"{name} has no value: {why}")
    elif missing:
        notes.append(f"{name} has no value for {missing} of {counted(len(score.values), 'target row')}: {why}")
    parts = [f"{readable(part)} {number(value)}" for part, value in score.parts.items()]
    return [*notes, *([f"{name}: {', '.join(parts)}"] if parts else [])]


def _each_target(record: Scores, caption: str, scores: Sequence[Score]) -> list[Table]:
    """The values of each of several target rows, as many metrics beside one another as fit a line."""
    if len(record.targets) < 2:
        return []
    lines: list[list[Score]] = []
    for score in scores:
        if not lines or sum(len(one.metric) for one in (*lines[-1], score)) > _WIDEST:
            lines.append([])
        lines[-1].append(score)
    left = len(record.targets) - _MOST_ROWS
    remarks = (f"{counted(left, 'more target row')} in the record",) if left > 0 else ()
    title = " · ".join(text for text in ("each target row", caption) if text)
    return [
        Table(
            title,
            (Column("target"), *(Column(readable(score.metric), True) for score in line)),
            tuple(
                (quoted(label), *(_value(score, row) for score in line))
                for row, label in enumerate(record.targets[:_MOST_ROWS])
            ),
            remarks=remarks,
        )
        for line in lines
    ]


def _value(score: Score, row: int) -> str:
    value = score.values[row] if row < len(score.values) else None
    return NO_NUMBER if value is None else number(value)


def _caveats(scores: Sequence[Score]) -> list[tuple[str, str]]:
    """Each caveat once, with the metrics it holds for where those are not all."""
    metrics = {score.metric for score in scores}
    held: dict[str, list[str]] = {}
    for score in scores:
        if score.caveat:
            held.setdefault(plain(score.caveat), []).append(score.metric)
    return [
        ("" if set(names) == metrics else ", ".join(map(readable, dict.fromkeys(names))), text)
        for text, names in held.items()
    ]
