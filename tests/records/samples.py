"""Records and tokens to state laws over: made by hand, or by the tokenizers of the tiny models."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import settings

import tiny
from whence.records import Attribution, TargetValue, Token
from whence.subjects.encoding import encode_text

TOKENIZERS = {"gpt2": tiny.gpt2_tokenizer(), "llama": tiny.llama_tokenizer(), "bert": tiny.bert_tokenizer()}
steady = settings(max_examples=60, deadline=None, derandomize=True, database=None)
"""The same examples in every run, however slow the machine."""


def tokens_of(*texts: str, roles: Sequence[str] | None = None) -> tuple[Token, ...]:
    """Tokens next to one another, with no gap in their offsets."""
    ends = np.cumsum([len(text) for text in texts]).tolist()
    roles = roles or ["text"] * len(texts)
    return tuple(
        Token(text, 100 + i, end - len(text), end, role)
        for i, (text, end, role) in enumerate(zip(texts, ends, roles, strict=True))
    )


def tokenized(name: str, text: str) -> tuple[Token, ...]:
    """The tokens a subject with this tokenizer gives `text`."""
    return encode_text(TOKENIZERS[name], text, "prompt", add_special_tokens=True)


def attribution(
    tokens: Sequence[Token],
    scores: Any = None,
    *,
    values: Sequence[float] | None = None,
    baseline: float | None = 0.25,
    complete: bool = True,
    unit: str = "logit",
    **provenance: Any,
) -> Attribution:
    """A record over these tokens; by default two rows of scores, powers of two of both signs, so sums are exact."""
    if scores is None:
        row = [(-2.0) ** (i % 12) for i in range(len(tokens))]
        scores = [row, row[::-1]]
    scores = np.asarray(scores, dtype=np.float32).reshape(-1, len(tokens))
    values = [11.5 + i for i in range(len(scores))] if values is None else values
    targets = [TargetValue(f" target{i}", len(tokens) + i, value, baseline, unit) for i, value in enumerate(values)]
    return Attribution.build(
        tokens,
        targets,
        scores,
        complete=complete,
        method="attnlrp",
        params={"steps": 3, "nested": {"names": ["a", "b"]}, "none": None},
        provenance={"model": "sample", "seed": 7, "versions": {"numpy": "2"}} | provenance,
    )


def total(record: Attribution) -> np.ndarray:
    """Each row's scores and residual together, which every way to group must leave alone."""
    rest = 0.0 if record.residual is None else record.residual.astype(np.float64)
    return record.scores.sum(axis=1, dtype=np.float64) + rest
