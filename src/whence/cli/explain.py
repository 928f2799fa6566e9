"""`whence explain`."""

from typing import Annotated

import typer

from whence.cli import options
from whence.cli.options import Colors, DType


def explain(
    text: options.Text,
    model: options.Model = "smollm2",
    server: options.Api = None,
    mask: options.Mask = None,
    method: Annotated[
        str | None,
        typer.Option(help="How to explain; see: whence methods. By default attnlrp, for images with gamma 0.05."),
    ] = None,
    target: options.Target = None,
    context: options.Context = None,
    text_pair: options.TextPair = None,
    at: options.At = None,
    continuation: options.Continuation = None,
    max_new_tokens: options.MaxNewTokens = None,
    units: options.Units = None,
    dtype: options.Precision = DType.float32,
    device: options.Device = None,
    json: options.Json = False,
    html: options.Html = None,
    svg: options.Svg = None,
    png: options.Png = None,
    palette: options.Palette = Colors.RdBu,
    seed: options.Seed = 0,
) -> None:
    """Show which tokens of a text, or patches of an image, drove a model's prediction."""
    from whence import api
    from whence.registry import path_of

    data = options.read_data(text, context, text_pair)
    options.refuse_both(continuation, max_new_tokens)
    if method is not None:
        path_of("methods", method)
    subject = options.load_model(model, dtype, device, server, mask)
    record = api.explain(
        subject,
        data,
        method=method,
        target=options.read_target(target, subject),
        at=options.read_at(at),
        continuation=continuation,
        max_new_tokens=max_new_tokens,
        units=options.read_units(units),
        seed=seed,
    )
    options.put_out(record, json, palette, html=html, svg=svg, png=png)
