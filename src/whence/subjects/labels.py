"""Class labels: from a model's configuration, and from what a target names."""

import difflib
from collections.abc import Sequence
from typing import Any

from whence.errors import TargetError


def labels_of(config: Any) -> list[str]:
    """The label of each class, in order."""
    return [str(config.id2label.get(i, i)) for i in range(config.num_labels)]


def label_index(name: str | int, labels: Sequence[str], model: str) -> int:
    """The index of a label, or of a class index given as such; `TargetError` names the nearest and all there are."""
    if isinstance(name, str) and name in labels:
        return list(labels).index(name)
    if isinstance(name, int) and 0 <= name < len(labels):
        return name
    near = difflib.get_close_matches(str(name), labels, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise TargetError(
        f"{name!r} is not a class of {model}.{hint} Its classes are: "
        + ", ".join(f"{label!r} ({i})" for i, label in enumerate(labels))
        + "."
    )
