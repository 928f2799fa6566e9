"""Records as a matplotlib figure: a heat map of rows by tokens, the curves of metrics, or bars; and as its file."""

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from whence.errors import InputError, MissingExtraError
from whence.records import (
    Attentions,
    Attribution,
    Comparison,
    Flow,
    Latents,
    Leaderboard,
    Scores,
    Verdict,
    VocabularyProjection,
)
from whence.views.colors import Palette, background, foreground, hex_code, palette_of
from whence.views.evidence import scale_of
from whence.views.numbers import signed
from whence.views.plot_attention import attention_figure
from whence.views.plot_bars import latents_figure, leaderboard_figure, verdict_figure, vocabulary_figure
from whence.views.plot_curves import curves_figure
from whence.views.plot_flow import flow_figure
from whence.views.plot_image import image_figure
from whence.views.plot_text import drawable
from whence.views.token_text import quoted, readable, readable_tokens

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NUMBERS: dict[type, Callable[[Any, Palette], "Figure"]] = {
    Scores: lambda record, _: curves_figure(record),
    Attentions: attention_figure,
    Flow: flow_figure,
    Latents: latents_figure,
    VocabularyProjection: vocabulary_figure,
    Leaderboard: leaderboard_figure,
    Verdict: lambda record, _: verdict_figure(record),
}
"""Records that have a drawing of their own."""
_FORMATS = ("svg", "png")
_DPI = 200
_MOST_NUMBERS = 160
_WIDEST = 60.0
_TALLEST = 60.0


@dataclass(frozen=True)
class _Grid:
    """What is drawn: `shades` are the scores as coloured, `limit` and `-limit` the ends of their scale in `unit`."""

    title: str
    labels: list[str]
    scores: Float[np.ndarray, "row token"]
    shades: Float[np.ndarray, "row token"]
    limit: float
    unit: str


def render(record: Any, *, palette: str | Palette | None = None) -> "Figure":
    """A heat map of an Attribution (a row for each target) or of a Comparison (a row for each method and target), the
    curves of Scores, a Flow by layer and token and by layer and head, the heads of Attentions (of up to six layers), or
    the numbers of Latents, a VocabularyProjection, a Leaderboard or a Verdict.

    In the palette "RdBu" blue is negative and red positive, in "PuOr" purple and orange; white is zero. An Attribution
    has one scale for all rows, in its unit. Scores of different methods have different units, so in a Comparison each
    row is divided by its largest |score|. Small maps carry the signed scores in their cells. Of an image it is a map
    for each, beside the picture. A character that matplotlib's font lacks is named by its code point: put a font that
    has it into `matplotlib.rcParams["font.family"]`. The figure belongs to no window: keep it by
    `figure.savefig(path)`.

    Raises `MissingExtraError` without matplotlib, `InputError` for anything that is not such a record.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "plot", "The plot view") from error
    colors = palette_of(palette)
    if type(record) in _NUMBERS:
        return _NUMBERS[type(record)](record, colors)
    if isinstance(record, Attribution | Comparison) and (figure := image_figure(record, colors)) is not None:
        return figure
    if isinstance(record, Attribution):
        grid = _attribution_grid(record)
    elif isinstance(record, Comparison):
        grid = _comparison_grid(record)
    else:
        raise InputError(
            f"The plot view shows an Attribution, a Comparison, {', '.join(one.__name__ for one in _NUMBERS)}, got "
            f"{type(record).__name__}. Every record has show() and to_html()."
        )
    rows, columns = grid.scores.shape
    figure = Figure(figsize=(min(_WIDEST, 3.5 + 0.55 * columns), min(_TALLEST, 2.0 + 0.4 * rows)), layout="constrained")
    _draw(figure.subplots(), grid, drawable(readable_tokens(record.tokens)), colors)
    return figure


def save(record: Any, path: str | PathLike[str], *, palette: str | Palette | None = None) -> Path:
    """Write the figure of a record to `path`, as its ending says: .svg, its text as text, or .png at 200 dots an inch.

    The same record gives the same bytes: no date is written. Raises what `render` raises, and `InputError` for another
    ending, or where the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.removeprefix(".").lower()
    if kind not in _FORMATS:
        raise InputError(f"A figure is written as .svg or .png, got {path.name!r}. Use plot().savefig() for others.")
    figure = render(record, palette=palette)
    from matplotlib import rc_context

    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "whence"}):
        try:
            figure.savefig(path, format=kind, dpi=_DPI, metadata={"Date": None} if kind == "svg" else None)
        except OSError as error:
            raise InputError(f"Cannot write {path}: {error.strerror}.") from error
    return path


def _attribution_grid(record: Attribution) -> _Grid:
    labels = [quoted(target.label) for target in record.targets]
    limit = scale_of(record.scores) or 1.0
    return _Grid(readable(record.method), labels, record.scores, record.scores, limit, readable(record.unit))


def _comparison_grid(record: Comparison) -> _Grid:
    rows = [
        (readable(label) if len(a.targets) == 1 else f"{readable(label)} {quoted(target.label)}", scores)
        for label, a in zip(record.labels, record.attributions, strict=True)
        for target, scores in zip(a.targets, a.scores, strict=True)
    ]
    scores = np.stack([row for _, row in rows])
    scales = np.array([scale_of(row) or 1.0 for row in scores], dtype=np.float32)
    title = f"{len(record.attributions)} methods"
    return _Grid(title, [label for label, _ in rows], scores, scores / scales[:, None], 1.0, "share of row’s largest")


def _draw(axes: "Axes", grid: _Grid, tokens: list[str], palette: Palette) -> None:
    """The map, named along both axes; the text of every label is taken as it stands, not as mathematics."""
    limit = grid.limit
    title, unit = drawable([grid.title, grid.unit])
    image = axes.imshow(
        grid.shades, cmap=palette.colormap, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest"
    )
    axes.set_title(title, loc="left", parse_math=False)
    axes.set_xticks(range(len(tokens)), tokens, rotation=60, ha="right", rotation_mode="anchor", parse_math=False)
    axes.set_yticks(range(len(grid.labels)), drawable(grid.labels), parse_math=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if grid.scores.size <= _MOST_NUMBERS:
        for (row, column), score in np.ndenumerate(grid.scores):
            color = hex_code(foreground(background(float(grid.shades[row, column]), limit, palette=palette)))
            text = signed(float(score), scale_of(grid.scores[row]))
            axes.text(column, row, text, ha="center", va="center", fontsize=7, color=color)
    bar = axes.figure.colorbar(image, ax=axes, pad=0.01)
    bar.set_label(unit, parse_math=False)
    bar.outline.set_visible(False)
