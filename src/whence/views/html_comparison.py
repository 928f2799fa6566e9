"""Several explanations of one prediction as the values their HTML template shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from whence.records import Attribution, Comparison
from whence.views.agreement import NO_RANKING, OverlapColumn, Pair, overlap_columns, overlap_note, pairs, rows_note
from whence.views.colors import Palette
from whence.views.disagreement import Findings, findings
from whence.views.evidence import caveats
from whence.views.html_attribution import AttributionPart, attribution_part
from whence.views.html_strip import Strip, heat_style, strip
from whence.views.long_inputs import drawn, rows_drawn, rows_left_out
from whence.views.numbers import NO_NUMBER, correlation, counted, p_value
from whence.views.token_text import readable


@dataclass(frozen=True)
class TargetRow:
    """One target with a strip for each method: (label of the method, strip)."""

    label: str
    value: str
    strips: tuple[tuple[str, Strip], ...]


@dataclass(frozen=True)
class PairRow:
    """The agreement of two methods as text."""

    first: str
    second: str
    spearman: str
    spearman_p: str
    kendall: str
    kendall_p: str


@dataclass(frozen=True)
class MatrixCell:
    """One correlation of the matrix with its colours; no style where there is nothing to show."""

    text: str
    style: str | None


@dataclass(frozen=True)
class ComparisonPart:
    """What `comparison.html` shows, of so many target rows."""

    name: str
    labels: tuple[str, ...]
    target_count: int
    targets: tuple[TargetRow, ...]
    targets_left_out: str | None
    pairs: tuple[PairRow, ...]
    overlaps: tuple[OverlapColumn, ...]
    matrix: tuple[tuple[MatrixCell, ...], ...]
    notes: tuple[str, ...]
    disagreement: Findings
    caveats: tuple[tuple[str, str], ...]
    methods: tuple[tuple[str, AttributionPart], ...]
    template: str = "comparison.html"

    @property
    def alone(self) -> bool:
        """Whether there is one target row."""
        return self.target_count == 1

    @property
    def strips(self) -> tuple[Strip, ...]:
        """Every strip, in the order they are read."""
        return tuple(strip for target in self.targets for _, strip in target.strips)


def comparison_part(comparison: Comparison, palette: Palette) -> ComparisonPart:
    """The values of a Comparison as text, in the order they are read."""
    labels = tuple(readable(label) for label in comparison.labels)
    found = pairs(comparison)
    notes = [overlap_note(found) if found else None, rows_note(comparison)]
    notes += [f"{NO_NUMBER}: {NO_RANKING}"] if any(pair.spearman is None for pair in found) else []
    rows = len(comparison.attributions[0].targets)
    shown = [drawn(record) for record in comparison.attributions]
    count = rows_drawn(shown[0], len(shown))
    targets = tuple(_target_row(comparison, shown, labels, row, palette) for row in range(count))
    return ComparisonPart(
        name=f"{targets[0].label if rows == 1 else counted(rows, 'target row')} by {counted(len(labels), 'method')}",
        labels=labels,
        target_count=rows,
        targets=targets,
        targets_left_out=rows_left_out(comparison.attributions[0], count),
        pairs=tuple(_pair_row(pair, labels) for pair in found),
        overlaps=tuple(overlap_columns(found)),
        matrix=_matrix(found, len(labels), palette),
        notes=tuple(text for text in notes if text),
        disagreement=findings(comparison, labels),
        caveats=tuple(caveats(comparison.attributions, labels)),
        methods=tuple(
            (label, attribution_part(one, palette, len(labels)))
            for label, one in zip(labels, comparison.attributions, strict=True)
        ),
    )


def _target_row(
    comparison: Comparison, shown: Sequence[Attribution], labels: tuple[str, ...], row: int, palette: Palette
) -> TargetRow:
    strips = tuple(
        (label, strip(record, row, palette, as_drawn))
        for label, record, as_drawn in zip(labels, comparison.attributions, shown, strict=True)
        if row < len(record.targets)
    )
    first = strips[0][1]
    return TargetRow(first.label, first.evidence.value, strips)


def _pair_row(pair: Pair, labels: tuple[str, ...]) -> PairRow:
    return PairRow(
        labels[pair.first],
        labels[pair.second],
        correlation(pair.spearman),
        p_value(pair.spearman_p),
        correlation(pair.kendall),
        p_value(pair.kendall_p),
    )


def _matrix(found: list[Pair], size: int, palette: Palette) -> tuple[tuple[MatrixCell, ...], ...]:
    """Spearman correlations of every method with every other; the diagonal says nothing and stays empty."""
    by_pair = {frozenset((pair.first, pair.second)): pair.spearman for pair in found}
    return tuple(tuple(_matrix_cell(by_pair, row, column, palette) for column in range(size)) for row in range(size))


def _matrix_cell(by_pair: dict[frozenset[int], float | None], row: int, column: int, palette: Palette) -> MatrixCell:
    value = by_pair.get(frozenset((row, column)))
    if row == column:
        return MatrixCell("", None)
    return MatrixCell(correlation(value), None if value is None else heat_style(value, 1.0, palette))
