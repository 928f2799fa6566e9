"""`whence attention`."""

from typing import Annotated

import typer

from whence.cli import options
from whence.cli.options import Colors, DType


def attention(
    text: options.Text,
    model: options.Model = "smollm2",
    layers: Annotated[
        str | None,
        typer.Option(help="Which layers, by their numbers from 0, such as 0,5 or 0-5; by default all."),
    ] = None,
    vectors: Annotated[
        bool | None,
        typer.Option(
            help="Keep the query and key vectors too, which a page shows; by default where they are few.",
        ),
    ] = None,
    context: options.Context = None,
    text_pair: options.TextPair = None,
    continuation: options.Continuation = None,
    max_new_tokens: options.MaxNewTokens = None,
    dtype: options.Precision = DType.float32,
    device: options.Device = None,
    json: options.Json = False,
    html: options.Html = None,
    svg: options.Svg = None,
    png: options.Png = None,
    palette: options.Palette = Colors.RdBu,
) -> None:
    """Show where each head of each layer of a model looks; a page shows it head by head."""
    from whence import inside

    data = options.read_data(text, context, text_pair)
    options.refuse_both(continuation, max_new_tokens)
    chosen = options.read_numbers(layers, "--layers")
    record = inside.attentions(
        options.load_model(model, dtype, device),
        data,
        layers=chosen,
        vectors=vectors,
        continuation=continuation,
        max_new_tokens=max_new_tokens,
    )
    options.put_out(record, json, palette, html=html, svg=svg, png=png)
