"""What the laws' tests share: raw scores, and equality of scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from whence.methods.base import Method
from whence.methods.run import Run
from whence.subjects.subject import Subject

OF_EVERY_OUTPUT = frozenset({"raw_attention", "attention_rollout", "attention_flow", "value_zeroing"})
"""Methods whose scores are the same for every output predicted at one place."""


def reads_one_token(method: Method) -> bool:
    """Whether the method follows attention to the one token that a prediction is made at."""
    return method.family == "attention" or method.key == "value_zeroing"


def raw_scores(method: Method, subject: Subject, inputs: Sequence[Any], target: Any = None, **run: Any) -> list[Any]:
    """Scores as computed, before they are stored as float32; beyond a row's reach they are 0, as in the record."""
    found = []
    for item, explanation in zip(inputs, method.explain(subject, inputs, target, Run(**run)), strict=True):
        scores = np.array(explanation.scores, dtype=np.float64)
        if explanation.groups is not None:
            by_group, scores = scores, np.zeros((len(scores), len(item)))
            scores[:, [group[0] for group in explanation.groups]] = by_group
        for row, readout in enumerate(explanation.readouts):
            visible = item.slots[readout.slot].visible
            scores[row, len(item) if visible is None else visible :] = 0
        assert scores.shape == (len(explanation.readouts), len(item))
        found.append(scores)
    return found


def assert_equal(scores: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    assert scores.shape == expected.shape
    scale = max(1e-12, np.abs(expected).max())
    worst = np.abs(scores - expected).max() / scale
    assert worst <= tolerance, f"differs by {worst:.2e} of the largest score, allowed {tolerance:.0e}"
