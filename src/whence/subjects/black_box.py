"""Any function from texts to probabilities."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from whence.errors import CallError, InputError, LoadError, TargetError, WhenceError
from whence.subjects.batch import Batch
from whence.subjects.chat import is_chat
from whence.subjects.failures import is_out_of_memory
from whence.subjects.fingerprint import library_versions
from whence.subjects.inputs import Inputs, Slot
from whence.subjects.labels import label_index
from whence.subjects.subject import At, Chat, Fields, refuse_at, refuse_empty
from whence.subjects.words import WordSubject, rebuilt, words_of

_TEXTS_AT_ONCE = 64
_TOLERANCE = 1e-6
"""How far from 0 to 1 a probability may be: the rounding of a softmax in single precision."""
_WANTED = "Wanted: probabilities, an array of shape (texts, classes), or (texts,) for the probability of one class"


class BlackBox(WordSubject):
    """A function that takes a list of texts and returns the probability of each class for each of them.

    The function sees the text exactly as it was given, and with some words deleted (or, with `mask`, replaced), at
    most 64 texts at once, or the `batch_size` that `explain` is given. It returns an array `(texts, classes)` or
    `(texts,)`, from NumPy, torch or plain lists. Values are probabilities, so the default target is `Prob`, and `Logit`
    is refused. `labels` names the classes, which are their indices otherwise.

    Errors: `CallError` if the function fails, with what it raised as the cause, or returns anything but probabilities.
    `calls` and `texts` count what it was asked.

    >>> def positive(texts):
    ...     return [0.1 + 0.6 * ("good" in text) for text in texts]
    >>> subject = BlackBox(positive, labels=["positive"])
    >>> subject.logits(subject.collate([subject.encode("a good film")])).tolist()
    [[[0.7]]]
    """

    task = "text-classification"
    link = "probability"
    max_batch = _TEXTS_AT_ONCE
    reads_nothing = True

    def __init__(
        self, function: Callable[[list[str]], Any], labels: Sequence[str] | None = None, mask: str | None = None
    ) -> None:
        super().__init__(_name_of(function), function, mask)
        if labels is not None:
            _check_labels(labels)
        self.labels = [] if labels is None else list(labels)
        self._named = labels is not None
        self.calls = 0
        self.texts = 0

    def encode(
        self,
        data: str | Chat | Fields,
        *,
        continuation: str | Sequence[int] | None = None,
        max_new_tokens: int | None = None,
        at: At | None = None,
    ) -> Inputs:
        """The words of one text, and one slot for the prediction about it."""
        if continuation is not None or max_new_tokens is not None:
            raise InputError(f"{self.name} returns probabilities of classes: it has no continuation. Leave it out.")
        refuse_at(self, at)
        if is_chat(data):
            raise InputError(f"{self.name} takes texts, not chats. Pass one string.")
        text = refuse_empty(data)
        tokens = words_of(text)
        if not tokens:
            raise InputError(f"There is no word in {text!r}: there is nothing to give a score to.")
        return Inputs(tokens, (Slot(),), text)

    def logits(self, batch: Batch) -> Float[Tensor, "batch slot output"]:
        """The probabilities of the batch's texts, by one call of the function, as the one slot of each."""
        assert batch.inputs is not None
        texts = [rebuilt(item.text, item.tokens, 0, len(item.text)) for item in batch.inputs]
        self.calls += 1
        self.texts += len(texts)
        try:
            returned = self.model(list(texts))
        except (WhenceError, Warning):
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise CallError(
                f"{self.name} failed on {_texts(len(texts))}: {type(error).__name__}: {error}. The first of them is "
                f"{texts[0][:60]!r}; whence calls it with a list of such texts."
            ) from error
        return torch.from_numpy(self._checked(returned, len(texts)))[:, None, :]

    def output_label(self, index: int) -> str:
        """The name of one class."""
        return self.labels[index]

    def output_index(self, name: str | int, inputs: Inputs) -> int:
        """The index of a class label, or of a class index given as such."""
        if not self.labels:
            raise TargetError(f"The classes of {self.name} are not known before it was called. Give labels=.")
        return label_index(name, self.labels, self.name)

    def provenance(self) -> dict[str, Any]:
        """Which function this is; of what is behind it nothing is known from outside."""
        return {
            "model": self.name,
            "module": getattr(self.model, "__module__", None),
            "architecture": type(self.model).__name__,
            "revision": None,
            "weights": None,
            "tokenizer": None,
            "task": self.task,
            "dtype": "float64",
            "device": "cpu",
            "attention": None,
            "mask": self.mask,
            "calls": self.calls,
            "versions": library_versions(),
        }

    def _checked(self, returned: Any, texts: int) -> Float[np.ndarray, "text output"]:
        """What the function returned, float64, a column a class; `CallError` if it is not what was wanted."""
        found = self._as_array(returned)
        if found.ndim not in (1, 2) or len(found) != texts or found.size == 0:
            raise CallError(
                f"{self.name} returned {_described(returned)} of shape {found.shape} for {_texts(texts)}. {_WANTED}: "
                f"{texts} rows."
            )
        wrong = ~((found >= -_TOLERANCE) & (found <= 1 + _TOLERANCE))
        if wrong.any():
            raise CallError(
                f"{self.name} returned {found[wrong][0]:g}, which is no probability. {_WANTED}, each from 0 to 1; of "
                f"logits, return the softmax."
            )
        table = found.reshape(texts, -1)
        if not self.labels:
            self.labels = [str(index) for index in range(table.shape[1])]
        if table.shape[1] != len(self.labels):
            before = f"{len(self.labels)} labels were given" if self._named else f"{len(self.labels)} before"
            raise CallError(f"{self.name} returned {table.shape[1]} classes a text, and {before}. {_WANTED}.")
        return table

    def _as_array(self, returned: Any) -> Float[np.ndarray, "..."]:
        plain = returned.detach().cpu().double().numpy() if isinstance(returned, Tensor) else returned
        try:
            return np.array(plain, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise CallError(
                f"{self.name} returned {_described(returned)}, which is no array of numbers: {error}. {_WANTED}."
            ) from error


def _check_labels(labels: Sequence[str]) -> None:
    if isinstance(labels, str) or not labels or not all(isinstance(label, str) for label in labels):
        raise LoadError(f"labels={labels!r} is no list of class names.")
    if len(set(labels)) < len(labels):
        raise LoadError(f"labels={list(labels)!r} names a class twice.")


def _name_of(function: Any) -> str:
    """What a function calls itself; a partial one or an object its function's or its class's name."""
    inner = getattr(function, "func", function)
    return str(getattr(inner, "__name__", type(inner).__name__))


def _texts(count: int) -> str:
    return "1 text" if count == 1 else f"{count} texts"


def _described(value: Any) -> str:
    if isinstance(value, list | tuple) and value:
        return f"a {type(value).__name__} of {type(value[0]).__name__}"
    return f"a {type(value).__name__}"
