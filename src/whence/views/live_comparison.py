"""Several explanations of one prediction as the data of their interactive comparison."""

from typing import Any

from whence.records import Agreement, Attribution, Comparison
from whence.views.colors import Palette
from whence.views.live_data import colors, numbers
from whence.views.live_heat import inputs, scales, target
from whence.views.token_text import readable


def live_comparison(comparison: Comparison, palette: Palette) -> dict[str, Any]:
    """What `ComparisonView` of the front end's spec.ts says; scores and agreements are the record's own."""
    first = comparison.attributions[0]
    return {
        "view": "comparison",
        "palette": colors(palette),
        **inputs(first),
        "targets": [target(first, row) for row in range(len(first.targets))],
        "methods": [
            _method(label, record) for label, record in zip(comparison.labels, comparison.attributions, strict=True)
        ],
        "agreements": [_agreement(entry) for entry in comparison.agreements],
    }


def _method(label: str, record: Attribution) -> dict[str, Any]:
    return {
        "label": readable(label),
        "rows": [target(record, row) for row in range(len(record.targets))],
        "scores": numbers(record.scores),
        "scales": scales(record),
    }


def _agreement(entry: Agreement) -> dict[str, Any]:
    """One pair on one target row; shares in common by the number of strongest tokens."""
    shares = {k: share for k, share in entry.overlaps if k < entry.tokens}
    if entry.overlap is not None:
        shares[entry.k] = entry.overlap
    ranked = entry.spearman is not None
    return {
        "first": entry.first,
        "second": entry.second,
        "target": entry.target,
        "spearman": entry.spearman,
        "spearman_p": entry.spearman_p,
        "kendall": entry.kendall,
        "kendall_p": entry.kendall_p,
        "overlaps": [list(part) for part in sorted(shares.items())] if ranked else [],
        "k": entry.k,
        "rbo": entry.rbo if ranked else None,
    }
