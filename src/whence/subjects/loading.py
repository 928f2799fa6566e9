"""From whatever names a model to the subject that explains it."""

import difflib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from whence.errors import LoadError, WhenceError
from whence.registry import available, resolve
from whence.subjects.black_box import BlackBox
from whence.subjects.subject import Subject
from whence.subjects.tasks import TASKS, known_task, task_of

_READERS = {
    "AutoTokenizer": ("tokenizer", "convert_ids_to_tokens"),
    "AutoImageProcessor": ("image processor", "preprocess"),
}
"""Auto class -> what it loads, in words, and a method that all of these have."""


def load(
    source: Any,
    *,
    task: str | None = None,
    device: str | None = None,
    dtype: Any = None,
    device_map: Any = None,
    revision: str | None = None,
    weights: str = "safetensors",
    trust_remote_code: bool = False,
    labels: Sequence[str] | None = None,
    mask: str | None = None,
) -> Subject:
    """The subject for a model: a model with its tokenizer or image processor, ready to be explained.

    - `source`: an embedded name ("smollm2"), a hub id, a local folder, a `.gguf` file, `(model, tokenizer)`,
      `(model, image processor)`, a transformers pipeline, a function that takes a list of texts and returns an array
      of probabilities, `(texts, classes)` or `(texts,)`, or a subject, which is returned as it is.
    - `task`: "text-generation", "text-classification", "fill-mask", "token-classification", "question-answering",
      "text2text-generation", "image-classification", or another name of these such as "ner" or "translation"; by
      default what the model's architecture says.
    - `device`: where to put the model; by default an accelerator if there is one, else the CPU. A model that was
      given stays where it is.
    - `dtype`: "float32" (default), "float64", "bfloat16", "float16", a torch dtype, or "auto" for the checkpoint's own.
    - `device_map`: passed to transformers, in place of `device`.
    - `revision`: the hub revision, kept in the provenance.
    - `weights`: "safetensors" (and GGUF) only; "pickle" allows pickled weights, which can run code when loaded.
    - `trust_remote_code`: whether code that comes with the model may run.
    - `labels`, `mask`: for a function of texts, the names of its classes, and the text that stands in a masked word's
      place; by default the word is deleted.

    Raises `LoadError` if nothing can be loaded from `source`, `MissingExtraError` for a .gguf file, or a model of
    images, without the packages that read it. A model that was given is never changed or moved. For a language model
    behind a server see `load_api`.
    """
    if weights not in ("safetensors", "pickle"):
        raise LoadError(f"weights={weights!r} is not known. Wanted: 'safetensors', or 'pickle' to allow pickled files.")
    if not _is_function(source):
        _refuse_without_effect({"labels": labels, "mask": mask}, "a model: they are for a function of texts", "")
    if isinstance(source, str | os.PathLike):
        options = {"revision": revision, "trust_remote_code": trust_remote_code}
        placement = _placement(device, dtype, device_map)
        return _from_name(source, task, placement, weights == "pickle", options)
    settings = {"device": device, "dtype": dtype, "device_map": device_map, "revision": revision}
    _refuse_without_effect(settings, "a model that is already loaded")
    if isinstance(source, Subject):
        _refuse_without_effect({"task": task}, "a subject")
        return source
    if isinstance(source, tuple) and len(source) == 2:
        return _subject(*source, task)
    if hasattr(source, "model") and hasattr(source, "tokenizer") and hasattr(source, "task"):
        return _subject(source.model, source.tokenizer or getattr(source, "image_processor", None), task)
    if _is_function(source):
        _refuse_without_effect({"task": task}, "a function of texts", "")
        return BlackBox(source, labels, mask)
    raise LoadError(
        f"Cannot load a {type(source).__name__}. Wanted: an embedded name ({', '.join(available('models'))}), a hub "
        f"id, a folder, a .gguf file, (model, tokenizer or image processor), a transformers pipeline, or a function "
        f"from a list of texts to probabilities."
    )


def _is_function(source: Any) -> bool:
    """Whether it can be called with texts, and is not a class, a model or another part of one."""
    import torch

    parts = ("convert_ids_to_tokens", "preprocess", "tokenizer")
    return (
        callable(source)
        and not isinstance(source, type | torch.nn.Module | Subject)
        and not any(hasattr(source, name) for name in parts)
    )


def _refuse_without_effect(
    settings: dict[str, Any], where: str, otherwise: str = ", or load the model with it"
) -> None:
    given = [name for name, value in settings.items() if value is not None]
    if given:
        raise LoadError(f"{given[0]}= has no effect on {where}. Leave it out{otherwise}.")


def _placement(device: str | None, dtype: Any, device_map: Any) -> dict[str, Any]:
    """Device and dtype as `from_pretrained` takes them."""
    import torch

    if device is not None and device_map is not None:
        raise LoadError("Give either device or device_map, not both.")
    if isinstance(dtype, str) and dtype != "auto":
        found = getattr(torch, dtype, None)
        if not isinstance(found, torch.dtype):
            raise LoadError(f"Unknown dtype {dtype!r}. Try 'float32', 'float64', 'bfloat16', 'float16' or 'auto'.")
        dtype = found
    placement: dict[str, Any] = {"dtype": torch.float32 if dtype is None else dtype}
    if device_map is not None:
        return placement | {"device_map": device_map}
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    where = device or (accelerator.type if accelerator is not None else "cpu")
    try:
        torch.empty(0, device=where)
    except (RuntimeError, AssertionError) as error:
        raise LoadError(f"Cannot use the device {where!r}: {error}") from error
    return placement | {"device": where}


def _from_name(
    source: str | os.PathLike[str],
    task: str | None,
    placement: dict[str, Any],
    pickle: bool,
    options: dict[str, Any],
) -> Subject:
    name = os.fspath(source)
    path = Path(name).expanduser()
    if not name:
        raise LoadError("The model's name is empty. Wanted: an embedded name, a hub id, a folder or a .gguf file.")
    if name in available("models"):
        _refuse_without_effect({"task": task, "revision": options["revision"]}, f"the embedded model {name!r}")
        return _embedded(name, placement)
    if path.suffix == ".gguf":
        if known_task(task) not in (None, "text-generation"):
            raise LoadError(f"A .gguf file holds a language model, which cannot serve the task {task!r}.")
        return _from_gguf(path, placement)
    if path.is_dir():
        return _pretrained(str(path), path.name, task, placement, pickle, options)
    if path.exists() or name.startswith((".", "/", "~")):
        raise LoadError(f"{name!r} is not a folder with a model, nor a .gguf file.")
    near = difflib.get_close_matches(name, available("models"), n=1, cutoff=0.8)
    if near and "/" not in name:
        raise LoadError(f"There is no embedded model {name!r}. Did you mean {near[0]!r}?")
    return _pretrained(name, name, task, placement, pickle, options)


def _embedded(name: str, placement: dict[str, Any]) -> Subject:
    embedded = resolve("models", name)
    try:
        folder = embedded.local_folder()
    except WhenceError:
        raise
    except Exception as error:
        raise LoadError(
            f"The embedded model {name!r} could not be converted to {embedded.folder}: {_first_line(error)}. "
            f"Try: {embedded.command} --force-reinstall, or let WHENCE_CACHE name a folder you can write to."
        ) from error
    plain: dict[str, Any] = {"revision": None, "trust_remote_code": False}
    if folder is not None:
        subject = _pretrained(str(folder), name, "text-generation", placement, False, plain)
        subject.revision = embedded.revision  # type: ignore[attr-defined]
        return subject
    try:
        return _pretrained(embedded.hub_id, name, "text-generation", placement, False, plain)
    except LoadError as error:
        raise embedded.missing(error.__cause__ or error) from error


def _from_gguf(path: Path, placement: dict[str, Any]) -> Subject:
    from whence.subjects.embedded import load_gguf

    if not path.is_file():
        raise LoadError(f"There is no file {str(path)!r}.")
    placement = dict(placement)
    device = placement.pop("device", None)
    try:
        model, tokenizer = load_gguf(path, placement.pop("dtype"), **placement)
    except WhenceError:
        raise
    except Exception as error:
        raise LoadError(f"Cannot read {str(path)!r} as a GGUF model: {_first_line(error)}") from error
    return _subject(model if device is None else model.to(device), tokenizer, None, path.name)


def _pretrained(
    where: str, name: str, task: str | None, placement: dict[str, Any], pickle: bool, options: dict[str, Any]
) -> Subject:
    import transformers

    placement = dict(placement)
    device = placement.pop("device", None)
    try:
        config = transformers.AutoConfig.from_pretrained(where, **options)
        task = known_task(task) or task_of(list(config.architectures or []), name)
        auto = getattr(transformers, TASKS[task].auto)
        model, found = auto.from_pretrained(
            where, use_safetensors=None if pickle else True, output_loading_info=True, **placement, **options
        )
        _refuse_random(where, found["missing_keys"])
        reader = _reader(where, TASKS[task].reader, options)
    except WhenceError:
        raise
    except Exception as error:
        raise LoadError(_why_not(where, error)) from error
    commit = getattr(config, "_commit_hash", None)
    return _subject(model if device is None else model.to(device), reader, task, name, commit)


def _reader(where: str, auto: str, options: dict[str, Any]) -> Any:
    """What turns the input into what the model takes; images by way of Pillow, whatever else is installed."""
    import transformers

    if auto == "AutoImageProcessor":
        from whence.subjects.pictures import pillow

        pillow()
        options = options | {"backend": "pil"}
    return getattr(transformers, auto).from_pretrained(where, **options)


def _refuse_random(where: str, missing: Iterable[str]) -> None:
    names = sorted(missing)
    if names:
        shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        raise LoadError(
            f"The checkpoint {where!r} lacks weights of the model: {shown}. They would be random numbers, and so "
            f"would be the explanation. Is it made for another task?"
        )


def _why_not(where: str, error: BaseException) -> str:
    reason = _first_line(error)
    if "safetensors" in str(error) and ("does not appear to have" in str(error) or "no file named" in str(error)):
        reason += " If you trust the source, weights='pickle' allows its pickled weights."
    return f"Cannot load {where!r}: {reason}"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__


def _subject(
    model: Any, reader: Any, task: str | None, name: str | None = None, revision: str | None = None
) -> Subject:
    from importlib import import_module

    if not hasattr(model, "config") or not hasattr(model, "forward"):
        raise LoadError(f"Wanted (model, tokenizer) from transformers, got a {type(model).__name__} as the model.")
    made_for = task_of([type(model).__name__], type(model).__name__)
    kind, method = _READERS[TASKS[made_for].reader]
    reader = getattr(reader, "image_processor", reader) if method == "preprocess" else reader
    if not callable(reader) or not hasattr(reader, method):
        raise LoadError(f"Wanted a transformers {kind} beside the model, got a {type(reader).__name__}.")
    if known_task(task) not in (None, made_for):
        raise LoadError(f"{type(model).__name__} is made for the task {made_for!r}, not {task!r}.")
    task = made_for
    module, _, attribute = TASKS[task].subject.partition(":")
    return getattr(import_module(module), attribute)(model, reader, name, revision)
