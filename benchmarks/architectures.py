"""How well relevance is conserved in a tiny random model of every type that transformers ships.

    python benchmarks/architectures.py [--tasks causal-lm,seq2seq] [--types llama,t5] [--rules cp_lrp] [--markdown FILE]

For each type of transformers' tables for seven tasks: a model of two layers or so with random weights and all additive
constants zero (biases, positions added to tokens, token types, class tokens), one forward pass under the rules, one
backward pass from the output number of largest magnitude, and the error |Σ relevance − value| / |value|, the sum over
all inputs. Where a type cannot be built or run, or does not conserve, the note says why.
"""

import argparse
import contextlib
import platform
import re
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers

from conservation import conservation
from tiny_models import TASKS, Task, tiny_model
from tiny_sizes import EXTRA_INPUTS, REASONS
from whence.errors import WhenceWarning

CONSERVED = 1e-3
SECONDS = 30
HEAD = """# Architectures

<!-- Made by `make architectures`, which takes a few minutes. -->

{purpose}

```console
$ {command}
```

transformers {transformers}, torch {torch}, Python {python}, rules `{rules}`.

| task | types | error ≤ 1e-3 | error above | not run |
|---|---:|---:|---:|---:|
"""
PURPOSE = """\
How well relevance is conserved, measured: for every model type in transformers' tables, a tiny random model with all
additive constants zero, so that nothing but the input can receive relevance; one forward pass under the rules, one
backward pass from the output number of largest magnitude; and the error |Σ relevance − value| / |value|, the sum over
all inputs: embeddings of source and target tokens, pixels. Computed in float64 unless the note says otherwise; types
that compute in float32 inside reach about 1e-6. Attention sinks, relative positions and normalisations are as they are.
In a model with biases and positions, what these absorb is the residual, which the record reports by name."""


@dataclass(frozen=True)
class Row:
    """What came of one type: its model class and error, or why there is none."""

    model_type: str
    class_name: str
    error: float | None
    note: str

    @property
    def conserved(self) -> bool:
        """Whether the error is at most 1e-3."""
        return self.error is not None and self.error <= CONSERVED

    @property
    def line(self) -> str:
        """The row of the table."""
        error = "" if self.error is None else f"{self.error:.1e}"
        return f"| {self.model_type} | {self.class_name} | {error} | {self.note} |"


def measure(model_type: str, task: Task, rule_set: str) -> Row:
    """One type in one task, whatever it raises, within half a minute."""
    found = task.types[model_type]
    class_name = found if isinstance(found, str) else found[0]
    with warnings.catch_warnings(record=True) as caught, time_limit(SECONDS):
        warnings.simplefilter("always")
        try:
            result = conservation(tiny_model(model_type, task), task, rule_set)
        except Exception as error:  # noqa: BLE001 - one type that fails must not stop the others
            return Row(model_type, class_name, None, REASONS.get(model_type) or reason(error))
    notes = [] if result.dtype == torch.float64 else [str(result.dtype).removeprefix("torch.")]
    notes += ["ids looked up"] if any(name.startswith("embeddings") for name in result.inputs) else []
    beside = [name for name in result.inputs if name in EXTRA_INPUTS.get(model_type, {})]
    notes += [f"with {' and '.join(beside)}"] if beside else []
    if not result.error <= CONSERVED:
        told = dict.fromkeys(
            str(w.message).split(" carries relevance")[0] for w in caught if w.category is WhenceWarning
        )
        notes += [REASONS[model_type]] if model_type in REASONS else [f"no rule for {name}" for name in told]
    return Row(model_type, class_name, result.error, "; ".join(notes))


def reason(error: Exception) -> str:
    """The error in one line."""
    missing = re.search(r"requires the (\w+) library", str(error))
    if missing:
        return f"needs {missing[1]}, which is not installed"
    text = " ".join(str(error).split()).replace("|", "/")
    return f"{type(error).__name__}: {text[:160]}"


@contextlib.contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """A `TimeoutError` after so many seconds; a no-op where the system has no such alarm."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def ring(_number: int, _frame: object) -> None:
        raise TimeoutError(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def page(tables: dict[str, list[Row]], arguments: argparse.Namespace) -> str:
    """The results as Markdown: a line a task, then a table a task."""
    options = [f" --{name} {','.join(given)}" for name in ("tasks", "types") if (given := getattr(arguments, name))]
    options += [] if arguments.rules == "cp_lrp" else [f" --rules {arguments.rules}"]
    text = HEAD.format(
        purpose=PURPOSE,
        command="python benchmarks/architectures.py" + "".join(options) + " --markdown docs/architectures.md",
        transformers=transformers.__version__,
        torch=torch.__version__,
        python=platform.python_version(),
        rules=arguments.rules,
    )
    for task, rows in tables.items():
        conserved, run = sum(row.conserved for row in rows), sum(row.error is not None for row in rows)
        text += f"| [{task}](#{task}) | {len(rows)} | {conserved} | {run - conserved} | {len(rows) - run} |\n"
    for task, rows in tables.items():
        text += f"\n## {task}\n\n| type | class | error | note |\n|---|---|---:|---|\n"
        text += "".join(row.line + "\n" for row in rows)
    return text


def main() -> None:
    """Measure, and write the page to a file or print it."""
    split = re.compile(r"[,\s]+").split
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=split, default=[], help=f"some of {', '.join(TASKS)}; all by default")
    parser.add_argument("--types", type=split, default=[], help="model types; all by default")
    parser.add_argument("--rules", default="cp_lrp", help="a rule set")
    parser.add_argument("--markdown", type=Path, help="the file to write, instead of standard output")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()
    tables: dict[str, list[Row]] = {}
    for name in arguments.tasks or TASKS:
        task, began = TASKS[name], time.perf_counter()
        types = [t for t in task.types if not arguments.types or t in arguments.types]
        tables[name] = [measure(model_type, task, arguments.rules) for model_type in types]
        kept = sum(row.conserved for row in tables[name])
        print(f"{name}: {kept} of {len(types)} at 1e-3, {time.perf_counter() - began:.0f} s", file=sys.stderr)
    if arguments.markdown:
        arguments.markdown.write_text(page(tables, arguments), encoding="utf-8")
    else:
        print(page(tables, arguments))


if __name__ == "__main__":
    main()
