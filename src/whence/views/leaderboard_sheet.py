"""A leaderboard as a sheet: a table for each metric, best first, then what the methods cost."""

from whence.records.leaderboard import Cell, Discipline, Leaderboard, Mean
from whence.views.numbers import NO_NUMBER, counted, number, signed
from whence.views.sheet_parts import Column, Sheet, Table, sheet_of
from whence.views.token_text import readable

_LISTED = 10
"""Rows left out that are shown."""
_WIDE = 60
"""Characters of a reason that are shown."""
_BETTER = {"higher": "higher is better", "lower": "lower is better", "neither": "neither way is better"}


def leaderboard_sheet(record: Leaderboard) -> Sheet:
    """The sheet of a leaderboard: what it is over, its tables in the order they are read, each caveat once."""
    left = [f"{len(record.left_out)} left out"] if record.left_out else []
    measured = [_metric(record, column) for column in record.metrics]
    return sheet_of(
        record.provenance,
        f"{counted(len(record.methods), 'method')} by {counted(len(record.metrics), 'metric')}",
        [counted(len(record.rows), "row"), *left, readable(record.interval)],
        tables=[*measured, _costs(record), *_rankings(record), *_left_out(record)],
        caveats=[("", readable(caveat)) for caveat in dict.fromkeys(one.caveat for one in record.metrics) if caveat],
    )


def _metric(record: Leaderboard, column: Discipline) -> Table:
    """One metric under one strategy, with a column for random orders and for the lead on "random" where there are."""
    cells = record.table(column.label, column.strategy)
    scale = max((abs(cell.mean.mean) for cell in cells if cell.mean is not None), default=0.0)
    chance = any(cell.chance is not None for cell in cells)
    lead = any(cell.lead is not None for cell in cells)
    known = any(cell.mean is not None and cell.mean.low is not None for cell in cells)
    heads = [Column("method"), Column("mean", True), *([Column("95 % interval", True)] if known else [])]
    heads += [Column("rows", True)]
    heads += [Column("random orders", True)] if chance else []
    heads += [Column("lead on random", True)] if lead else []
    rows = []
    for cell in cells:
        row = [readable(cell.method), *_mean(cell.mean, scale, known)]
        row += [NO_NUMBER if cell.chance is None else signed(cell.chance, scale)] if chance else []
        row += [_lead(record, cell, scale)] if lead else []
        rows.append(tuple(row))
    how = [readable(name) for name in (column.label, column.unit) if name] + [_BETTER[column.direction]]
    how += [f"masked by {readable(column.strategy)}"] if column.strategy else []
    tested = any(record.better_than_random(cell) is not None for cell in cells)
    note = "* the whole interval of the lead is on the better side" if tested else ""
    return Table(" · ".join(how), tuple(heads), tuple(rows), note)


def _mean(mean: Mean | None, scale: float, interval: bool) -> list[str]:
    if mean is None:
        return [NO_NUMBER, *([NO_NUMBER] if interval else []), "0"]
    return [signed(mean.mean, scale), *([_interval(mean, scale)] if interval else []), str(mean.n)]


def _interval(mean: Mean, scale: float) -> str:
    if mean.low is None or mean.high is None:
        return NO_NUMBER
    return f"{signed(mean.low, scale)} to {signed(mean.high, scale)}"


def _lead(record: Leaderboard, cell: Cell, scale: float) -> str:
    if cell.lead is None:
        return NO_NUMBER
    return signed(cell.lead.mean, scale) + (" *" if record.better_than_random(cell) else "")


def _costs(record: Leaderboard) -> Table:
    heads = (Column("method"), Column("seconds", True), Column("forwards", True), Column("backwards", True))
    rows = tuple(
        (readable(one.label), number(one.seconds), number(one.forwards), number(one.backwards))
        for one in record.methods
    )
    return Table("cost of one input, on average", heads, rows)


def _rankings(record: Leaderboard) -> list[Table]:
    found = []
    for one in record.rankings:
        heads = (Column("masked by"), Column("or by"), Column("Kendall's τ", True))
        rows = tuple(
            (readable(first), readable(second), NO_NUMBER if tau is None else signed(tau, 1.0))
            for first, second, tau in one.taus
        )
        said = "" if one.concordance is None else f" · Kendall's W {number(one.concordance)}"
        found.append(Table(f"{readable(one.metric)}: is the ranking of methods the same?{said}", heads, rows))
    return found


def _left_out(record: Leaderboard) -> list[Table]:
    if not record.left_out:
        return []
    shown = record.left_out[:_LISTED]
    rows = tuple((str(one.row), _short(readable(one.reason))) for one in shown)
    more = len(record.left_out) - len(shown)
    note = f"and {more} more" if more else ""
    return [Table("rows left out", (Column("row", True), Column("because")), rows, note)]


def _short(reason: str) -> str:
    return reason if len(reason) <= _WIDE else f"{reason[: _WIDE - 1]}…"
