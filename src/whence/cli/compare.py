"""`whence compare`."""

from typing import Annotated

import typer

from whence.cli import options
from whence.cli.options import Colors, DType
from whence.registry import COMPARED_BY_DEFAULT

_HELP = f"Methods to compare, separated by commas; by default those of {','.join(COMPARED_BY_DEFAULT)} that can serve."


def compare(
    text: options.Text,
    methods: Annotated[str | None, typer.Option(help=_HELP)] = None,
    model: options.Model = "smollm2",
    server: options.Api = None,
    mask: options.Mask = None,
    target: options.Target = None,
    context: options.Context = None,
    text_pair: options.TextPair = None,
    at: options.At = None,
    continuation: options.Continuation = None,
    max_new_tokens: options.MaxNewTokens = None,
    units: options.Units = None,
    diagnose: Annotated[
        bool, typer.Option(help="Mask the tokens that methods disagree on, to see which the model sides with.")
    ] = True,
    dtype: options.Precision = DType.float32,
    device: options.Device = None,
    json: options.Json = False,
    html: options.Html = None,
    svg: options.Svg = None,
    png: options.Png = None,
    palette: options.Palette = Colors.RdBu,
    seed: options.Seed = 0,
) -> None:
    """Explain one prediction by several methods, and show how far they agree."""
    from whence import api
    from whence.registry import path_of

    data = options.read_data(text, context, text_pair)
    options.refuse_both(continuation, max_new_tokens)
    names = None if methods is None else options.names(methods, "--methods")
    for name in names or []:
        path_of("methods", name)
    subject = options.load_model(model, dtype, device, server, mask)
    record = api.compare(
        subject,
        data,
        methods=names,
        target=options.read_target(target, subject),
        at=options.read_at(at),
        continuation=continuation,
        max_new_tokens=max_new_tokens,
        units=options.read_units(units),
        diagnose=diagnose,
        seed=seed,
    )
    options.put_out(record, json, palette, html=html, svg=svg, png=png)
