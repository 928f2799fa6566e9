"""One safetensors file for a record: arrays as tensors, all else as JSON in its metadata."""

import json
from os import PathLike
from typing import Any

import numpy as np

from whence.errors import InputError

_KEY = "whence"


def write(path: str | PathLike[str], kind: str, fields: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Write `fields` (JSON values) and `arrays` as a record of this kind."""
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    try:
        save_file(arrays, str(path), metadata={_KEY: json.dumps({"kind": kind, "fields": fields}, allow_nan=False)})
    except (OSError, SafetensorError) as error:
        raise InputError(f"Cannot write {path}: {error}") from error


def read(path: str | PathLike[str], kind: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read a record of this kind; anything else at `path` is an error that says what was found."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error}") from error
    except SafetensorError as error:
        raise InputError(f"{path} is not a record saved by whence (a safetensors file): {error}") from error
    if _KEY not in metadata:
        raise InputError(f"{path} is a safetensors file, but not a record saved by whence.")
    try:
        content = json.loads(metadata[_KEY])
    except json.JSONDecodeError as error:
        raise InputError(f"{path} holds a record that cannot be read: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("fields"), dict):
        raise InputError(f"{path} holds a record that cannot be read: its fields are missing.")
    if content.get("kind") != kind:
        raise InputError(f"{path} holds a record of kind {content.get('kind')!r}, wanted {kind!r}.")
    return content["fields"], arrays
