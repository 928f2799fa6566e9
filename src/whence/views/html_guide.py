"""What a page says of how to read it: only what concerns the records on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from whence.records import Attentions, Attribution, Comparison, Flow, Maximizers, Profiles, Scores, Verdict


@dataclass(frozen=True)
class Guide:
    """Which items of `guide.html` a page has: of colours, rows with a scale each, residuals, and of kinds of record."""

    colors: bool
    rows: bool
    residual: bool
    attention: bool
    flow: bool
    curves: bool
    tokens: bool
    frames: bool
    checks: bool


def guide_of(records: Sequence[Any]) -> Guide:
    """The items for these records; a page of none explains heat maps."""
    explained = not records or _any(records, Attribution | Comparison)
    texts = _any(records, Profiles | Maximizers)
    return Guide(
        colors=explained or texts or _any(records, Flow),
        rows=explained or texts,
        residual=explained,
        attention=_any(records, Attentions),
        flow=_any(records, Flow),
        curves=any(isinstance(one, Scores) and _has_curves(one) for one in records),
        tokens=any(isinstance(one, Profiles) and any(unit.projection for unit in one.entries) for one in records),
        frames=any(isinstance(one, Profiles) and any(unit.maximizers for unit in one.entries) for one in records),
        checks=_any(records, Verdict),
    )


def _any(records: Sequence[Any], kind: Any) -> bool:
    return any(isinstance(record, kind) for record in records)


def _has_curves(record: Scores) -> bool:
    return any(curve.low for score in record for row in score.curves for curve in row)
