"""Records as a matplotlib figure: a heat map of rows by tokens, maps, the curves of metrics, or bars; and its file."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whence.errors import InputError, MissingExtraError
from whence.records import (
    Attentions,
    Attribution,
    Comparison,
    Flow,
    Latents,
    Leaderboard,
    Maximizers,
    Profiles,
    Report,
    Scores,
    Verdict,
    VocabularyProjection,
)
from whence.views.colors import Palette, palette_of
from whence.views.plot_attention import attention_figure
from whence.views.plot_bars import (
    latents_figure,
    leaderboard_figure,
    maximizers_figure,
    profiles_figure,
    verdict_figure,
    vocabulary_figure,
)
from whence.views.plot_curves import curves_figure
from whence.views.plot_flow import flow_figure
from whence.views.plot_heat import heat_figure
from whence.views.plot_image import image_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NUMBERS: dict[type, Callable[[Any, Palette], "Figure"]] = {
    Scores: lambda record, _: curves_figure(record),
    Attentions: attention_figure,
    Flow: flow_figure,
    Latents: latents_figure,
    Maximizers: maximizers_figure,
    Profiles: profiles_figure,
    VocabularyProjection: vocabulary_figure,
    Leaderboard: leaderboard_figure,
    Verdict: lambda record, _: verdict_figure(record),
}
"""Records that have a drawing of their own."""
_FORMATS = ("svg", "png")
_DPI = 200


def render(record: Any, *, palette: str | Palette | None = None) -> "Figure":
    """A heat map of an Attribution (a row for each target) or of a Comparison (a row for each method and target), the
    curves of Scores, a Flow by layer and token and by layer and head, the heads of Attentions (of up to six layers), or
    the numbers of Latents, Profiles, Maximizers, a VocabularyProjection, a Leaderboard or a Verdict.

    In the palette "RdBu" blue is negative and red positive, in "PuOr" purple and orange; white is zero, and negative
    cells have a line at their foot. One row of a heat map has a scale in its unit; of several each is divided by its
    largest |score|. Blank is what a row could not read. Small maps carry the signed scores in their cells. Of an image
    it is a map for each, beside the picture. No figure is larger than 16 by 20 inches: a text of more than 100 tokens
    is summed to sentences, and what is left out is said. A character that matplotlib's font lacks is named by its code
    point: put a font that has it into `matplotlib.rcParams["font.family"]`. The figure belongs to no window: keep it by
    `figure.savefig(path)`.

    Raises `MissingExtraError` without matplotlib, `InputError` for a Report, whose records are plotted one by one, and
    for anything that is not such a record.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("matplotlib", "plot", "The plot view") from error
    colors = palette_of(palette)
    if type(record) in _NUMBERS:
        return _NUMBERS[type(record)](record, colors)
    if isinstance(record, Attribution | Comparison):
        return image_figure(record, colors) or heat_figure(record, colors)
    if isinstance(record, Report):
        raise InputError("A Report has no figure of its own: plot its records one by one, as by records[0].plot().")
    raise InputError(
        f"The plot view shows an Attribution, a Comparison, {', '.join(one.__name__ for one in _NUMBERS)}, got "
        f"{type(record).__name__}."
    )


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
