"""Attention weights as a matplotlib figure: a small heat map for each head of some layers."""

from typing import TYPE_CHECKING

import numpy as np

from whence.records import AttentionLayer, Attentions
from whence.views.colors import Palette, hex_code
from whence.views.plot_map import WIDEST
from whence.views.plot_text import tick_names
from whence.views.token_text import readable_tokens

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_LAYERS = 6
_MOST_HEADS = 16
_MOST_NAMED = 24
"""Tokens up to which the outer maps name them."""
_SIDE, _FRAME = 1.7, 1.6
_LINE = 0.08
"""Inches: a map, what goes beside all of them, and the height of a name."""


def attention_figure(record: Attentions, palette: Palette) -> "Figure":
    """A row for each of up to 6 layers, evenly spread, and a column for each of its first 16 heads.

    White is a weight of 0, the end of the scale 1.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    layers = _spread(record.layers)
    columns = min(max(layer.heads for layer in layers), _MOST_HEADS)
    side = min(_SIDE, (WIDEST - _FRAME) / columns)
    figure = Figure(figsize=(side * columns + _FRAME, side * len(layers) + 0.9), layout="constrained")
    grid = figure.subplots(len(layers), columns, squeeze=False)
    above_zero = [hex_code(color) for color in palette.light[len(palette.light) // 2 :]]
    colours = LinearSegmentedColormap.from_list(palette.name, above_zero)
    tokens = tick_names(readable_tokens(record.tokens))
    most = min(_MOST_NAMED, int(side / _LINE))
    below = [*(layer.keys for layer in layers[1:]), None]
    for line, layer, next_keys in zip(grid, layers, below, strict=True):
        for head, axes in enumerate(line):
            if head >= layer.heads:
                axes.set_axis_off()
                continue
            image = axes.imshow(
                layer.weights[head], cmap=colours, vmin=0, vmax=1, interpolation="nearest", aspect="auto"
            )
            axes.set_title(f"head {head}", fontsize=7, pad=2)
            _name(axes, layer, tokens, down=head == 0, across=layer.keys != next_keys, most=most)
        line[0].set_ylabel(layer.name, fontsize=8)
    bar = figure.colorbar(image, ax=grid, pad=0.01, shrink=min(1.0, 3 / len(layers)))
    bar.set_label("attention weight")
    bar.outline.set_visible(False)
    if len(layers) < len(record.layers) or any(layer.heads > columns for layer in layers):
        figure.suptitle(_shown(record, layers, columns), fontsize=9, x=0.01, ha="left")
    return figure


def _spread(layers: tuple[AttentionLayer, ...]) -> tuple[AttentionLayer, ...]:
    """As many layers as are drawn, the first and the last among them."""
    count = min(len(layers), _MOST_LAYERS)
    return tuple(layers[place] for place in np.linspace(0, len(layers) - 1, count).round().astype(int))


def _shown(record: Attentions, layers: tuple[AttentionLayer, ...], columns: int) -> str:
    heads = max(layer.heads for layer in layers)
    rest = f", {columns} of {heads} heads" if heads > columns else ""
    return f"{len(layers)} of {len(record.layers)} layers{rest}"


def _name(axes: "Axes", layer: AttentionLayer, tokens: list[str], *, down: bool, across: bool, most: int) -> None:
    """Tokens along the outer edges, as they stand and not as mathematics; nothing where they are many."""
    axes.tick_params(length=0, labelsize=6)
    axes.set_xticks([])
    axes.set_yticks([])
    queries, keys = (tokens[start:end] for start, end in (layer.queries, layer.keys))
    if down and len(queries) <= most:
        axes.set_yticks(range(len(queries)), queries, parse_math=False)
    if across and len(keys) <= most:
        axes.set_xticks(range(len(keys)), keys, rotation=90, parse_math=False)
