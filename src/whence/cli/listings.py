"""`whence methods` and `whence models`."""

import inspect
import json as json_format
from typing import TYPE_CHECKING

import typer
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from whence.cli import options
from whence.registry import available, loadable, resolve
from whence.subjects.tasks import TASKS

if TYPE_CHECKING:
    from whence.methods.base import Method


def methods(json: options.Json = False) -> None:
    """List the methods: what each needs, costs and claims."""
    rows = [_method(name, cls) for name, cls in loadable("methods").items()]
    if json:
        typer.echo(json_format.dumps(rows, indent=2))
        return
    console = Console()
    for row in rows:
        console.print(Text(f"{row['name']}", style="bold"), f"· {row['family']} · {row['passes']} · {row['claim']}")
        console.print(Padding(Text(str(row["summary"])), (0, 0, 1, 2)))
    console.print("Passes are for an input of n tokens and k targets, with the method's default parameters.")
    console.print(
        "Residual reported: the scores are meant to add up to value − baseline value, and what is missing is said."
    )


def models(json: options.Json = False) -> None:
    """List the models that come with a Python package, and where they stand on this machine."""
    rows = []
    for name in available("models"):
        model = resolve("models", name)
        state = "ready" if model.is_converted() else "installed" if model.is_installed() else "missing"
        rows.append({"name": name, "state": state, "hub_id": model.hub_id, "install": model.command})
    if json:
        typer.echo(json_format.dumps(rows, indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("model", "state", "on the hub", "install with"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(row["name"], row["state"], row["hub_id"], row["install"])
    console = Console()
    console.print(table)
    console.print("Any hub id, local folder or .gguf file works too, of a model for one of these tasks:")
    console.print(", ".join(TASKS) + ".")


def _method(name: str, cls: type["Method"]) -> dict[str, str | bool]:
    made = cls()
    return {
        "name": name,
        "family": made.family,
        "passes": passes(made),
        "complete": made.complete,
        "claim": "residual reported" if made.complete else "no residual",
        "summary": (inspect.getdoc(cls) or "").split("\n\n")[0].replace("\n", " "),
    }


def passes(method: "Method") -> str:
    """The cost formula, read off the method's own stated cost: it is linear in tokens and in targets, each by each, or
    doubles with every token.
    """
    return ", ".join(_formula(method, kind) for kind in ("forwards", "backwards"))


def _formula(method: "Method", kind: str) -> str:
    def count(tokens: int, rows: int) -> int:
        return int(getattr(method.cost(tokens=tokens, rows=rows), kind))

    n, k = 12, 1
    here, token, row, both = count(n, k), count(n + 1, k), count(n, k + 1), count(n + 1, k + 1)
    if here and token == 2 * here:
        return f"2ⁿ {kind}"
    of_both = both - token - row + here
    of_tokens, of_rows = token - here - of_both * k, row - here - of_both * n
    base = here - of_both * n * k - of_tokens * n - of_rows * k
    terms = [
        _term(factor, letter) for factor, letter in ((of_both, "nk"), (of_tokens, "n"), (of_rows, "k"), (base, ""))
    ]
    formula = " + ".join(term for term in terms if term).replace("+ −", "− ") or "no"
    return f"{formula} {kind.removesuffix('s') if formula == '1' else kind}"


def _term(factor: int, letter: str) -> str:
    """One term, empty where there is none of it."""
    if not factor:
        return ""
    size = letter if letter and abs(factor) == 1 else f"{abs(factor)}{letter}"
    return size if factor > 0 else f"−{size}"
