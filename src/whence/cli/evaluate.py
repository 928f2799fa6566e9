"""`whence evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whence.cli import options
from whence.cli.options import Colors, DType
from whence.registry import EVALUATED_BY_DEFAULT

if TYPE_CHECKING:
    from whence.records import Leaderboard

_METRICS = ",".join(EVALUATED_BY_DEFAULT)

Methods = Annotated[str, typer.Option(help="Methods to measure, separated by commas; see: whence methods.")]
Metrics = Annotated[str, typer.Option(help="Metrics to measure them by, separated by commas; see: whence metrics.")]
Resume = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        callback=options.check_page,
        help="A file that keeps what came of each row; a run that was broken off goes on from it.",
    ),
]
Markdown = Annotated[
    Path | None,
    typer.Option(dir_okay=False, writable=True, callback=options.check_page, help="Write the tables as Markdown."),
]


def evaluate(
    data: Annotated[str, typer.Option(help="The data set: .jsonl, .csv or .tsv, or a folder of images.")],
    methods: Methods,
    metrics: Metrics = _METRICS,
    model: options.Model = "smollm2",
    columns: options.Columns = None,
    target: Annotated[
        str | None,
        typer.Option(
            help="What to explain: 'label', the row's; or the predicted output (default) as its 'logit', "
            "'log-probability' or 'probability'."
        ),
    ] = None,
    first_token: Annotated[
        bool, typer.Option("--first-token", help="Of a continuation, explain the first token alone.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Read so many rows at most.")] = None,
    strategy: Annotated[str, typer.Option(help="What masked units become; 'all' for a table of each.")] = "auto",
    random_orders: Annotated[int, typer.Option(min=0, help="Random orders to measure beside: 0, or even from 4.")] = 0,
    resume: Resume = None,
    server: options.Api = None,
    mask: options.Mask = None,
    dtype: options.Precision = DType.float32,
    device: options.Device = None,
    json: options.Json = False,
    html: options.Html = None,
    svg: options.Svg = None,
    png: options.Png = None,
    palette: options.Palette = Colors.RdBu,
    markdown: Markdown = None,
    seed: options.Seed = 0,
) -> None:
    """Measure methods over a data set: a table of methods and metrics, with intervals and costs.

    Exit status: 1 where rows were left out, and where it could not be done; 2 for wrong use.
    """
    from whence import api

    chosen = _chosen(methods, metrics)
    _check(target, strategy, random_orders)
    path, named = options.data_path(data), options.read_columns(columns)
    subject = options.load_model(model, dtype, device, server, mask)
    board = api.benchmark(
        subject,
        path,
        methods=chosen["methods"],
        metrics=chosen["metrics"],
        columns=named,
        target=target,
        first_token=first_token,
        limit=limit,
        strategy=strategy,
        random_orders=random_orders,
        resume=resume,
        seed=seed,
    )
    options.put_out(board, json, palette, html=html, svg=svg, png=png)
    if markdown is not None:
        markdown.write_text(board.to_markdown(), encoding="utf-8")
        typer.echo(f"wrote {markdown}", err=True)
    _say(board)


def _chosen(methods: str, metrics: str) -> dict[str, list[str]]:
    """The methods and metrics named; an error for a name there is not."""
    from whence.registry import path_of

    chosen = {"methods": options.names(methods, "--methods"), "metrics": options.names(metrics, "--metrics")}
    for kind, names in chosen.items():
        for name in names:
            path_of(kind, name)
    return chosen


def _check(target: str | None, strategy: str, random_orders: int) -> None:
    """Wrong use, if there is no such target or strategy, or random orders are no pairs."""
    from whence.corpus.plan import check_target
    from whence.metrics.evaluation import check_masking

    with options.wrong_use("--target"):
        check_target(target)
    with options.wrong_use("--strategy"):
        check_masking(strategy, 0)
    with options.wrong_use("--random-orders"):
        check_masking(strategy, random_orders)


def _say(board: "Leaderboard") -> None:
    """What it took, and which rows are not in it; status 1 where there are such rows."""
    origin = board.provenance
    typer.echo(
        f"masked inputs: {origin['asked']} asked for, {origin['forwards']} forwards run; "
        f"{options.rows_in_words(len(board.rows))} in {origin['seconds']:.1f} s",
        err=True,
    )
    options.say_left_out(board.left_out, len(board.rows) + len(board.left_out))
