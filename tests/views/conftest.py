"""Records for the views to show, small enough to read."""

from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from whence.records import Agreement, Attribution, Comparison, Disagreement, TargetValue, Token
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
            Agreement(
                first=0,
                second=1,
                target=row,
                tokens=7,
                spearman=-1.0 + row / 2,
                spearman_p=0.001 * (row + 1),
                kendall=-1.0,
                kendall_p=0.0001,
                k=3,
                overlap=1.0,
                overlap_p=0.029 * (row + 1),
                overlaps=((1, 1.0), (3, 1.0), (5, 0.8)),
                rbo=0.9 - row / 10,
                rbo_p=0.25,
            ),
            Agreement(0, 2, row, 7, None, None, None, None, 3, 2 / 3),
            Agreement(1, 2, row, 7, None, None, None, None, 3, 2 / 3),
        )
    ]
    return Comparison(attributions, tuple(agreements))


def make_disagreements(rows: int = 1) -> Comparison:
    """A comparison with disagreements on six tokens, of which the first two methods differ most on “ Tower”."""
    compared = make_comparison(rows)
    pairs = [(4, 1.0, 7.0, 2.31, 1.0, 0), (5, 7.0, 2.0, -0.31, 6.0, 0), (0, 6.0, 2.0, 0.0, 5.0, None)]
    pairs += [(1, 3.0, 5.0, 0.5, 4.0, None), (2, 2.0, 3.5, 1.0, 3.5, 1), (3, 2.0, 3.0, 1.0, 3.0, 1)]
    found = [
        Disagreement(0, 1, row, token, first, second, 1.0, -1.0, effect, by_effect, "log-probability", supports)
        for row in range(rows)
        for token, first, second, effect, by_effect, supports in pairs
    ]
    again = Disagreement(1, 2, 0, 4, 7.0, 4.0, -6.84, 0.0, 2.31, 1.0, "log-probability", 2)
    about = {"strategy": "pad", "forwards": 8, "caveat": "One token at a time."}
    return Comparison(compared.attributions, compared.agreements, (*found, again), about)


def print_to_string(*records: Any, width: int = 80, palette: str = "RdBu", **options: Any) -> str:
    file = StringIO()
    console = Console(**{"file": file, "width": width, "force_terminal": False} | options)
    terminal.render(records, console, palette=palette)
    return file.getvalue()


@pytest.fixture(scope="session")
def attribution_of() -> Callable[..., Attribution]:
    return make_attribution


@pytest.fixture(scope="session")
def comparison_of() -> Callable[..., Comparison]:
    return make_comparison


@pytest.fixture(scope="session")
def disagreements_of() -> Callable[..., Comparison]:
    return make_disagreements


@pytest.fixture(scope="session")
def printed() -> Callable[..., str]:
    return print_to_string
