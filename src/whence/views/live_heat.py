"""One explanation as the data of its interactive heat map."""

from itertools import pairwise
from typing import Any

from whence.records import Attribution
from whence.records.grouping import merge, sentence_groups, word_groups
from whence.views.colors import Palette
from whence.views.evidence import evidence, heading, seen
from whence.views.image_grid import image_grid
from whence.views.live_data import colors, numbers, tokens
from whence.views.token_text import gaps, readable, readable_tokens, reads_right_to_left


def live_heat(record: Attribution, palette: Palette) -> dict[str, Any]:
    """What `HeatView` of the front end's spec.ts says; scores are the record's own, never rounded."""
    errors = record.standard_error
    return {
        "view": "heat",
        "palette": colors(palette),
        "method": readable(record.method),
        **inputs(record),
        "targets": [target(record, row) for row in range(len(record.targets))],
        "scores": numbers(record.scores),
        "errors": None if errors is None else numbers(errors),
    }


def inputs(record: Attribution) -> dict[str, Any]:
    """What the record's scores are of: tokens, with the words and sentences they make up, or the units of an image."""
    image = record.grid is not None
    return {
        "direction": "rtl" if reads_right_to_left([token.text for token in record.tokens]) else "ltr",
        "tokens": [] if image else tokens(record.tokens),
        "ids": [] if image else [token.id for token in record.tokens],
        "levels": _levels(record),
        "grid": _grid(record),
    }


def target(record: Attribution, row: int) -> dict[str, Any]:
    """One target row: what it explains and its account, as text, and how many leading tokens it can depend on."""
    account, place = evidence(record, row), record.targets[row].position
    whole = "value − baseline" if record.targets[row].baseline_value else "value"
    share = f" ({account.residual_share} of {whole})" if account.residual_share else ""
    inside = place is not None and place < len(record.tokens) and not record.is_regrouped
    return {
        "label": heading(record, row),
        "text": readable(record.targets[row].label),
        "value": account.value,
        "baseline": account.baseline,
        "residual": None if account.residual is None else f"{account.residual}{share}",
        "unit": readable(record.unit_of(row)),
        "seen": seen(record, row),
        "token": place if inside else None,
    }


def scales(record: Attribution) -> list[float]:
    """Both ends of the colour scale of each row of an image."""
    grids = [image_grid(record, row) for row in range(len(record.targets))]
    return [grid.scale for grid in grids if grid is not None]


def _levels(record: Attribution) -> dict[str, Any]:
    """The words and the sentences of a text; none of an image, or of a record whose units are groups already."""
    if record.grid is not None or record.is_regrouped:
        return {}
    levels = {"words": word_groups(record.tokens), "sentences": sentence_groups(record.tokens, record.text)}
    return {name: _level(record, groups) for name, groups in levels.items()}


def _level(record: Attribution, groups: list[list[int]]) -> dict[str, Any]:
    """Where groups begin, which follow one another; and their texts, where those of their tokens do not spell them."""
    texts, apart = readable_tokens(record.tokens), gaps(record.tokens)
    names = {}
    for i, group in enumerate(groups):
        spelled = "".join(" " * apart[token] + texts[token] for token in group)
        name = readable(merge(record.tokens, group, record.text).text)
        if len(group) > 1 and spelled.split() != name.split():
            names[i] = name
    assert all(before[-1] + 1 == after[0] for before, after in pairwise(groups))
    return {"starts": [group[0] for group in groups], "names": names}


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
        "scales": scales(record),
    }
