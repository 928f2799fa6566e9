"""A flow as a sheet: the widest paths, the strongest heads, and both maps, layers from the top down."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from whence.records import Flow, FlowPath
from whence.views.evidence import strongest
from whence.views.numbers import counted, number, signed
from whence.views.sheet_parts import Column, Matrix, Sheet, Table, sheet_of
from whence.views.token_text import isolated, quoted, readable, readable_tokens

PATHS = 5
"""Paths shown of a target row."""
_HEADS = 5
_LONGEST_NAME = 20
"""Characters of a token's name in a path."""
_ROWS_DRAWN = 4
"""Target rows whose maps are drawn; of more, the tables alone."""


def flow_sheet(record: Flow) -> Sheet:
    """The sheet of a flow: for each target row two tables, and two maps for the first rows."""
    rows = len(record.targets)
    alone = flow_title(record, 0) if rows == 1 else ""
    drawn = range(min(rows, _ROWS_DRAWN))
    left = f"Maps are of the first {_ROWS_DRAWN} of {rows} target rows." if rows > _ROWS_DRAWN else ""
    return sheet_of(
        record.provenance,
        alone or counted(rows, "target row"),
        [
            f"flow of relevance by {readable(record.method)}",
            counted(record.layers, "layer"),
            counted(record.heads.shape[2], "head"),
        ],
        drawn=[
            table
            for row in range(rows)
            for table in (_paths(record, row, not alone), _strongest_heads(record, row, not alone))
        ],
        matrices=[matrix for row in drawn for matrix in flow_maps(record, row, not alone)],
        closing=left,
    )


def flow_title(record: Flow, row: int) -> str:
    """What a row explains, and its value."""
    target = record.targets[row]
    return f"{explained(record, row)} {number(target.value)} {readable(target.unit)}"


def explained(record: Flow, row: int) -> str:
    """What a row explains, and whether the model itself predicted it."""
    predicted = "predicted " if record.provenance.get("target") == "predicted" else ""
    return f"{predicted}{quoted(record.targets[row].label)}"


def flow_maps(record: Flow, row: int, named: bool = False) -> tuple[Matrix, Matrix]:
    """The relevance in front of each layer (and behind the last) at each token, and of each head; the top first."""
    unit = readable(record.targets[row].unit)
    about = f"{quoted(record.targets[row].label)}: " if named else ""
    return (
        Matrix(
            f"{about}relevance on the residual stream, from the prediction down to the input",
            "residual",
            "token",
            stream_names(record.layers)[::-1],
            tuple(readable_tokens(record.tokens)),
            record.nodes[row, ::-1],
            unit,
            "residual l is what stands in front of layer l",
        ),
        Matrix(
            f"{about}relevance of heads, summed over tokens",
            "layer",
            "head",
            tuple(str(layer) for layer in range(record.layers))[::-1],
            tuple(str(head) for head in range(record.heads.shape[2])),
            record.heads[row, ::-1],
            unit,
        ),
    )


def stream_names(layers: int) -> tuple[str, ...]:
    """What the places on the residual stream are called, from the input up."""
    return ("0 input", *(str(layer) for layer in range(1, layers)), f"{layers} top") if layers else ("0 top",)


def path_text(record: Flow, path: FlowPath, names: Sequence[str]) -> str:
    """Where a path is on which residuals, from the input up; `names` are those of the tokens.

    The first of the numbers says that they are those of residuals.
    """
    stays = [(token, len(list(same))) for token, same in groupby(path.tokens)]
    parts, start = [], 0
    for token, count in stays:
        span = str(start) if count == 1 else f"{start}–{start + count - 1}"
        noun = "" if start else "residual " if count == 1 else "residuals "
        parts.append(f"{names[token]} {noun}{span}")
        start += count
    return " → ".join(parts)


def token_names(record: Flow) -> list[str]:
    """The tokens, quoted and, where they are long, cut; where several then read alike, with their place, from 0."""
    texts = [_cut(text) for text in readable_tokens(record.tokens)]
    return [f"“{isolated(text)}”" + (f" #{place}" if texts.count(text) > 1 else "") for place, text in enumerate(texts)]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"


def _paths(record: Flow, row: int, named: bool) -> Table:
    names, found = token_names(record), record.paths(PATHS, row) if record.tokens else []
    unit, about = readable(record.targets[row].unit), f"{flow_title(record, row)} · " if named else ""
    ends = [float(record.nodes[row, 0, path.tokens[0]]) for path in found]
    scale = max(map(abs, ends), default=0.0)
    return Table(
        f"{about}widest paths, by token and residual",
        (
            Column("path", wraps=True),
            Column(f"input, {unit}", True),
            Column("narrowest", True),
            Column("in layer", True),
        ),
        tuple(
            (
                path_text(record, path, names),
                signed(end, scale),
                signed(path.value, scale),
                "top" if path.narrowest == record.layers else str(path.narrowest),
            )
            for path, end in zip(found, ends, strict=True)
        ),
        f"as wide as their narrowest step; {_carried(record)}",
    )


def _carried(record: Flow) -> str:
    share = "all" if record.by_values == 1 else f"{number(100 * record.by_values)}%"
    return f"steps between tokens are what attention’s values carry, {share} of the heads’ relevance"


def _strongest_heads(record: Flow, row: int, named: bool) -> Table:
    scores = record.heads[row]
    chosen = strongest(scores.ravel(), _HEADS)
    scale = float(np.abs(scores).max(initial=0.0))
    about = f"{flow_title(record, row)} · " if named else ""
    return Table(
        f"{about}strongest heads",
        (Column("head"), Column(readable(record.targets[row].unit), True)),
        tuple(
            (f"layer {i // scores.shape[1]} head {i % scores.shape[1]}", signed(float(scores.flat[i]), scale))
            for i in chosen
        ),
    )
