"""The curves of metrics as a matplotlib figure."""

from itertools import cycle
from typing import TYPE_CHECKING

from whence.errors import InputError
from whence.records import Scores
from whence.views.plot_text import drawable
from whence.views.scores_sheet import charts
from whence.views.token_text import readable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ACROSS, _MOST = 3, 15
_STYLES = ("-", "--", ":", "-.")
_CHANCE = "0.35"
"""The grey of random orders."""


def curves_figure(record: Scores) -> "Figure":
    """A small chart for each metric, target row and strategy that has curves.

    Raises `InputError` where none has.
    """
    from matplotlib.figure import Figure

    found = charts(record)
    shown = found[:_MOST]
    if not shown:
        measured = ", ".join(readable(score.metric) for score in record) or "none"
        raise InputError(f"These scores have no curves to plot (metrics: {measured}). See show() or to_html().")
    rows, columns = -(-len(shown) // _ACROSS), min(len(shown), _ACROSS)
    figure = Figure(figsize=(3.6 * columns, 3.6 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(shown) :]:
        axes.set_visible(False)
    for axes, chart in zip(grid.flat, shown, strict=False):
        title, across, up = drawable([chart.caption, chart.across, chart.up])
        names = drawable([curve.name for curve in chart.curves])
        for curve, name, style in zip(chart.curves, names, cycle(_STYLES), strict=False):
            if curve.low:
                axes.fill_between(curve.x, curve.low, curve.high, color=_CHANCE, alpha=0.2, linewidth=0)
                axes.plot(
                    curve.x, curve.y, "-", color=_CHANCE, linewidth=1, label=f"{name} ({drawable([curve.band])[0]})"
                )
            else:
                axes.plot(curve.x, curve.y, style, marker=".", label=name)
        axes.set_title(title, loc="left", fontsize="medium", parse_math=False)
        axes.set_xlabel(across, parse_math=False)
        axes.set_ylabel(up, parse_math=False)
        for text in axes.legend(
            fontsize="small", frameon=False, loc="upper left", bbox_to_anchor=(0, -0.2)
        ).get_texts():
            text.set_parse_math(False)
    if len(shown) < len(found):
        figure.suptitle(f"{len(shown)} of {len(found)} charts", fontsize=9, x=0.01, ha="left")
    return figure
