"""The texts that drive a unit most, each with what in it does so."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

import numpy as np
import torch

from whence.errors import InputError
from whence.internals.measure import activations_of_units, relevance_for_activation, relevance_of_units
from whence.internals.taps import Reading, reading_of
from whence.methods.base import Cost, Method
from whence.methods.model_map import map_of
from whence.methods.run import Run
from whence.records import Attribution, Maximizer, Maximizers, TargetValue, Unit
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import as_targets

_TEXTS_AT_ONCE = 256
"""Texts held encoded at a time; they are batched by length among themselves."""
WAYS = ("activation", "relevance")


def maximizers_of(
    subject: Subject, unit: Unit, texts: Iterable[Any], by: str, k: int, method: Method, run: Run
) -> Maximizers:
    """The k texts of largest activation or relevance of one unit; see `whence.maximizers`."""
    if by not in WAYS:
        raise InputError(f"Cannot rank by {by!r}. Wanted: {' or '.join(map(repr, WAYS))}.")
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise InputError(f"maximizers() wants k, a whole number of at least 1, got {k!r}.")
    if isinstance(texts, str):
        raise InputError("maximizers() wants several texts, got one string.")
    start = time.perf_counter()
    with torch.inference_mode(False), torch.enable_grad(), subject.session():
        place = reading_of(map_of(subject.model), unit)
        best: list[tuple[float, int, int, Inputs]] = []
        searched, cost = 0, Cost()
        for chunk in _encoded(subject, texts):
            for number, (value, at) in enumerate(_peaks(subject, chunk, place, unit, by, method, run)):
                best.append((value, searched + number, at, chunk[number]))
                spent = method.cost(len(chunk[number]), 1) if by == "relevance" else Cost(1, 0)
                cost.add(spent.forwards, spent.backwards)
            searched += len(chunk)
            best = sorted(best, key=lambda one: (-_rank(one[0], by), one[1]))[:k]
        if not searched:
            raise InputError("maximizers() wants at least one text, got none.")
        entries = [
            Maximizer(number, value, at, _explained(subject, inputs, place, unit, at, method, run))
            for value, number, at, inputs in best
        ]
    for entry in entries:
        cost.add(entry.attribution.provenance["forwards"], entry.attribution.provenance["backwards"])
    provenance = subject.provenance() | {
        "seconds": time.perf_counter() - start,
        **asdict(cost),
        "method": method.key,
        "params": method.params,
    }
    return Maximizers(unit, by, searched, tuple(entries), provenance)


def _encoded(subject: Subject, texts: Iterable[Any]) -> Iterator[list[Inputs]]:
    """The texts encoded, some at a time; an error names the text it is about."""
    numbered = enumerate(texts)
    while chunk := list(islice(numbered, _TEXTS_AT_ONCE)):
        encoded = []
        for number, text in chunk:
            try:
                encoded.append(subject.encode(text))
            except InputError as error:
                raise InputError(f"Text {number}: {error}") from error
        yield encoded


def _peaks(
    subject: Subject, inputs: Sequence[Inputs], place: Reading, unit: Unit, by: str, method: Method, run: Run
) -> list[tuple[float, int]]:
    """Each input's number of highest rank over its tokens, and the first token that has it."""
    found: dict[int, tuple[float, int]] = {}
    index = place.units.index(unit)

    def work(chosen: Sequence[int]) -> None:
        items = [inputs[i] for i in chosen]
        if by == "activation":
            tables = [table[:, index] for table in activations_of_units(subject, items, place)]
        else:
            measured = relevance_of_units(subject, items, as_targets(None), [place], method)
            tables = [one.scores[0, one.extra :, index] for one in measured]
        for i, table in zip(chosen, tables, strict=True):
            at = int(np.argmax(_rank(table, by)))
            found[i] = float(table[at]), at

    run.in_batches(subject, range(len(inputs)), lambda i: len(inputs[i]), work, f"{by} of {unit.name}")
    return [found[i] for i in range(len(inputs))]


def _rank(number: Any, by: str) -> Any:
    """What texts and tokens are ranked by: an activation as it is, relevance for or against by its size."""
    return number if by == "activation" else np.abs(number)


def _explained(
    subject: Subject, inputs: Inputs, place: Reading, unit: Unit, at: int, method: Method, run: Run
) -> Attribution:
    """Which input tokens the unit's activation at one token comes from."""
    start = time.perf_counter()
    value, scores = relevance_for_activation(subject, inputs, place, place.units.index(unit), at, method)
    causal = inputs.slots[0].visible is not None and inputs.source is None
    target = TargetValue(unit.name, at + 1 if causal else None, value, 0.0 if method.complete else None, "activation")
    provenance = subject.provenance() | {
        **({} if inputs.grid is None else {"grid": list(inputs.grid)}),
        **inputs.about,
        "seed": run.seed,
        "seconds": time.perf_counter() - start,
        "target": "chosen",
        **asdict(method.cost(len(inputs), 1)),
        "generated": inputs.generated,
        "text": inputs.text,
        "caveat": method.caveat,
        "at": at,
    }
    return Attribution.build(
        inputs.tokens,
        [target],
        scores[None],
        complete=method.complete,
        method=method.key,
        params=method.params,
        provenance=provenance,
    )
