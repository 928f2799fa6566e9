"""What a record says about itself beside its scores: the number explained, what is left over, and what it cost."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from whence.records import Attribution
from whence.records.difference import MINUS, sides
from whence.views.numbers import counted, number, percentage, signed
from whence.views.token_text import quoted, readable

TOP = 3
_NAMED = 40
"""Characters of a parameter's name that are shown; its end tells it apart."""
_NOTHING = 1e-6
"""The share of the value below which what was absorbed is rounding."""


@dataclass(frozen=True)
class Evidence:
    """The account of one target row, as text: `value - baseline = total + residual`, None for what is not claimed."""

    value: str
    baseline: str | None
    total: str
    residual: str | None
    residual_share: str | None
    absorbed: list[str]


def evidence(record: Attribution, row: int) -> Evidence:
    """The account of one target row of the record."""
    target = record.targets[row]
    unit = readable(target.unit)
    residual = None if record.residual is None else float(record.residual[row])
    baseline = target.baseline_value
    return Evidence(
        value=f"{number(target.value)} {unit}",
        baseline=None if baseline is None else number(baseline),
        total=number(float(record.scores[row].sum(dtype=np.float64))),
        residual=None if residual is None else signed(residual),
        residual_share=None if residual is None else percentage(residual, target.value - (baseline or 0.0)),
        absorbed=[f"{kind} {signed(share)}" for kind, share in absorbed(record, row)],
    )


def absorbed(record: Attribution, row: int) -> list[tuple[str, float]]:
    """What the model's constants, by kind, and the rules took of the residual, largest first; none where that is not
    known.
    """
    named = record.provenance.get("absorbed")
    if not isinstance(named, Mapping) or not named or "share" in record.provenance.get("derived", []):
        return []
    kinds: dict[str, float] = {}
    for name, shares in named.items():
        kind = _kind(name)
        kinds[kind] = kinds.get(kind, 0.0) + float(shares[row])
    rest = float(record.residual[row]) - sum(kinds.values()) if record.residual is not None else 0.0
    if abs(rest) > 1e-3 * abs(record.targets[row].value):
        kinds["the rules themselves"] = rest
    least = _NOTHING * abs(record.targets[row].value)
    parts = sorted(kinds.items(), key=lambda part: -abs(part[1]))
    return [(_short(readable(kind)), share) for kind, share in parts if share and abs(share) >= least]


def _short(name: str) -> str:
    """The end of a long name."""
    return name if len(name) <= _NAMED else f"…{name[1 - _NAMED :]}"


def _kind(name: str) -> str:
    """What a parameter that is added is, by its name: positions, token types, biases, or itself."""
    if "token_type" in name:
        return "token types"
    if any(part in name for part in ("position", "pos_emb", ".wpe.")):
        return "positions"
    return "biases" if name.endswith("bias") else name


def scale_of(scores: np.ndarray) -> float:
    """The largest |score| of a row: both ends of its colour scale."""
    return float(np.abs(scores).max(initial=0.0))


def strongest(scores: np.ndarray, count: int) -> list[int]:
    """Indices of the `count` scores of largest magnitude, largest first, earlier first among equals."""
    return [int(i) for i in np.argsort(-np.abs(scores), kind="stable")[:count]]


def leaders(scores: np.ndarray) -> list[int]:
    """Indices of the few strongest tokens of a row, largest |score| first; none where all scores are equal."""
    constant = scores.size > 1 and scores.min() == scores.max()
    return [] if constant else strongest(scores, TOP)


def cost(provenance: Mapping[str, Any]) -> list[str]:
    """The model and what the explanation cost, as far as the provenance says."""
    facts = [] if provenance.get("model") is None else [plain(provenance["model"])]
    if provenance.get("edits"):
        facts.append(f"edited: {plain(provenance['edits'])}")
    for key, noun in (("forwards", "forward"), ("backwards", "backward")):
        count = provenance.get(key)
        if count is not None:
            facts.append(counted(count if isinstance(count, int) else plain(count), noun))
    seconds = provenance.get("seconds")
    if seconds is not None:
        facts.append(f"{number(seconds) if isinstance(seconds, int | float) else plain(seconds)} s")
    return facts


def caveat(provenance: Mapping[str, Any]) -> str | None:
    """The sentence of warning that belongs to the method, None if it has none."""
    sentence = provenance.get("caveat")
    return None if not sentence else plain(sentence)


def heading(record: Attribution, row: int) -> str:
    """What a row explains: its label, quoted, with "predicted" before it where it is what the model said by itself."""
    label = named(record, row)
    return f"predicted {label}" if record.provenance.get("target") == "predicted" else label


def named(record: Attribution, row: int) -> str:
    """The label of a row, quoted; of a difference each of the two that it is named after."""
    label = record.targets[row].label
    found = (
        sides(label) if any(step.startswith("difference(") for step in record.provenance.get("derived", [])) else None
    )
    return quoted(label) if found is None else MINUS.join(quoted(side) for side in found)


def account_facts(record: Attribution, row: int) -> list[str]:
    """How far a row's scores can be trusted by themselves: what they leave unaccounted for, and what share of the whole
    that is; of estimates the largest standard error; of a linear model how well it imitates.
    """
    return [*_residual_facts(record, row), *_estimate_facts(record, row)]


def _residual_facts(record: Attribution, row: int) -> list[str]:
    account = evidence(record, row)
    if account.residual is None:
        return []
    whole = "value − baseline" if record.targets[row].baseline_value else "value"
    share = f" ({account.residual_share} of {whole})" if account.residual_share else ""
    first, rest = account.absorbed[:1], account.absorbed[1:]
    return [f"residual {account.residual}{share}", *(f"absorbed by {part}" for part in first), *rest]


def _estimate_facts(record: Attribution, row: int) -> list[str]:
    facts = []
    if record.standard_error is not None:
        facts.append(f"standard errors up to {number(float(record.standard_error[row].max(initial=0.0)))}")
    fidelity = record.provenance.get("fidelity")
    if isinstance(fidelity, list) and row < len(fidelity):
        facts.append(f"fidelity {number(float(fidelity[row]))} of 1")
    return facts


UNREAD = "not read yet when this was predicted"
"""What is said of tokens behind those that the model had read."""


def seen(record: Attribution, row: int) -> int:
    """How many of the tokens the model had read when it made this row's prediction."""
    return record.visible(row)


def caveats(records: Sequence[Attribution], labels: Sequence[str]) -> list[tuple[str, str]]:
    """Each caveat of the records once, with the labels of those it holds for: `(labels, caveat)`."""
    held: dict[str, list[str]] = {}
    for record, label in zip(records, labels, strict=True):
        warning = caveat(record.provenance)
        if warning:
            held.setdefault(warning, []).append(label)
    return [(", ".join(names), warning) for warning, names in held.items()]


def settings(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Names and values as readable text, those of nested tables under `outer.inner`."""
    rows: list[tuple[str, str]] = []
    for name, value in values.items():
        key = f"{prefix}{plain(name)}"
        rows += settings(value, f"{key}.") if isinstance(value, Mapping) and value else [(key, plain(value))]
    return rows


def plain(value: Any) -> str:
    """Any value of a record as readable text."""
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, list | tuple):
        return ", ".join(plain(item) for item in value) or "none"
    return readable(json.dumps(value, ensure_ascii=False, default=str))
