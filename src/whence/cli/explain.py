"""`whence explain`."""

from typing import Annotated

import typer

from whence.cli import options
from whence.cli.options import DType


def explain(
    text: options.Text,
    model: options.Model = "smollm2",
    method: Annotated[str, typer.Option(help="How to explain; see: whence methods.")] = "attnlrp",
    target: options.Target = None,
    continuation: options.Continuation = None,
    max_new_tokens: options.MaxNewTokens = None,
    units: options.Units = None,
    dtype: options.Precision = DType.float32,
    device: options.Device = None,
    json: options.Json = False,
    html: options.Html = None,
    seed: options.Seed = 0,
) -> None:
    """Show which tokens of a text, or patches of an image, drove a model's prediction."""
    from whence import api
    from whence.registry import path_of

    text = options.read_text(text)
    options.refuse_both(continuation, max_new_tokens)
    path_of("methods", method)
    subject = options.load_model(model, dtype, device)
    record = api.explain(
        subject,
        text,
        method=method,
        target=options.read_target(target, subject),
        continuation=continuation,
        max_new_tokens=max_new_tokens,
        units=options.read_units(units),
        seed=seed,
    )
    options.put_out(record, json, html)
