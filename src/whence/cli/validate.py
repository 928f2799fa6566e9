"""`whence validate`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from whence.cli import options
from whence.cli.options import Colors, DType
from whence.records.leaderboard import LeftOut

if TYPE_CHECKING:
    from whence.records import Verdict

_HELP = "Checks to make, separated by commas; by default all but those that take minutes; see: whence checks."


def validate(
    text: Annotated[
        str | None, typer.Argument(help="The text to explain, - to read it from standard input; or an image's file.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="A data set instead of a text: .jsonl, .csv or .tsv, or a folder of images.")
    ] = None,
    columns: options.Columns = None,
    limit: Annotated[int, typer.Option(min=1, help="With --data: how many rows to read.")] = 2000,
    explained: Annotated[int, typer.Option(min=1, help="With --data: how many rows to explain.")] = 32,
    model: options.Model = "smollm2",
    server: options.Api = None,
    mask: options.Mask = None,
    method: Annotated[
        str | None, typer.Option(help="The method to check; see: whence methods. By default that of whence explain.")
    ] = None,
    checks: Annotated[str | None, typer.Option(help=_HELP)] = None,
    target: options.Target = None,
    context: options.Context = None,
    text_pair: options.TextPair = None,
    at: options.At = None,
    continuation: options.Continuation = None,
    max_new_tokens: options.MaxNewTokens = None,
    units: options.Units = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with status 1 where a check was failed.")] = False,
    dtype: options.Precision = DType.float32,
    device: options.Device = None,
    json: options.Json = False,
    html: options.Html = None,
    svg: options.Svg = None,
    png: options.Png = None,
    palette: options.Palette = Colors.RdBu,
    seed: options.Seed = 0,
) -> None:
    """Put a method's explanations of a model to the sanity checks of the literature.

    Exit status: 1 where rows of --data were left out, or with --strict where a check was failed, and where it could not
    be done; 2 for wrong use.
    """
    from whence import api

    options.refuse_both(continuation, max_new_tokens)
    names = _names(method, checks)
    inputs = _inputs(text, data, context, text_pair)
    of_data: dict[str, Any] = {} if data is None else {"columns": options.read_columns(columns), "limit": limit}
    subject = options.load_model(model, dtype, device, server, mask)
    verdict = api.validate(
        subject,
        inputs,
        method=method,
        checks=names,
        target=options.read_target(target, subject),
        explained=explained,
        at=options.read_at(at),
        continuation=continuation,
        max_new_tokens=max_new_tokens,
        units=options.read_units(units),
        seed=seed,
        **of_data,
    )
    options.put_out(verdict, json, palette, html=html, svg=svg, png=png)
    _say(verdict)
    if strict and verdict.failed:
        raise typer.Exit(1)


def _names(method: str | None, checks: str | None) -> list[str] | None:
    """The checks to make, None for those made by default; an error for a name there is not, the method's too."""
    from whence.registry import path_of

    if method is not None:
        path_of("methods", method)
    names = None if checks is None else options.names(checks, "--checks")
    for name in names or []:
        path_of("checks", name)
    return names


def _inputs(text: str | None, data: str | None, context: str | None, text_pair: str | None) -> Any:
    """What is explained: what the text and what goes with it say, or a data set's path."""
    if data is None and text is not None:
        return options.read_data(text, context, text_pair)
    if data is None or text is not None:
        raise typer.BadParameter("give either a text or --data.")
    if context is not None or text_pair is not None:
        raise typer.BadParameter("a data set has contexts and pairs in columns of its own.", param_hint="--data")
    return options.data_path(data)


def _say(verdict: "Verdict") -> None:
    """Which rows of a data set are not in it; status 1 where there are such rows."""
    read = verdict.provenance.get("data_set", {"rows": 0, "left_out": []})
    options.say_left_out([LeftOut(**one) for one in read["left_out"]], read["rows"])
