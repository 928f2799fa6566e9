"""One library in a process of its own, so that libraries can be timed in turn: runs in, measurements out.

    python benchmarks/peers_driver.py LIBRARY < requests > answers

Started by `peers.py`, with the Python of the library's own environment. The first line in is the settings; every
further line names a task, with its options, and whether it is to be warmed up or run. Each is answered by one line:
seconds, peak memory above what was held before, forward passes and tokens that went through the model, the scores.
"""

import importlib
import json
import os
import platform
import sys
import traceback
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from measuring import measured


@dataclass
class Task:
    """One thing to time: the model it runs, the run, which returns scores, and a shorter one to warm up with."""

    model: torch.nn.Module
    run: Callable[[], Any]
    warm_up: Callable[[], Any] | None = None


@dataclass
class Passes:
    """Forward passes counted in sequences, and the tokens in them."""

    forwards: int = 0
    tokens: int = 0


@contextmanager
def counted(model: torch.nn.Module):
    """Counts at the model below its head: some peers call `model.forward`, which no hook on the model sees."""
    passes = Passes()

    def count(module, args, kwargs):
        given = kwargs.get("input_ids")
        given = given if given is not None else kwargs.get("inputs_embeds")
        given = given if given is not None else args[0]
        passes.forwards += given.shape[0]
        passes.tokens += given.shape[0] * given.shape[1]

    handle = model.base_model.register_forward_pre_hook(count, with_kwargs=True)
    try:
        yield passes
    finally:
        handle.remove()


def answer(task: Task) -> dict[str, Any]:
    """What one run took, and what came out."""
    scores: list[Any] = []
    with counted(task.model) as passes:
        found = measured(lambda: scores.append(task.run()), torch.device("cpu"))
    return {
        "seconds": found.seconds,
        "peak": found.peak,
        "forwards": passes.forwards,
        "tokens": passes.tokens,
        "scores": [as_list(one) for one in scores[0]] if isinstance(scores[0], list) else as_list(scores[0]),
    }


def as_list(scores: Any) -> Any:
    """Nested lists of a tensor or array."""
    return scores.tolist() if hasattr(scores, "tolist") else scores


def versions(library: str) -> dict[str, str]:
    """Versions of what runs here."""
    found = {"python": platform.python_version()}
    for name in (library, "torch", "transformers"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def main() -> None:
    library = sys.argv[1]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer

    def say(line: dict[str, Any]) -> None:
        answers.write(json.dumps(line) + "\n")
        answers.flush()

    settings = json.loads(sys.stdin.readline())
    torch.set_num_threads(settings["threads"])
    tasks = importlib.import_module(f"peers_{library}").TASKS
    say({"versions": versions(library), "tasks": sorted(tasks)})
    made: dict[str, Task] = {}
    for line in sys.stdin:
        request = json.loads(line)
        key = json.dumps([request["task"], request["options"]])
        try:
            if key not in made:
                made[key] = tasks[request["task"]](settings, **request["options"])
            if not request["warm_up"]:
                say(answer(made[key]))
            else:
                if made[key].warm_up is not None:
                    made[key].warm_up()
                say({})
        except Exception as error:  # noqa: BLE001 - a peer's failure is a finding: it goes into the table
            traceback.print_exc()
            say({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
