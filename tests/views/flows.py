"""Flows for the views to show, small enough to read."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from whence.records import Flow, TargetValue, Token

TEXTS = ("The", " Eiffel", " Tower", " is", " in")


def make_flow(texts: Sequence[str] = TEXTS, *, layers: int = 3, rows: int = 1, seed: int = 3, **changes: Any) -> Flow:
    """Random numbers on a causal model's places; what is explained is predicted at the last token."""
    drawn, count = np.random.default_rng(seed), len(texts)
    nodes = drawn.normal(size=(rows, layers + 1, count))
    nodes[:, -1, :-1] = 0
    nodes[:, -1, -1] = 4.5
    fields = {
        "tokens": tuple(Token(text, 100 + i) for i, text in enumerate(texts)),
        "targets": tuple(
            TargetValue(" Paris" if row == 0 else f" label{row}", count, 4.5, 0.0, "logit") for row in range(rows)
        ),
        "nodes": nodes.astype(np.float32),
        "edges": np.tril(drawn.normal(size=(rows, layers, count, count))).astype(np.float32),
        "heads": drawn.normal(size=(rows, layers, 2)).astype(np.float32),
        "by_values": 0.5,
        "method": "attnlrp",
        "params": {},
        "provenance": {"model": "smollm2", "seconds": 0.42, "forwards": 2, "backwards": rows, "target": "predicted"},
    }
    return Flow(**(fields | changes))
