"""The commands put together, and what happens to their errors and warnings."""

import sys
import warnings
from importlib.metadata import version
from io import TextIOWrapper

import typer

from whence.cli.attention import attention
from whence.cli.compare import compare
from whence.cli.evaluate import evaluate
from whence.cli.explain import explain
from whence.cli.listings import checks, methods, metrics, models
from whence.cli.validate import validate
from whence.errors import UnknownNameError, WhenceError

app = typer.Typer(
    name="whence",
    help="Explain the predictions of Transformer models, and say how far each explanation can be trusted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (explain, compare, attention, evaluate, validate, methods, metrics, checks, models):
    app.command()(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"whence {version('whence')}")
        raise typer.Exit


@app.callback()
def _root(
    show_version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Explain the predictions of Transformer models, and say how far each explanation can be trusted."""


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        try:
            status = _run()
        finally:
            for warning in caught:
                print(f"warning: {warning.message}", file=sys.stderr)  # noqa: T201
    sys.exit(status)


def _run() -> int:
    try:
        app(prog_name="whence")
    except UnknownNameError as error:
        return _failed(error, 2)
    except WhenceError as error:
        return _failed(error, 1)
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    return 0


def _failed(error: WhenceError, status: int) -> int:
    print(f"error: {error}", file=sys.stderr)  # noqa: T201
    return status
