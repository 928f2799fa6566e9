"""What a sheet is made of: headings, tables, charts and what was found out, as text and numbers for every format."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from whence.records import Attribution, Curve
from whence.views.evidence import caveat, cost, settings

Tone = Literal["good", "bad", "none"]
"""The colour of a status, which says nothing that its word and mark do not."""


@dataclass(frozen=True)
class Column:
    """The heading of a column, whether what is under it are numbers, and whether long text in it may be broken."""

    name: str
    numbers: bool = False
    wraps: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of text under headings; `caption` says what they are about, "" where the title does; `remarks` stand below
    it, a line each.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chart:
    """Curves, of at least one point each, over one pair of axes, `across` and `up`, named with their units; `note` says
    what bands there are around them.
    """

    caption: str
    across: str
    up: str
    curves: tuple[Curve, ...]
    note: str = ""


@dataclass(frozen=True, eq=False)
class Matrix:
    """Numbers in rows and columns on colours, with the names of both sides and a unit.

    Colours are symmetric about zero, or where numbers have no `signed` scale, as weights have none, from zero on.
    Where there are many, names are of the rows and columns that are shown one by one, and the others go without.
    """

    caption: str
    down: str
    across: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: Float[np.ndarray, "row column"]
    unit: str
    note: str = ""
    signed: bool = True


@dataclass(frozen=True, eq=False)
class Mosaic:
    """Small pictures of numbers from 0 to 1, in rows and columns, for formats that draw pictures."""

    caption: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    tiles: Float[np.ndarray, "row column down across"]
    note: str = ""


@dataclass(frozen=True)
class Entry:
    """One question and what came of it: a status as a word and as a mark, a sentence, facts and charts.

    `tables` are details for formats that can fold them away.
    """

    name: str
    mark: str
    status: str
    tone: Tone
    sentence: str
    facts: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """What is shown of a record, in the order it is read. A caveat is `(whom it is for, the sentence)`, "" for all.

    `drawn` are tables that an interactive view shows in a way of its own, and takes the place of; `overview` stands
    before the entries, all of them at a glance.
    """

    title: str
    facts: tuple[str, ...]
    tables: tuple[Table, ...]
    maps: tuple[tuple[str, Attribution], ...]
    cost: tuple[str, ...]
    caveats: tuple[tuple[str, str], ...]
    provenance: tuple[tuple[str, str], ...]
    entries: tuple[Entry, ...] = ()
    charts: tuple[Chart, ...] = ()
    closing: str = ""
    matrices: tuple[Matrix, ...] = ()
    drawn: tuple[Table, ...] = ()
    overview: Table | None = None
    mosaics: tuple[Mosaic, ...] = ()


def sheet_of(
    provenance: Mapping[str, Any],
    title: str,
    facts: Sequence[str],
    *,
    tables: Sequence[Table] = (),
    maps: Sequence[tuple[str, Attribution]] = (),
    entries: Sequence[Entry] = (),
    charts: Sequence[Chart] = (),
    caveats: Sequence[tuple[str, str]] = (),
    closing: str = "",
    matrices: Sequence[Matrix] = (),
    drawn: Sequence[Table] = (),
    overview: Table | None = None,
    mosaics: Sequence[Mosaic] = (),
) -> Sheet:
    """The sheet of a record with this provenance, whose cost and caveat it takes from there; a map's caveat too."""
    own = caveat(provenance) or (caveat(maps[0][1].provenance) if maps else None)
    return Sheet(
        title,
        tuple(facts),
        tuple(tables),
        tuple(maps),
        tuple(cost(provenance)),
        (*([("", own)] if own else []), *caveats),
        tuple(settings({name: value for name, value in provenance.items() if name != "caveat"})),
        tuple(entries),
        tuple(charts),
        closing,
        tuple(matrices),
        tuple(drawn),
        overview,
        tuple(mosaics),
    )
