"""The functions users call: wiring between subjects, methods, metrics and records, and nothing else."""

from collections.abc import Sequence
from inspect import isabstract
from os import PathLike
from typing import Any

import torch

from whence.errors import InputError
from whence.methods.base import Method
from whence.methods.run import Run
from whence.metrics.agreement import agreements
from whence.records import Attribution, Comparison, Report
from whence.registry import COMPARED_BY_DEFAULT, resolve
from whence.subjects.chat import is_chat
from whence.subjects.inputs import Inputs
from whence.subjects.loading import load
from whence.subjects.subject import At, Subject


def explain(
    subject: Any,
    data: Any,
    *,
    method: str | Method | type[Method] = "attnlrp",
    target: Any = None,
    continuation: str | Sequence[str] | Sequence[int] | None = None,
    max_new_tokens: int | None = None,
    at: At | Sequence[At] | None = None,
    units: str | int | None = None,
    seed: int = 0,
    batch_size: int | str = "auto",
    progress: bool | None = None,
    device: Any = None,
) -> Any:
    """Which tokens of the input drove the model's prediction, by one method.

    - `subject`: a loaded subject, or anything `load` takes.
    - `data`: a text, a chat (list of messages), a dict of texts (question and context, text and text_pair), an image
      (a PIL image, the path of a file, an array), or a list of these; a list gives a list, each as if alone.
    - `method`: a registered name or a method of your own, such as `whence.methods.IntegratedGradients(steps=64)`.
    - `target`: what to explain; see `whence.targets`. By default the predicted token or class.
    - `continuation`: the text (or token ids) that follows, to explain each of its tokens, a row each; for a list of
      texts one for all, or one each.
    - `at`: for models that predict something for each token, which tokens to explain: a text they cover, a token index,
      or several of these; for a list of texts one for all, or a list of one each.
    - `units`: for an image, what gets a score: "patch" (the model's own, the default), "pixel", or a whole number n
      for squares of n pixels a side.
    - `max_new_tokens`: let the model write (greedily) and explain each token it wrote.
    - `seed`, `batch_size`, `progress`: how to run; see `whence.methods.run.Run`.
    - `device`: where to load a subject that is not loaded yet.

    Returns an `Attribution`, or a list of them for a list. Raises `InputError`, `TargetError`, `UnsupportedError`,
    `LoadError`, `UnknownNameError` or `NonFiniteError`.

    >>> from whence import FakeSubject
    >>> explain(FakeSubject({"good": 2.0, "bad": -1.0}), "good bad film").scores
    array([[ 2., -1.,  0.]], dtype=float32)
    """
    subject = _subject(subject, device)
    inputs = _encode(subject, data, continuation, max_new_tokens, at, units)
    run = Run(seed, batch_size, progress)
    found = _method(method)(subject, inputs, target, run=run)
    return found if _is_list(data) else found[0]


def compare(
    subject: Any,
    data: Any,
    *,
    methods: Sequence[str | Method | type[Method]] = COMPARED_BY_DEFAULT,
    target: Any = None,
    continuation: str | Sequence[str] | Sequence[int] | None = None,
    max_new_tokens: int | None = None,
    at: At | Sequence[At] | None = None,
    units: str | int | None = None,
    k: int = 3,
    seed: int = 0,
    batch_size: int | str = "auto",
    progress: bool | None = None,
    device: Any = None,
) -> Any:
    """The same prediction explained by several methods, with their rank correlations and common top tokens.

    `k` is how many top tokens of two methods are compared; the other arguments are those of `explain`. Returns a
    `Comparison`, or a list of them for a list.

    >>> from whence import FakeSubject
    >>> subject = FakeSubject({"good": 2.0, "bad": -1.0})
    >>> both = compare(subject, "good bad film", methods=["leave_one_out", "attnlrp"])
    >>> both.agreement("leave_one_out", "attnlrp").spearman
    1.0
    """
    if isinstance(methods, str | Method) or not methods:
        raise InputError(f"compare() wants a list of methods, got {methods!r}.")
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise InputError(f"compare() wants k, a whole number of at least 1, got {k!r}.")
    chosen = [_method(method) for method in methods]
    subject = _subject(subject, device)
    inputs = _encode(subject, data, continuation, max_new_tokens, at, units)
    run = Run(seed, batch_size, progress)
    by_method = [method(subject, inputs, target, run=run) for method in chosen]
    compared = [Comparison(entry, agreements(entry, k)) for entry in zip(*by_method, strict=True)]
    return compared if _is_list(data) else compared[0]


def report(*records: Attribution | Comparison, title: str = "whence report") -> Report:
    """Any records on one page: `report(a, c).save("report.html")`. The page needs nothing from outside itself."""
    if not records:
        raise InputError("report() wants at least one record.")
    for record in records:
        if not isinstance(record, Attribution | Comparison):
            raise InputError(
                f"report() takes the records that explain and compare return, got {type(record).__name__}."
            )
    return Report(records, title)


def _subject(subject: Any, device: Any) -> Subject:
    if isinstance(subject, str | PathLike):
        return load(subject, device=None if device is None else str(device))
    subject = load(subject)
    if device is not None and not _same_device(subject.device, device):
        raise InputError(
            f"{subject.name} is on {subject.device}, and explaining does not move a model. "
            f"Load it there: whence.load(..., device={device!r})."
        )
    return subject


def _same_device(there: torch.device, wanted: Any) -> bool:
    try:
        asked = torch.device(wanted)
    except (RuntimeError, TypeError) as error:
        raise InputError(f"{wanted!r} is no device. Wanted: 'cpu', 'cuda', 'cuda:1', 'mps' or the like.") from error
    return asked.type == there.type and (asked.index is None or asked.index == (there.index or 0))


def _method(method: str | Method | type[Method]) -> Method:
    if isinstance(method, Method):
        return method
    if isinstance(method, type) and issubclass(method, Method) and not isabstract(method):
        return method()
    if isinstance(method, str):
        return resolve("methods", method)()
    raise InputError(f"method= takes a name or a method, got {method!r}. See whence.available('methods').")


def _is_list(data: Any) -> bool:
    return isinstance(data, list | tuple) and not is_chat(data)


def _encode(
    subject: Subject, data: Any, continuation: Any, max_new_tokens: int | None, at: Any, units: str | int | None
) -> list[Inputs]:
    items = list(data) if _is_list(data) else [data]
    continuation = continuation.tolist() if hasattr(continuation, "tolist") else continuation
    if not items:
        raise InputError("There is nothing to explain: the list is empty.")
    tails, places = (
        _for_each(items, value, name) if _is_list(data) else [value]
        for value, name in ((continuation, "continuations"), (at, "values of at="))
    )
    options: dict[str, Any] = {"max_new_tokens": max_new_tokens, **_units_option(subject, units)}
    encoded = []
    for number, (item, tail, place) in enumerate(zip(items, tails, places, strict=True)):
        try:
            encoded.append(subject.encode(item, continuation=tail, at=place, **options))
        except InputError as error:
            raise InputError(f"Item {number} of the list: {error}" if _is_list(data) else str(error)) from error
    return encoded


def _units_option(subject: Subject, units: str | int | None) -> dict[str, Any]:
    """`units`, for a subject that has a choice of them."""
    if units is None or (units,) == subject.units:
        return {}
    if len(subject.units) == 1:
        raise InputError(
            f"{subject.name} ({subject.task}) has scores for each {subject.units[0]}, so units={units!r} has no "
            f"meaning: it is for images. Leave it out; a record of a text has words() and sentences()."
        )
    return {"units": units}


def _for_each(items: Sequence[Any], value: Any, name: str) -> Sequence[Any]:
    """`value` for each item: a list of one each, or the same for all (a list of integers is one value)."""
    if not isinstance(value, list | tuple) or (value and all(isinstance(one, int) for one in value)):
        return [value] * len(items)
    if len(value) != len(items):
        raise InputError(f"{len(items)} texts and {len(value)} {name}: wanted one for each text.")
    return value
