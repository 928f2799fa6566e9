"""Records for the views to show, small enough to read."""

from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from whence.records import Agreement, Attribution, Comparison, TargetValue, Token
from whence.views import terminal

TEXTS = ("The", " E", "iff", "el", " Tower", " is", " in")
SCORES = (-0.31, 0.92, 1.41, 3.05, 6.84, -0.42, 0.02)


def make_tokens(texts: Sequence[str]) -> tuple[Token, ...]:
    ends = np.cumsum([len(text) for text in texts]).tolist()
    return tuple(
        Token(text, 100 + i, end - len(text), end) for i, (text, end) in enumerate(zip(texts, ends, strict=True))
    )


def make_attribution(
    texts: Sequence[str] = TEXTS,
    scores: Any = SCORES,
    *,
    labels: Sequence[str] = (" Paris",),
    complete: bool = True,
    method: str = "attnlrp",
    unit: str = "logit",
    params: dict[str, Any] | None = None,
    tokens: Sequence[Token] | None = None,
    **provenance: Any,
) -> Attribution:
    rows = np.atleast_2d(np.asarray(scores, dtype=np.float32))
    targets = [TargetValue(label, 7 + i, 11.53, 0.0 if complete else None, "logit") for i, label in enumerate(labels)]
    made = {"model": "smollm2", "seconds": 0.42, "forwards": 1, "backwards": 1, "scores_unit": unit} | provenance
    return Attribution.build(
        make_tokens(texts) if tokens is None else tokens,
        targets,
        rows,
        complete=complete,
        method=method,
        params=params or {},
        provenance=made,
    )


def make_comparison(rows: int = 1) -> Comparison:
    labels = [f" label{i}" for i in range(rows)]
    scores = np.tile(np.asarray(SCORES), (rows, 1))
    attributions = (
        make_attribution(scores=scores, labels=labels, caveat="Biases stay in the residual."),
        make_attribution(scores=-scores, labels=labels, method="leave_one_out", complete=False),
        make_attribution(scores=0 * scores, labels=labels, method="constant", complete=False, unit="attention weight"),
    )
    agreements = [
        entry
        for row in range(rows)
        for entry in (
            Agreement(0, 1, row, 7, -1.0 + row / 2, 0.001 * (row + 1), -1.0, 0.0001, 3, 1.0),
            Agreement(0, 2, row, 7, None, None, None, None, 3, 2 / 3),
            Agreement(1, 2, row, 7, None, None, None, None, 3, 2 / 3),
        )
    ]
    return Comparison(attributions, tuple(agreements))


def print_to_string(*records: Any, width: int = 80, **options: Any) -> str:
    file = StringIO()
    terminal.render(records, Console(**{"file": file, "width": width, "force_terminal": False} | options))
    return file.getvalue()


@pytest.fixture(scope="session")
def attribution_of() -> Callable[..., Attribution]:
    return make_attribution


@pytest.fixture(scope="session")
def comparison_of() -> Callable[..., Comparison]:
    return make_comparison


@pytest.fixture(scope="session")
def printed() -> Callable[..., str]:
    return print_to_string
