"""A subject whose explanations are known in closed form: to test a method, or to write one."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.errors import InputError, TargetError
from whence.records import Token
from whence.subjects.batch import Batch
from whence.subjects.chat import is_chat
from whence.subjects.fingerprint import WeightsHash, library_versions, tokenizer_hash
from whence.subjects.inputs import Inputs, Slot
from whence.subjects.subject import At, Chat, Fields, Subject, refuse_at, refuse_empty


class FakeSubject(Subject):
    """A classifier that adds up one number a word: logit_c = bias_c + Σ_i effect_c(word_i).

    `effects` maps a word to its effect on each label (or to one number, where there is one label); other words have
    none. Words are what white space separates. It is a real torch module with an attention layer, float64, whose
    queries and keys are zero, so every engine runs on it, and what each must find is known:

    - input × gradient, integrated gradients from zero, AttnLRP and leave-one-out give each word its effect exactly;
    - every token attends equally to all n tokens, so raw attention is 1/n each.

    >>> subject = FakeSubject({"good": [-1.0, 2.0], "bad": [1.5, -1.0]}, labels=("negative", "positive"))
    >>> subject.exact("a good film", "positive")
    array([0., 2., 0.])
    """

    task = "text-classification"
    hides = True

    def __init__(
        self,
        effects: Mapping[str, float | Sequence[float]],
        labels: Sequence[str] = ("score",),
        bias: Sequence[float] | None = None,
    ) -> None:
        self.labels = tuple(labels)
        self.link = "identity" if len(self.labels) == 1 else "softmax"
        for word, effect in effects.items():
            if np.shape(effect) not in ((), (len(self.labels),)):
                raise InputError(f"{word!r} has the effects {effect!r}, wanted one for each label: {self.labels}.")
        self.name = "fake"
        self.tokenizer = _Words({word: i + 1 for i, word in enumerate(effects)})
        table = np.zeros((len(effects) + 1, len(labels)))
        for word, effect in effects.items():
            table[self.tokenizer.ids[word]] = effect
        self.model = _AdditiveModel(
            torch.tensor(table), torch.tensor(bias if bias is not None else [0.0] * len(labels))
        )

    def exact(self, text: str, label: str | int = 0) -> Float[np.ndarray, " token"]:
        """The true contribution of each word of `text` to the logit of `label`."""
        inputs = self.encode(text)
        return self.model.effects.numpy()[inputs.ids, self.output_index(label, inputs)]

    def encode(
        self,
        data: str | Chat | Fields,
        *,
        continuation: str | Sequence[int] | None = None,
        max_new_tokens: int | None = None,
        at: At | None = None,
    ) -> Inputs:
        """One token for each word; a word without effect has the id 0."""
        if continuation is not None or max_new_tokens is not None:
            raise InputError("FakeSubject is a classifier: it has no continuation.")
        refuse_at(self, at)
        if is_chat(data):
            raise InputError("FakeSubject takes no chat. Pass one string.")
        text = refuse_empty(data)
        tokens, place = [], 0
        for word in text.split():
            place = text.index(word, place)
            tokens.append(Token(word, self.tokenizer.ids.get(word, 0), place, place + len(word)))
            place += len(word)
        if not tokens:
            raise InputError(f"There is no word in {text!r}.")
        return Inputs(tuple(tokens), (Slot(),), text)

    def embed(self, ids: Int[Tensor, "batch token"]) -> Float[Tensor, "batch token hidden"]:
        """Each token's effects, as its embedding."""
        return self.model.effects[ids]

    def mean_embeddings(self, inputs: Inputs) -> Float[Tensor, "token hidden"]:
        """The mean effects of all words known, the one without effect among them."""
        return self.model.effects.mean(dim=0).expand(len(inputs), -1)

    def logits(self, batch: Batch) -> Float[Tensor, "batch slot output"]:
        """The sum of the effects, as the one slot of each item."""
        return self.model(batch.embeds, batch.attended)[:, None, :]

    @contextmanager
    def session(self) -> Iterator[None]:
        """Nothing to prepare and nothing to restore: the model has no parameters."""
        yield

    @property
    def device(self) -> torch.device:
        """The CPU."""
        return self.model.effects.device

    def query_position(self, slot: Slot, length: int, output: int | None = None) -> int:
        """The first token."""
        return 0

    def output_label(self, index: int) -> str:
        """The label of one class."""
        return self.labels[index]

    def output_index(self, name: str | int, inputs: Inputs) -> int:
        """The index of a label, or of an index given as such."""
        if name in self.labels:
            return self.labels.index(str(name))
        if isinstance(name, int) and 0 <= name < len(self.labels):
            return name
        raise TargetError(f"{name!r} is not a label. Labels are: {', '.join(self.labels)}.")

    def replacement_id(self, kind: str) -> int | None:
        """0, a word without effect, for the mask token; there is no other."""
        return 0 if kind == "mask" else None

    def provenance(self) -> dict[str, Any]:
        """That this is a fake, and which."""
        return {
            "model": self.name,
            "architecture": type(self.model).__name__,
            "revision": None,
            "weights": WeightsHash().of(self.model),
            "tokenizer": tokenizer_hash(self.tokenizer),
            "task": self.task,
            "dtype": "float64",
            "device": "cpu",
            "attention": "sdpa",
            "versions": library_versions(),
        }


@dataclass(frozen=True)
class _Words:
    """A vocabulary of words."""

    ids: dict[str, int]

    def get_vocab(self) -> dict[str, int]:
        """Word -> id."""
        return self.ids


class _AdditiveModel(torch.nn.Module):
    """Σ of embeddings over the kept tokens, by way of an attention layer with equal weights."""

    effects: Tensor
    bias: Tensor

    def __init__(self, effects: Float[Tensor, "word output"], bias: Float[Tensor, " output"]) -> None:
        super().__init__()
        self.register_buffer("effects", effects)
        self.register_buffer("bias", bias.to(effects.dtype))

    def forward(self, embeds: Float[Tensor, "batch token output"], mask: Tensor) -> Float[Tensor, "batch output"]:
        """The logits."""
        still = torch.zeros_like(embeds)[:, None]
        mean = torch.nn.functional.scaled_dot_product_attention(
            still, still, embeds[:, None], attn_mask=mask[:, None, None, :]
        )
        return mean[:, 0, 0] * mask.sum(dim=1, keepdim=True) + self.bias
