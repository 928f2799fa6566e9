"""What the parts of a page are called: what kind of thing each is, and what it is about."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from whence.records import (
    Attentions,
    Attribution,
    Comparison,
    Flow,
    Latents,
    Leaderboard,
    Maximizers,
    Profiles,
    Scores,
    Verdict,
    VocabularyProjection,
)

_KINDS: dict[type, str] = {
    Attribution: "Heat map",
    Comparison: "Comparison",
    Attentions: "Attention",
    Flow: "Flow",
    Scores: "Scores",
    Verdict: "Verdict",
    Leaderboard: "Leaderboard",
    Maximizers: "Texts of a unit",
    VocabularyProjection: "Tokens of a unit",
}
_UNITS = {
    "neuron": "Neurons",
    "head": "Heads",
    "cross_head": "Cross-attention heads",
    "layer": "Layers",
    "residual": "Residuals",
}
_IN_TITLES = {Attentions: "attention in ", Scores: "Scores of ", Verdict: "Verdict: "}
"""How titles begin that say the kind themselves."""


def kind_of(record: Any) -> str:
    """What kind of thing a record is, in words."""
    return _UNITS.get(record.kind, "Units") if isinstance(record, Profiles | Latents) else _KINDS[type(record)]


def heading_kind(record: Any) -> str | None:
    """The kind as a heading leads with it; None where what follows says it."""
    says_it = isinstance(record, Attribution | Comparison) or type(record) in _IN_TITLES
    return None if says_it else kind_of(record)


def section_names(records: Sequence[Any], about: Sequence[str]) -> list[str]:
    """The lines of a table of contents: the kind, then what the record is about; equal ones are numbered."""
    names = [
        f"{kind_of(record)} · {text.removeprefix(_IN_TITLES.get(type(record), ''))}"
        for record, text in zip(records, about, strict=True)
    ]
    total, met = Counter(names), Counter[str]()
    numbered = []
    for name in names:
        met[name] += 1
        numbered.append(f"{name} ({met[name]})" if total[name] > 1 else name)
    return numbered
