"""Other tokens for those that are masked, drawn from a language model so that the text stays plausible."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from whence.errors import UnsupportedError
from whence.methods.run import Run
from whence.records import Token
from whence.subjects.encoding import special_ids
from whence.subjects.inputs import Inputs, Slot, next_token_slot
from whence.subjects.loading import load
from whence.subjects.subject import Subject

_PROPOSERS = {"fill-mask": "a masked language model", "text-generation": "a causal language model"}


@dataclass(frozen=True)
class Sample:
    """A strategy: a masked token becomes another one, drawn from what a language model expects in its place.

    Formula: a masked language model reads the text with its mask token at all masked places, and each place is drawn
    from p(x_i | the tokens kept); a causal one draws place i from p(x_i | x_1 … x_{i−1} of the text as it is), the
    first place behind its end-of-text token. Control tokens are never drawn; the token itself can be.
    Source: Zhao and Shan 2024, "ReAGent", section 3.2, for a masked language model's replacements; Kim et al. 2020,
    "Interpretation of NLP models through input marginalization", for why: a masked text is no natural one.
    Cost: one forward pass of the language model for each masked input (a causal one: for each input).
    Errors: `UnsupportedError` for a model that proposes no tokens, or has another vocabulary: text is never decoded
    and tokenized anew.
    Does not claim: that the places are drawn together; each is drawn for itself.

    `model` is a masked or causal language model, as `whence.load` takes or returns it; None the one explained.
    """

    model: Any = None

    @property
    def name(self) -> str:
        """The strategy in words: which model tokens are drawn from."""
        return "sample" if self.model is None else f"sample from {getattr(self.model, 'name', self.model)}"

    def ready(self, subject: Subject) -> "Sample":
        """The strategy with the model that will propose tokens for this subject."""
        proposer = subject if self.model is None else load(self.model)
        if proposer.task not in _PROPOSERS:
            wanted = " or ".join(_PROPOSERS.values())
            raise UnsupportedError(
                f"Replacements are sampled from {wanted}, and {proposer.name} ({proposer.task}) is neither. "
                f"Give one with the same vocabulary: strategy=whence.Sample(model)."
            )
        if proposer.task == "text-generation" and proposer.replacement_id("eos") is None:
            raise UnsupportedError(
                f"{proposer.name} has no end-of-text token to propose the first token behind. Sample from another."
            )
        if proposer is not subject and _vocabulary(proposer) != _vocabulary(subject):
            raise UnsupportedError(
                f"{proposer.name} has another vocabulary than {subject.name}, and text is never tokenized anew. "
                f"Sample from a language model with the same tokenizer."
            )
        return Sample(proposer)

    def filled(self, inputs: Sequence[Inputs], keeps: Sequence[Bool[np.ndarray, " token"]], run: Run) -> list[Inputs]:
        """The inputs with tokens drawn for those not kept. A draw depends on seed, place and kept tokens alone."""
        asked = [self._asked(item, keep) for item, keep in zip(inputs, keeps, strict=True)]
        filled: dict[int, Inputs] = {}

        def work(chosen: Sequence[int]) -> None:
            with torch.no_grad():
                logits = self.model.logits(self.model.collate([asked[i] for i in chosen]))
            for row, i in enumerate(chosen):
                places = np.flatnonzero(~keeps[i])
                chances = self._chances(logits[row, : len(places)])
                ids = inputs[i].ids.tolist()
                for place, chance in zip(places.tolist(), chances, strict=True):
                    ids[place] = int(np.searchsorted(chance, _uniform(run.seed, place, keeps[i]) * chance[-1]))
                filled[i] = inputs[i].with_ids(ids)

        masked = [i for i, keep in enumerate(keeps) if not keep.all()]
        with self.model.session():
            run.in_batches(self.model, masked, lambda i: len(asked[i]), work, "proposals")
        return [filled.get(i, item) for i, item in enumerate(inputs)]

    def _asked(self, item: Inputs, keep: Bool[np.ndarray, " token"]) -> Inputs:
        """What the proposer reads, with a slot for each masked place."""
        places = [int(place) for place in np.flatnonzero(~keep)]
        if self.model.task == "fill-mask":
            return replace(self.model.replaced(item, keep, "mask"), slots=tuple(Slot(i, position=i) for i in places))
        start = Token("", self.model.replacement_id("eos"), special=True)
        return replace(item, tokens=(start, *item.tokens[:-1]), slots=tuple(next_token_slot(i) for i in places))

    def _chances(self, logits: Float[Tensor, "place token"]) -> Float[np.ndarray, "place token"]:
        """The cumulated probabilities of every token at each place, control tokens aside."""
        chances = torch.softmax(logits.double(), dim=-1)
        specials = [i for i in special_ids(self.model.tokenizer) if i < chances.shape[-1]]
        chances[:, specials] = 0.0
        return chances.cumsum(dim=-1).cpu().numpy()


def _vocabulary(subject: Subject) -> dict[str, int]:
    return dict(subject.tokenizer.get_vocab()) if hasattr(subject.tokenizer, "get_vocab") else {}


def _uniform(seed: int, place: int, keep: Bool[np.ndarray, " token"]) -> float:
    """A number in 0 to 1 for one place of one mask; tokens kept behind the last masked one do not change it."""
    masked = zlib.crc32(np.flatnonzero(~keep).astype(np.int64).tobytes())
    return float(np.random.default_rng([seed, masked, place]).random())
