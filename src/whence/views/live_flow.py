"""A flow as the data of its interactive view: every node, and of the edges the strongest at each."""

from typing import Any

import numpy as np
from jaxtyping import Float32, Int

from whence.records import Flow
from whence.views.colors import Palette
from whence.views.flow_sheet import PATHS, explained, stream_names
from whence.views.live_data import colors, numbers, tokens
from whence.views.numbers import number
from whence.views.token_text import readable

_EDGES = 5
"""The most edges of a node that are kept, on its way up and on its way down each."""
_MOST_NODES = 400_000
"""Ends of edges that a page holds, about: longer inputs keep fewer edges of each node, so that pages stay small."""


def live_flow(record: Flow, palette: Palette) -> dict[str, Any]:
    """What `FlowView` of the front end's spec.ts says; numbers are the record's own, never rounded."""
    return {
        "view": "flow",
        "palette": colors(palette),
        "tokens": tokens(record.tokens),
        "streams": list(stream_names(record.layers)),
        "heads": record.heads.shape[2],
        "targets": [_target(record, row) for row in range(len(record.targets))],
        "nodes": numbers(record.nodes),
        "rest": numbers(record.rest),
        "headScores": numbers(record.heads),
        "edges": _strongest_edges(record),
    }


def _target(record: Flow, row: int) -> dict[str, Any]:
    found = record.paths(PATHS, row) if record.tokens else []
    return {
        "label": explained(record, row),
        "text": readable(record.targets[row].label),
        "value": f"{number(record.targets[row].value)} {readable(record.targets[row].unit)}",
        "unit": readable(record.targets[row].unit),
        "paths": [
            {
                "tokens": list(path.tokens),
                "value": path.value,
                "narrowest": path.narrowest,
            }
            for path in found
        ],
    }


def _strongest_edges(record: Flow) -> dict[str, Any]:
    """Of each layer the strongest edges between two tokens, of each that is a key and of each that is a query."""
    count = len(record.tokens)
    ends = 2 * record.edges.shape[0] * record.layers * count
    kept = min(_EDGES, max(count - 1, 0), _MOST_NODES // max(ends, 1))
    shape = (*record.edges.shape[:2], count, kept)
    found = {name: np.zeros(shape, dtype=np.float32) for name in ("above", "below", "aboveValue", "belowValue")}
    for row, layers in enumerate(record.edges) if kept else ():
        for layer, edges in enumerate(layers):
            for side, axis in (("above", 0), ("below", 1)):
                chosen, values = _largest(edges, axis, kept)
                found[side][row, layer], found[f"{side}Value"][row, layer] = chosen, values
    return {"kept": kept} | {name: numbers(table) for name, table in found.items()}


def _largest(
    edges: Float32[np.ndarray, "query key"], axis: int, kept: int
) -> tuple[Int[np.ndarray, "token kept"], Float32[np.ndarray, "token kept"]]:
    """The edges of largest size between two tokens along an axis, largest first, the earlier first among equals."""
    own = np.arange(len(edges))
    sizes = np.abs(edges)
    sizes[own, own] = -1
    chosen = np.empty((len(edges), kept), dtype=np.intp)
    for rank in range(kept):
        chosen[:, rank] = sizes.argmax(axis=axis)
        sizes[_places(axis, chosen[:, rank], own)] = -1
    return chosen, edges[_places(axis, chosen, own[:, None])]


def _places(axis: int, others: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (others, own) if axis == 0 else (own, others)
