"""The options that commands share, and the model and text they stand for."""

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from whence.records.leaderboard import LeftOut

_LISTED = 10
"""Rows left out that are named; records have them all."""


class DType(StrEnum):
    """The precision to compute in."""

    float32 = "float32"
    float64 = "float64"
    bfloat16 = "bfloat16"
    float16 = "float16"
    auto = "auto"


class Colors(StrEnum):
    """The colours of scores."""

    RdBu = "RdBu"
    PuOr = "PuOr"


def check_page(path: Path | None) -> Path | None:
    """Wrong use, before any work is done, if the page could not be written there."""
    if path is not None and not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}.")
    return path


def check_figure(path: Path | None, param: typer.CallbackParam) -> Path | None:
    """Wrong use, before any work is done, if the figure could not be written there as what the option says."""
    if path is not None and path.suffix.lower() != f".{param.name}":
        raise typer.BadParameter(f"name a file that ends in .{param.name}, got {path.name!r}.")
    if path is not None and find_spec("matplotlib") is None:
        from whence.errors import MissingExtraError

        raise MissingExtraError("matplotlib", "plot", f"--{param.name}")
    return check_page(path)


Text = Annotated[
    str,
    typer.Argument(
        help="The text to explain (the question, with --context), - to read it from standard input; or an image's file."
    ),
]
Context = Annotated[str | None, typer.Option(help="For question answering: the text that holds the answer.")]
TextPair = Annotated[str | None, typer.Option(help="For a classifier of pairs: the second text.")]
At = Annotated[
    list[str] | None,
    typer.Option(help="For models that predict for each token: which ones, by a text or a token index. Repeatable."),
]
Model = Annotated[str, typer.Option("--model", "-m", help="An embedded name, a hub id, a folder or a .gguf file.")]
Api = Annotated[
    str | None,
    typer.Option(
        "--api",
        metavar="URL",
        help="An OpenAI-compatible server that has the model; its key is read from WHENCE_API_KEY. Explain with a "
        "method of the perturbation family.",
    ),
]
Mask = Annotated[
    str | None, typer.Option(help="With --api: the text in a masked word's place; by default the word is deleted.")
]
Target = Annotated[str | None, typer.Option(help="The token or class label to explain; by default the one predicted.")]
Continuation = Annotated[str | None, typer.Option(help="The text that follows: each of its tokens is explained.")]
MaxNewTokens = Annotated[int | None, typer.Option(min=1, help="Let the model write this many tokens and explain each.")]
Precision = Annotated[DType, typer.Option("--dtype", help="The precision to compute in.")]
Device = Annotated[str | None, typer.Option(help="Where to compute: cpu, cuda, mps; by default an accelerator if any.")]
Json = Annotated[bool, typer.Option("--json", help="Print the whole record as JSON.")]
Html = Annotated[
    Path | None,
    typer.Option(
        "--html",
        dir_okay=False,
        writable=True,
        callback=check_page,
        help="Write a page that needs nothing from outside itself.",
    ),
]
Svg = Annotated[
    Path | None,
    typer.Option("--svg", dir_okay=False, writable=True, callback=check_figure, help="Write a figure, a .svg file."),
]
Png = Annotated[
    Path | None,
    typer.Option("--png", dir_okay=False, writable=True, callback=check_figure, help="Write a figure, a .png file."),
]
Palette = Annotated[
    Colors,
    typer.Option(
        "--palette",
        envvar="WHENCE_PALETTE",
        help="Colours: RdBu, red above zero and blue below; PuOr, orange and purple.",
    ),
]
Units = Annotated[
    str | None, typer.Option(help="Of an image: 'patch' (default), 'pixel', or n for squares of n pixels a side.")
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        help="Which column means what, such as text=prompt or 'continuation= {attribute}', a text made of columns in "
        "braces; separated by commas, or repeated. An empty one (label=) is not used. Others go by their names."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="The seed of every random choice.")]


def names(given: str, option: str) -> list[str]:
    """Names that commas separate; wrong use, if there is none."""
    found = [name.strip() for name in given.split(",") if name.strip()]
    if not found:
        kind = option.removeprefix("--")
        raise typer.BadParameter(f"name at least one {kind.removesuffix('s')}; see: whence {kind}.", param_hint=option)
    return found


@contextmanager
def wrong_use(option: str) -> Iterator[None]:
    """What a check inside finds wrong with an option's value is wrong use of the command line."""
    from whence.errors import InputError

    try:
        yield
    except InputError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def data_path(data: str) -> Path:
    """The path of a data set; wrong use, if there is none."""
    from whence.corpus.reading import items_of

    with wrong_use("--data"):
        items_of(data)
    return Path(data)


def read_columns(given: list[str] | None) -> dict[str, str | None]:
    """Meanings and columns of "text=prompt,label=": a comma ends one where another meaning follows."""
    from whence.corpus.columns import check_columns

    found: dict[str, str | None] = {}
    for part in (part for one in given or [] for part in re.split(r",(?=\w+=)", one)):
        meaning, equals, column = part.partition("=")
        if not equals:
            raise typer.BadParameter(f"{part!r} names no column: write meaning=column.", param_hint="--columns")
        found[meaning.strip()] = column or None
    with wrong_use("--columns"):
        return check_columns(found)


def read_text(text: str) -> str:
    """The text itself, or standard input for "-", without the line break that ends it."""
    if text == "-":
        try:
            text = sys.stdin.read().removesuffix("\n")
        except UnicodeDecodeError as error:
            raise typer.BadParameter(
                "standard input is not text. Give the file of an image by its path.", param_hint="TEXT"
            ) from error
    if not text:
        raise typer.BadParameter("the text is empty: there is no token to explain.", param_hint="TEXT")
    return text


def read_data(text: str, context: str | None, text_pair: str | None) -> str | dict[str, str]:
    """What the model reads: a text, a question with its context, or a pair of texts."""
    if context is not None and text_pair is not None:
        raise typer.BadParameter("give either --context or --text-pair, not both.")
    text = read_text(text)
    if context is not None:
        return {"question": text, "context": context}
    return text if text_pair is None else {"text": text, "text_pair": text_pair}


def read_at(at: list[str] | None) -> list[str | int] | None:
    """Texts as they are, digits as token indices; None where nothing was chosen."""
    return [int(one) if one.isdecimal() else one for one in at] if at else None


def refuse_both(continuation: str | None, max_new_tokens: int | None) -> None:
    """Wrong use, if both ways to get a continuation are asked for."""
    if continuation is not None and max_new_tokens is not None:
        raise typer.BadParameter("give either --continuation or --max-new-tokens, not both.")


def read_target(target: str | None, subject: Any) -> str | int | None:
    """The target as it is meant: for a classifier, digits that are no label are a class index."""
    if target is not None and target.isdecimal() and target not in getattr(subject, "labels", [target]):
        return int(target)
    return target


def read_numbers(given: str | None, option: str) -> list[int] | None:
    """Whole numbers and ranges of them, separated by commas, each once and in order; None where nothing was chosen."""
    if given is None:
        return None
    found: set[int] = set()
    for part in given.split(","):
        ends = re.fullmatch(r"\s*(\d{1,4})(?:\s*-\s*(\d{1,4}))?\s*", part)
        if ends is None or (ends[2] and int(ends[1]) > int(ends[2])):
            raise typer.BadParameter(f"{part.strip()!r} is no number or range: write 3, 0,5 or 0-5.", param_hint=option)
        found |= set(range(int(ends[1]), int(ends[2] or ends[1]) + 1))
    return sorted(found)


def read_units(units: str | None) -> str | int | None:
    """The units as they are meant: digits are a number of pixels."""
    return int(units) if units is not None and units.isdecimal() else units


def load_model(name: str, dtype: DType, device: str | None, server: str | None = None, mask: str | None = None) -> Any:
    """The subject, loaded without progress bars, or behind the server at that address."""
    if mask is not None and server is None:
        raise typer.BadParameter("a model that is loaded has masks of its own: leave --mask out.", param_hint="--mask")
    if server is not None:
        from whence.subjects.api_loading import load_api

        if device is not None:
            raise typer.BadParameter("a server computes where it is: leave --device out.", param_hint="--device")
        return load_api(server, name, api_key=os.environ.get("WHENCE_API_KEY"), mask=mask)
    from transformers.utils import logging

    from whence.registry import available, resolve
    from whence.subjects.loading import load

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    if name in available("models") and not (embedded := resolve("models", name)).is_converted():
        typer.echo(f"getting {name} ready in {embedded.folder}, once; this takes a while", err=True)
    return load(name, dtype=str(dtype), device=device)


def put_out(record: Any, as_json: bool, palette: str, *, html: Path | None, svg: Path | None, png: Path | None) -> None:
    """The record on standard output, as JSON or as a picture, and as a page and as figures where asked for."""
    if as_json:
        typer.echo(json.dumps(record.to_dict(), indent=2, allow_nan=False))
    else:
        record.show(palette=palette)
    if html is not None:
        from whence.api import report

        report(record).save(html, palette=palette)
        typer.echo(f"wrote {html}", err=True)
    for path in (svg, png):
        if path is not None:
            record.save_figure(path, palette=palette)
            typer.echo(f"wrote {path}", err=True)


def rows_in_words(count: int) -> str:
    """How many rows: "1 row", "2 rows"."""
    return "1 row" if count == 1 else f"{count} rows"


def say_left_out(left_out: Sequence["LeftOut"], rows: int) -> None:
    """Which rows of a data set could not be used, and why; exit status 1 where there are such rows."""
    if not left_out:
        return
    typer.echo(
        f"{len(left_out)} of {rows_in_words(rows)} {'was' if len(left_out) == 1 else 'were'} left out:", err=True
    )
    for one in left_out[:_LISTED]:
        typer.echo(f"  row {one.row}: {one.reason}", err=True)
    if len(left_out) > _LISTED:
        typer.echo(f"  and {len(left_out) - _LISTED} more", err=True)
    raise typer.Exit(1)
