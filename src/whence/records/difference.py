"""What one explanation gives each token more than another does."""

from collections.abc import Mapping, Sequence
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np

from whence.errors import InputError
from whence.records.target_value import TargetValue
from whence.records.tokens import Token

if TYPE_CHECKING:
    from whence.records.attribution import Attribution

MINUS = " \N{MINUS SIGN} "
SHARE = "share of total |"
"""How the units of shares begin: each divides by a total of its own, so that any two have the same dimension."""
SHARES = f"{SHARE}score|"
_OF_ONE_RUN = ("forwards", "backwards", "seconds", "absorbed", "fidelity", "standard_error", "caveat", "derived")
"""What says something of one of the two, even where both say the same."""


def refuse_unlike(first: "Attribution", second: "Attribution") -> None:
    """An `InputError` where scores of the two cannot be subtracted, that says what would make it possible."""
    if first.tokens != second.tokens:
        raise InputError(
            f"difference() wants the same tokens in both, got {_first_unlike(first.tokens, second.tokens)}. "
            f"Explain one text with one tokenizer, or sum both over the same units first, as by words()."
        )
    if len(first.targets) != len(second.targets):
        raise InputError(
            f"difference() wants as many target rows in both, got {len(first.targets)} and {len(second.targets)}. "
            f"Explain the same targets with both."
        )
    for row in range(len(first.targets)):
        mine, theirs = first.unit_of(row), second.unit_of(row)
        if mine != theirs and not (mine.startswith(SHARE) and theirs.startswith(SHARE)):
            raise InputError(
                f"difference() wants scores of one unit, got {mine!r} and {theirs!r} in row {row}. "
                f"Take shares of both first: a.share().difference(b.share())."
            )


def sides(label: str) -> tuple[str, str] | None:
    """The two labels that a row of differences is named after, None for any other label.

    >>> sides("“ Paris” \N{MINUS SIGN} “ London”"), sides("5 \N{MINUS SIGN} 3")
    ((' Paris', ' London'), None)
    """
    first, between, second = label.partition(f"”{MINUS}“")
    return (first[1:], second[:-1]) if between and first.startswith("“") and second.endswith("”") else None


def target_difference(first: TargetValue, second: TargetValue, complete: bool) -> TargetValue:
    """What a row of differences explains: the difference of both values, and of both baselines where both have one.

    Where both claim completeness (`complete`), one without a baseline measures its scores from zero.
    """
    baselines = (first.baseline_value, second.baseline_value)
    measured = None not in baselines or (complete and baselines != (None, None))
    return TargetValue(
        label=first.label if first.label == second.label else f"“{first.label}”{MINUS}“{second.label}”",
        position=first.position if first.position == second.position else None,
        value=first.value - second.value,
        baseline_value=(baselines[0] or 0.0) - (baselines[1] or 0.0) if measured else None,
        unit=first.unit if first.unit == second.unit else f"{first.unit}{MINUS}{second.unit}",
    )


def provenance_difference(first: "Attribution", second: "Attribution") -> dict[str, Any]:
    """What both records say, and apart, as `first` and `second`, what each says of itself."""
    mine, theirs = first.provenance, second.provenance
    shared = [key for key in mine if key not in _OF_ONE_RUN and key in theirs and mine[key] == theirs[key]]
    units = [first.unit_of(row) for row in range(len(first.targets))]
    of_two_totals = any(second.unit_of(row) != unit for row, unit in enumerate(units))
    name = f"difference({second.method})"
    return {
        **{key: mine[key] for key in shared},
        **_costs(mine, theirs),
        **_caveats(first, second),
        **_standard_errors(first, second),
        "scores_unit": SHARES if of_two_totals else units,
        "derived": [*mine.get("derived", []), name],
        "first": _own(mine, shared),
        "second": _own(theirs, shared),
    }


def _own(provenance: Mapping[str, Any], shared: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in provenance.items() if key not in shared}


def _costs(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """What both took together, where both say so."""
    pairs = {key: (mine.get(key), theirs.get(key)) for key in ("forwards", "backwards", "seconds")}
    return {key: a + b for key, (a, b) in pairs.items() if isinstance(a, Number) and isinstance(b, Number)}  # type: ignore[operator]


def _caveats(first: "Attribution", second: "Attribution") -> dict[str, str]:
    said = {record.provenance.get("caveat"): record.method for record in (second, first)}
    sentences = [f"{method}: {caveat}" if len(said) > 1 else caveat for caveat, method in said.items() if caveat]
    return {"caveat": " ".join(reversed(sentences))} if sentences else {}


def _standard_errors(first: "Attribution", second: "Attribution") -> dict[str, Any]:
    """The sum of both: whatever the two have in common, the standard error of a difference is no larger."""
    errors = [e for e in (first.standard_error, second.standard_error) if e is not None]
    return {"standard_error": np.sum(errors, axis=0).tolist()} if errors else {}


def _first_unlike(first: Sequence[Token], second: Sequence[Token]) -> str:
    for i, (mine, theirs) in enumerate(zip(first, second, strict=False)):
        if mine != theirs:
            return f"{mine.text!r} and {theirs.text!r} as token {i}"
    return f"{len(first)} and {len(second)} of them"
