"""The project's own side of `peers.py`, in a process like those of the peers."""

from functools import cache
from typing import Any

from peers_driver import Task

import whence
from whence.methods.run import Run
from whence.registry import resolve


@cache
def subject(folder: str):
    return whence.load(folder)


def prompted(key: str, **parameters: Any):
    """A task that explains every token of the continuation."""

    def make(settings: dict[str, Any]) -> Task:
        known = subject(settings["smollm2"])
        prompt = known.tokenizer.decode(settings["prompt"])
        inputs = known.encode(prompt, continuation=settings["continuation"])
        short = known.encode(prompt, continuation=settings["continuation"][:2])
        given = {name: settings[value] for name, value in parameters.items() if value in settings}
        method = resolve("methods", key)(**{**parameters, **given})
        first = len(settings["prompt"])
        return Task(
            known.model,
            lambda: method(known, inputs, whence.LogProb()).scores[:, :first],
            lambda: method(known, short, whence.LogProb()),
        )

    return make


def worded(key: str):
    """A task that explains the likeliest class of many texts by their words."""

    def make(settings: dict[str, Any], texts: str = "texts", seed: int = 0, **parameters: Any) -> Task:
        known = subject(settings["minilm"])
        method = resolve("methods", key)(**{"samples": settings["samples"], "features": "word"} | parameters)
        inputs = [known.encode(text) for text in settings[texts]]
        run = Run(seed=seed)
        return Task(
            known.model,
            lambda: [without_specials(record) for record in method(known, inputs, run=run)],
            lambda: method(known, inputs[:1], run=run),
        )

    return make


def without_specials(record: whence.Attribution):
    return record.scores[0][[not token.special for token in record.tokens]]


EVERY = {
    "leave_one_out": prompted("leave_one_out", strategy="unk"),
    "occlusion": prompted("occlusion", window=1, stride=1, strategy="unk"),
    "integrated_gradients": prompted("integrated_gradients", steps="steps", baseline="unk"),
    "input_x_gradient": prompted("input_x_gradient"),
    "kernel_shap": worded("kernel_shap"),
    "lime": worded("lime"),
}
TASKS = {key: make for key, make in EVERY.items() if key in whence.available("methods")}
