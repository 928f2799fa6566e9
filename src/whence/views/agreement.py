"""How far the methods of a comparison agree, pair by pair, over all target rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from whence.records import Agreement, Comparison

NO_RANKING = "constant scores, no ranking"


@dataclass(frozen=True)
class Pair:
    """The agreement of two methods: means over the target rows that have one, and the largest p-value of any row.

    `first` and `second` index the comparison's attributions; None where no row has a ranking, the overlap too, since
    the strongest of equal scores are any. A mean of p-values would mean nothing, hence the largest: what is stated
    holds for every row.
    """

    first: int
    second: int
    spearman: float | None
    spearman_p: float | None
    kendall: float | None
    kendall_p: float | None
    k: int
    overlap: float | None


def pairs(comparison: Comparison) -> list[Pair]:
    """One entry for each pair of methods, in the comparison's order."""
    groups: dict[tuple[int, int], list[Agreement]] = {}
    for entry in comparison.agreements:
        groups.setdefault((entry.first, entry.second), []).append(entry)
    return [_pair(first, second, entries) for (first, second), entries in groups.items()]


def rows_note(comparison: Comparison) -> str | None:
    """What the numbers of a pair are taken over, None if there is one target row."""
    rows = len({entry.target for entry in comparison.agreements})
    return f"means over {rows} target rows; p is the largest of any row" if rows > 1 else None


def _pair(first: int, second: int, entries: Sequence[Agreement]) -> Pair:
    spearman = [e.spearman for e in entries if e.spearman is not None]
    spearman_p = [e.spearman_p for e in entries if e.spearman_p is not None]
    kendall = [e.kendall for e in entries if e.kendall is not None]
    overlap = [e.overlap for e in entries if e.overlap is not None and e.spearman is not None]
    kendall_p = [e.kendall_p for e in entries if e.kendall_p is not None]
    return Pair(
        first,
        second,
        fmean(spearman) if spearman else None,
        max(spearman_p, default=None),
        fmean(kendall) if kendall else None,
        max(kendall_p, default=None),
        max(e.k for e in entries),
        fmean(overlap) if overlap else None,
    )
