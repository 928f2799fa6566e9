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
from whence.views.numbers import NO_NUMBER, counted, signed
from whence.views.token_text import readable, readable_tokens

_MOST_ROWS = 500


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
    """What `attribution.html` shows."""

    name: str
    method: str
    unit: str
    strips: tuple[Strip, ...]
    rows: tuple[Row, ...]
    rows_left_out: int
    params: tuple[tuple[str, str], ...]
    caveat: str | None
    cost: tuple[str, ...]
    provenance: tuple[tuple[str, str], ...]
    account: Account | None
    template: str = "attribution.html"


def attribution_part(record: Attribution, palette: Palette = RDBU) -> AttributionPart:
    """The values of an Attribution as text, in the order they are read."""
    strips = tuple(strip(record, row, palette) for row in range(len(record.targets)))
    method = readable(record.method)
    return AttributionPart(
        name=f"{strips[0].label if len(strips) == 1 else counted(len(strips), 'target row')} by {method}",
        method=method,
        unit=readable(record.unit),
        strips=strips,
        rows=number_rows(record),
        params=tuple(settings(record.params)),
        caveat=caveat(record.provenance),
        cost=tuple(cost(record.provenance)),
        rows_left_out=max(0, len(record.tokens) - _MOST_ROWS),
        provenance=tuple(settings(_said(record.provenance))),
        account=account(record, 0) if len(strips) == 1 else None,
    )


def number_rows(record: Attribution) -> tuple[Row, ...]:
    """The table of numbers, in reading order: one row a token, one score a target; of very many, the strongest."""
    scales = [scale_of(scores) for scores in record.scores]
    first = scales[0] if scales else 0.0
    shares = np.abs(record.scores) / np.array([scale or 1.0 for scale in scales])[:, None]
    shown = sorted(strongest(shares.sum(axis=0), _MOST_ROWS))
    tokens = [record.tokens[i] for i in shown] if len(shown) < len(record.tokens) else record.tokens
    return tuple(
        Row(
            place=i + 1,
            text=text,
            id=NO_NUMBER if token.id is None else plain(token.id),
            role=_role(token),
            scores=tuple(signed(s, scale) for s, scale in zip(record.scores[:, i].tolist(), scales, strict=True)),
            bar=100 * float(record.scores[0, i]) / first if first else 0.0,
        )
        for i, token, text in zip(shown, tokens, readable_tokens(tokens), strict=True)
    )


def _said(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The provenance as far as it is words and numbers, but for what stands elsewhere on the page."""
    said = {name: value for name, value in provenance.items() if name not in ("caveat", "inputs")}
    if isinstance(said.get("image"), dict):
        said["image"] = {name: value for name, value in said["image"].items() if name != "view"}
    return said


def _role(token: Token) -> str:
    return f"{readable(token.role)}, special" if token.special else readable(token.role)
