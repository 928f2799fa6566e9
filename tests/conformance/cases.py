"""The subjects every law is stated over."""

from collections.abc import Callable
from dataclasses import dataclass

import tiny
import whence
from conftest import asset
from whence.subjects.subject import Subject

TEXTS = ["Paris is in France.", "The film was good", "I did not like the quick brown fox 😀 at all.\nNever."]


@dataclass(frozen=True)
class Case:
    """A subject to state laws over, and how exactly they must hold on it."""

    make: Callable[[], Subject]
    tolerance: float
    """Largest difference allowed between equal scores, relative to the largest score."""


def _tiny(make: Callable[..., tuple], **options: str) -> Case:
    return Case(lambda: whence.load(make(**options)), 1e-9)


def _fake() -> Subject:
    effects = {"good": [-1.0, 2.0], "not": [3.0, -0.5], "Paris": [0.25, 0.125]}
    return whence.FakeSubject(effects, labels=("negative", "positive"), bias=(0.5, -0.5))


CASES = {
    "gpt2": _tiny(tiny.gpt2_lm),
    "gpt2-eager": _tiny(tiny.gpt2_lm, attn_implementation="eager"),
    "llama": _tiny(tiny.llama_lm),
    "bert": _tiny(tiny.bert_classifier),
    "bert-eager": _tiny(tiny.bert_classifier, attn_implementation="eager"),
    "gpt2-classifier": _tiny(tiny.gpt2_classifier),
    "llama-classifier": _tiny(tiny.llama_classifier),
    "fake": Case(_fake, 1e-9),
    "stories260k": Case(lambda: whence.load(asset("stories260k"), device="cpu"), 1e-4),
    "minilm-sst2": Case(lambda: whence.load(asset("minilm-sst2"), device="cpu"), 1e-4),
}
LANGUAGE_MODELS = ["gpt2", "gpt2-eager", "llama", "stories260k"]
CLASSIFIERS = [name for name in CASES if name not in LANGUAGE_MODELS]
_MADE: dict[str, Subject] = {}


def subject_of(name: str) -> Subject:
    if name not in _MADE:
        _MADE[name] = CASES[name].make()
    return _MADE[name]
