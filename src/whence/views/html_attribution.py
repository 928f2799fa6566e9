"""One explanation as the values its HTML template shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from whence.records import Attribution, Token
from whence.views.colors import RDBU, Palette
from whence.views.evidence import caveat, cost, plain, scale_of, settings, strongest
from whence.views.html_account import Account, account
from whence.views.html_strip import Strip, strip
from whence.views.long_inputs import drawn, rows_drawn, rows_left_out
from whence.views.numbers import NO_NUMBER, counted, signed
from whence.views.token_text import readable, readable_tokens

_MOST_ROWS = 500
_MOST_CELLS = 10_000
_ELSEWHERE = ("caveat", "inputs", "standard_error")
"""What of a provenance is shown elsewhere, or is a table of its own."""


@dataclass(frozen=True)
class Row:
    """One token of the table of numbers; `bar` is its score in percent of the scale, for a row that stands alone."""

    place: int
    text: str
    id: str
    role: str
    scores: tuple[str, ...]
    bar: float


@dataclass(frozen=True)
class AttributionPart:
    """What `attribution.html` shows, of so many target rows."""

    name: str
    method: str
    unit: str
    target_count: int
    strips: tuple[Strip, ...]
    strips_left_out: str | None
    rows: tuple[Row, ...]
    rows_left_out: int
    params: tuple[tuple[str, str], ...]
    caveat: str | None
    cost: tuple[str, ...]
    provenance: tuple[tuple[str, str], ...]
    account: Account | None
    template: str = "attribution.html"

    @property
    def alone(self) -> bool:
        """Whether there is one target row."""
        return self.target_count == 1


def attribution_part(record: Attribution, palette: Palette = RDBU, among: int = 1) -> AttributionPart:
    """The values of an Attribution as text, in the order they are read; `among` so many on its part of the page."""
    shown = drawn(record)
    count = rows_drawn(shown, among)
    strips = tuple(strip(record, row, palette, shown) for row in range(count))
    method = readable(record.method)
    rows = number_rows(record, count, max(1, _MOST_ROWS // among))
    explained = strips[0].label if len(record.targets) == 1 else counted(len(record.targets), "target row")
    return AttributionPart(
        name=f"{explained} by {method}",
        method=method,
        unit=readable(record.unit),
        target_count=len(record.targets),
        strips=strips,
        strips_left_out=rows_left_out(record, count),
        rows=rows,
        params=tuple(settings(record.params)),
        caveat=caveat(record.provenance),
        cost=tuple(cost(record.provenance)),
        rows_left_out=len(record.tokens) - len(rows),
        provenance=tuple(settings(_said(record.provenance))),
        account=account(record, 0, palette) if len(strips) == 1 else None,
    )


def number_rows(record: Attribution, targets: int, most: int = _MOST_ROWS) -> tuple[Row, ...]:
    """The table of numbers, in reading order: one row a token, one score for each of the first `targets`; of very many
    tokens, the strongest `most`, or fewer where targets are many.
    """
    table = record.scores[:targets]
    scales = [scale_of(scores) for scores in table]
    first = scales[0] if scales else 0.0
    shares = np.abs(table) / np.array([scale or 1.0 for scale in scales])[:, None]
    shown = sorted(strongest(shares.sum(axis=0), max(1, min(most, _MOST_CELLS // max(1, targets)))))
    tokens = [record.tokens[i] for i in shown] if len(shown) < len(record.tokens) else record.tokens
    return tuple(
        Row(
            place=i,
            text=text,
            id=NO_NUMBER if token.id is None else plain(token.id),
            role=_role(token),
            scores=tuple(signed(s, scale) for s, scale in zip(table[:, i].tolist(), scales, strict=True)),
            bar=100 * float(record.scores[0, i]) / first if first else 0.0,
        )
        for i, token, text in zip(shown, tokens, readable_tokens(tokens), strict=True)
    )


def _said(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The provenance as far as it is words and numbers, but for what stands elsewhere on the page."""
    said = {name: _without_tables(value) for name, value in provenance.items() if name not in _ELSEWHERE}
    if isinstance(said.get("image"), dict):
        said["image"] = {name: value for name, value in said["image"].items() if name != "view"}
    return said


def _without_tables(value: Any) -> Any:
    """What a difference says of one of its two sides, as far as it is words and numbers."""
    return {k: v for k, v in value.items() if k not in _ELSEWHERE} if isinstance(value, dict) else value


def _role(token: Token) -> str:
    return f"{readable(token.role)}, special" if token.special else readable(token.role)
