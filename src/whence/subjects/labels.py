"""The classes a classifier chooses among: their names, and what turns its logits into probabilities."""

import difflib
from collections.abc import Sequence
from typing import Any

from whence.errors import TargetError

_ONE_OF_SEVERAL = "single_label_classification"
_LINKS = {_ONE_OF_SEVERAL: "softmax", "multi_label_classification": "sigmoid", "regression": "identity"}
"""What the head's problem type makes of logits; without one, a single label is a regression, as in transformers."""

_SHOWN = 30
"""How many classes an error names."""


def labels_of(config: Any) -> list[str]:
    """The names of a model's classes, in order; a class without a name has its index."""
    return [str((config.id2label or {}).get(i, i)) for i in range(config.num_labels)]


def link_of(config: Any) -> str:
    """What turns the model's logits into probabilities: "softmax", "sigmoid" or "identity"."""
    return _LINKS[config.problem_type or ("regression" if config.num_labels == 1 else _ONE_OF_SEVERAL)]


def label_index(name: str | int, labels: Sequence[str], model: str) -> int:
    """The index of a class label, or of a class index given as such; a `TargetError` names the classes there are."""
    if isinstance(name, str) and name in labels:
        return list(labels).index(name)
    if isinstance(name, int) and 0 <= name < len(labels):
        return name
    near = difflib.get_close_matches(str(name), labels, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    shown = ", ".join(f"{label!r} ({i})" for i, label in enumerate(labels[:_SHOWN]))
    rest = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    raise TargetError(f"{name!r} is not a class of {model}.{hint} Its classes are: {shown}{rest}.")
