"""Attention weights as a sheet: strongest links, what falls on the first token, one layer as a matrix, all heads."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from whence.records import AttentionLayer, Attentions
from whence.views.live_attention import drawn_layers
from whence.views.numbers import counted, share
from whence.views.sheet_parts import Column, Matrix, Mosaic, Sheet, Table, sheet_of
from whence.views.token_text import quoted, readable_tokens

_LISTED = 12
"""Layers of which the strongest link is shown."""
_NAMED = 40
"""Characters of a text that are its name."""
_LONGEST = 128
"""Tokens up to which a matrix of all of them is shown."""
_PIXELS = 120_000
_TILES = 8, 96
"""Pixels of the picture of all heads, and the least and most of one side of a head's."""
_SINK = 0.01


def attention_sheet(record: Attentions) -> Sheet:
    """The sheet of a record of attention weights."""
    matrices = [*_on_first(record), *_mean_of_last(record)]
    return sheet_of(
        record.provenance,
        _title(record),
        _facts(record),
        drawn=_links(record),
        matrices=matrices,
        mosaics=[_all(record)],
    )


def _title(record: Attentions) -> str:
    if "grid" in record.provenance:
        return "attention in an image"
    text = str(record.provenance.get("text", ""))
    return f"attention in {quoted(text if len(text) <= _NAMED else f'{text[: _NAMED - 1]}…')}"


def _facts(record: Attentions) -> list[str]:
    heads = {layer.heads for layer in record.layers}
    each = counted(max(heads), "head") if len(heads) == 1 else f"{min(heads)} to {max(heads)} heads"
    facts = [f"{counted(len(record.layers), 'layer')} of {each}", counted(len(record.tokens), "token")]
    facts += ["each looks back only"] if record.causal else []
    sinks = max(float(layer.rest.max()) for layer in record.layers)
    facts += [f"up to {share(sinks)} of a row on no token (an attention sink)"] if sinks > _SINK else []
    return [*facts, *_left_out(record)]


def _left_out(record: Attentions) -> list[str]:
    """What the interactive view lacks, a page being only so large."""
    drawn = drawn_layers(record)
    (last, heads), names = drawn[-1], ", ".join(_short_names([layer for layer, _ in drawn]))
    if heads < last.heads:
        which = "head 0" if heads == 1 else f"heads 0 to {heads - 1}"
        return [f"interactive in a page: {which} of {last.heads} of {last.name}, for its size"]
    few = len(drawn) < len(record.layers)
    return [f"interactive in a page are {len(drawn)} of the layers, for its size: {names}"] if few else []


def _links(record: Attentions) -> list[Table]:
    """Of each layer the strongest link, or of many layers the strongest of these."""
    tokens = readable_tokens(record.tokens)
    links = {
        place: link for place, layer in enumerate(record.layers) if (link := _strongest(record, layer)) is not None
    }
    if not links:
        return []
    shown = sorted(sorted(links, key=lambda place: -links[place][0])[:_LISTED])
    rows = []
    for place, name in zip(shown, _short_names([record.layers[place] for place in shown]), strict=True):
        layer, (weight, head, query, key) = record.layers[place], links[place]
        one, other = (f"{i} “{tokens[i]}”" for i in (layer.queries[0] + query, layer.keys[0] + key))
        rows.append((name, str(head), one, other, f"{weight:.2f}", share(_first_share(layer).mean())))
    columns = (
        Column("layer"),
        Column("head", True),
        Column("from"),
        Column("to"),
        Column("weight", True),
        Column("on first", True),
    )
    left = len(links) - len(shown)
    note = "left out: links to the first token, to special tokens and of a token to itself"
    remarks = ["on first: mean weight of all heads on the first token there is to look at"]
    remarks += [f"and {counted(left, 'layer')} with weaker ones"] if left else []
    return [Table("the strongest link of each layer", columns, tuple(rows), note, tuple(remarks))]


def _strongest(record: Attentions, layer: AttentionLayer) -> tuple[float, int, int, int] | None:
    """The largest weight and its head, query and key, but for links that say little; None where there is no other."""
    links = layer.weights.copy()
    start, end = layer.keys
    links[:, :, [i == 0 or token.special for i, token in enumerate(record.tokens[start:end])]] = 0
    if layer.queries == layer.keys:
        places = np.arange(links.shape[1])
        links[:, places, places] = 0
    head, query, key = np.unravel_index(links.argmax(), links.shape)
    weight = float(links[head, query, key])
    return (weight, int(head), int(query), int(key)) if weight > 0 else None


def _first_share(layer: AttentionLayer) -> Float[np.ndarray, " head"]:
    """How much of each head's attention is on the first key; of tokens that may look at others too."""
    looking = layer.weights[:, 1:] if layer.causal and layer.weights.shape[1] > 1 else layer.weights
    return looking[:, :, 0].mean(axis=1, dtype=np.float64)


def _on_first(record: Attentions) -> list[Matrix]:
    if len(record.tokens) < 2:
        return []
    heads = max(layer.heads for layer in record.layers)
    values = np.zeros((len(record.layers), heads))
    for row, layer in zip(values, record.layers, strict=True):
        row[: layer.heads] = _first_share(layer)
    return [
        Matrix(
            "how much each head looks at the first token there is to look at",
            "layer",
            "head",
            _short_names(record.layers),
            tuple(map(str, range(heads))),
            values,
            "attention weight",
            "much of it is often a sink: attention with nowhere better to go",
            signed=False,
        )
    ]


def _mean_of_last(record: Attentions) -> list[Matrix]:
    layer = record.layers[-1]
    if max(layer.weights.shape[1:]) > _LONGEST:
        return []
    tokens = readable_tokens(record.tokens)
    rows, columns = (tuple(tokens[start:end]) for start, end in (layer.queries, layer.keys))
    mean = layer.weights.mean(axis=0, dtype=np.float64)
    return [
        Matrix(
            f"{layer.name}, mean over its heads",
            "looking",
            "looked at",
            rows,
            columns,
            mean,
            "attention weight",
            signed=False,
        )
    ]


def _all(record: Attentions) -> Mosaic:
    """Every head of every layer as a small picture of its weights."""
    heads = max(layer.heads for layer in record.layers)
    least, most = _TILES
    longest = max(max(layer.weights.shape[1:]) for layer in record.layers)
    room = int((_PIXELS / (len(record.layers) * heads)) ** 0.5)
    side = min(max(room, least), most, longest)
    tiles = np.zeros((len(record.layers), heads, side, side))
    for row, layer in zip(tiles, record.layers, strict=True):
        row[: layer.heads] = np.sqrt(np.minimum(_resized(_resized(layer.weights, 1, side), 2, side), 1))
    note = (
        "Layers downwards, heads across; in each picture the tokens that look downwards, those looked at across. The "
    )
    note += "stronger the colour, the larger the weight, on the scale of its square root."
    if longest > side:
        note += f" A pixel is the largest weight of up to {-(-longest // side)} × {-(-longest // side)}."
    return Mosaic("every head of every layer", _short_names(record.layers), tuple(map(str, range(heads))), tiles, note)


def _resized(weights: Float[np.ndarray, "..."], axis: int, side: int) -> Float[np.ndarray, "..."]:
    """The weights with so many places on one axis: the largest of several, or each several times."""
    size = weights.shape[axis]
    starts = np.arange(side) * size // side
    return np.maximum.reduceat(weights, starts, axis=axis) if size > side else weights.take(starts, axis=axis)


def _short_names(layers: Sequence[AttentionLayer]) -> tuple[str, ...]:
    """The layers' numbers, behind their kind where there are several."""
    if {layer.kind for layer in layers} == {"self"}:
        return tuple(str(layer.number) for layer in layers)
    return tuple(f"{layer.kind} {layer.number}" for layer in layers)
