"""One explanation as the data of its interactive heat map."""

from typing import Any

from whence.records import Attribution
from whence.records.grouping import sentence_groups, word_groups
from whence.views.colors import Palette
from whence.views.evidence import evidence, heading, seen
from whence.views.image_grid import image_grid
from whence.views.live_data import colors, numbers, tokens
from whence.views.token_text import readable, reads_right_to_left


def live_heat(record: Attribution, palette: Palette) -> dict[str, Any]:
    """What `HeatView` of the front end's spec.ts says; scores are the record's own, never rounded."""
    return {
        "view": "heat",
        "palette": colors(palette),
        "method": readable(record.method),
        "direction": "rtl" if reads_right_to_left([token.text for token in record.tokens]) else "ltr",
        "tokens": tokens(record.tokens),
        "targets": [_target(record, row) for row in range(len(record.targets))],
        "scores": numbers(record.scores),
        "groups": _groups(record),
        "grid": _grid(record),
    }


def _target(record: Attribution, row: int) -> dict[str, Any]:
    account, place = evidence(record, row), record.targets[row].position
    return {
        "label": heading(record, row),
        "value": account.value,
        "residual": account.residual,
        "unit": readable(record.unit_of(row)),
        "seen": seen(record, row),
        "token": place if place is not None and place < len(record.tokens) else None,
    }


def _groups(record: Attribution) -> dict[str, list[int]]:
    """For each level the group that a token is of; none for units that are not of a text, or are groups already."""
    if record.grid is not None or record.provenance.get("derived"):
        return {}
    levels = {"words": word_groups(record.tokens), "sentences": sentence_groups(record.tokens, record.text)}
    return {
        name: [group for _, group in sorted((token, i) for i, group in enumerate(groups) for token in group)]
        for name, groups in levels.items()
    }


def _grid(record: Attribution) -> dict[str, Any] | None:
    grid = image_grid(record, 0) if record.targets else None
    if grid is None:
        return None
    rows, columns = grid.scores.shape
    return {
        "rows": rows,
        "columns": columns,
        "cell": list(grid.cell),
        "height": grid.height,
        "width": grid.width,
        "unit": grid.unit,
        "picture": None if grid.view is None else f"data:image/jpeg;base64,{grid.view}",
    }
