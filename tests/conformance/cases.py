"""The subjects every law is stated over, and what each of them reads."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

import tiny
import tiny_images
import whence
from assets import asset
from whence.methods.base import Method
from whence.subjects.subject import Subject

TEXTS = ["Paris is in France.", "The film was good", "I did not like the quick brown fox 😀 at all.\nNever."]


@dataclass(frozen=True)
class Case:
    """A subject to state laws over, and how exactly they must hold on it.

    `data` makes the subject's kind of input of a text (an image: a picture of its own for each text), and `read` the
    arguments its tokenizer is called with.
    """

    make: Callable[[], Subject]
    tolerance: float
    """Largest difference allowed between equal scores, relative to the largest score."""
    data: Callable[[str], Any] = str
    read: Callable[[str], tuple[str, ...]] = lambda text: (text,)
    refuses: frozenset[str] = frozenset()
    """The methods that cannot serve it, by key or by family."""
    lacks: frozenset[str] = frozenset()
    """What a method may need and it does not offer."""


def _tiny(make: Callable[..., tuple], attention: str = "sdpa", **options: Any) -> Case:
    return Case(lambda: whence.load(make(attn_implementation=attention)), 1e-9, **options)


def _fake() -> Subject:
    effects = {"good": [-1.0, 2.0], "not": [3.0, -0.5], "Paris": [0.25, 0.125]}
    return whence.FakeSubject(effects, labels=("negative", "positive"), bias=(0.5, -0.5))


def _masked(text: str) -> str:
    return f"[MASK] said: {text}"


_MASKED: dict[str, Any] = {"data": _masked, "read": lambda text: (_masked(text),)}
_QUESTION: dict[str, Any] = {
    "data": lambda text: {"question": "Who is in Rome?", "context": text},
    "read": lambda text: ("Who is in Rome?", text),
}
_PAIR: dict[str, Any] = {
    "data": lambda text: {"text": text, "text_pair": "The dog jumps."},
    "read": lambda text: (text, "The dog jumps."),
}
_NO_ATTENTION = frozenset({"attention", "value_zeroing", "atman"})
_OWN_TOKENS = frozenset({"value_zeroing"})
_IMAGE: dict[str, Any] = {
    "data": lambda text: tiny_images.picture(len(text)),
    "lacks": frozenset({"vocabulary"}),
}

CASES = {
    "gpt2": _tiny(tiny.gpt2_lm),
    "gpt2-eager": _tiny(tiny.gpt2_lm, "eager"),
    "llama": _tiny(tiny.llama_lm),
    "bert": _tiny(tiny.bert_classifier),
    "bert-eager": _tiny(tiny.bert_classifier, "eager"),
    "bert-pair": _tiny(tiny.bert_classifier, **_PAIR),
    "bert-masked-lm": _tiny(tiny.bert_masked_lm, **_MASKED),
    "bert-token-classifier": _tiny(tiny.bert_token_classifier, "eager"),
    "bert-question-answering": _tiny(tiny.bert_question_answering, **_QUESTION),
    "gpt2-classifier": _tiny(tiny.gpt2_classifier),
    "llama-classifier": _tiny(tiny.llama_classifier),
    "t5": _tiny(tiny.t5_seq2seq),
    "bart-eager": _tiny(tiny.bart_seq2seq, "eager"),
    "vit": _tiny(tiny.vit_classifier, **_IMAGE, refuses=_OWN_TOKENS),
    "vit-eager": _tiny(tiny.vit_classifier, "eager", **_IMAGE, refuses=_OWN_TOKENS),
    "dinov2": _tiny(tiny_images.dinov2_images, **_IMAGE, refuses=_OWN_TOKENS),
    "swin": _tiny(tiny_images.swin_images, **_IMAGE, refuses=_NO_ATTENTION),
    "fake": Case(_fake, 1e-9, refuses=frozenset({"value_zeroing", "atman"})),
    "stories260k": Case(lambda: whence.load(asset("stories260k"), device="cpu"), 1e-4),
    "minilm-sst2": Case(lambda: whence.load(asset("minilm-sst2"), device="cpu"), 1e-4),
}
LANGUAGE_MODELS = ["gpt2", "gpt2-eager", "llama", "stories260k"]
SEQ2SEQ = ["t5", "bart-eager"]
WRITERS = LANGUAGE_MODELS + SEQ2SEQ
REAL_MODELS = ["stories260k", "minilm-sst2"]
NO_WRITERS = [name for name in CASES if name not in WRITERS]
IMAGES = ["vit", "vit-eager", "dinov2", "swin"]
READERS = [name for name in CASES if name not in IMAGES]
_MADE: dict[str, Subject] = {}


def subject_of(name: str) -> Subject:
    if name not in _MADE:
        _MADE[name] = CASES[name].make()
    return _MADE[name]


LOOK_INSIDE = frozenset({"deeplift", "atman", "value_zeroing"})
"""Methods that see how attention is computed, besides those of attention and relevance."""
OF_EACH_ENGINE = frozenset({"input_x_gradient", "integrated_gradients", "deeplift", "leave_one_out", "random"})
"""Methods whose engines other methods share, besides those of attention and relevance, which are run everywhere."""
ON_REAL_MODELS = frozenset({"attnlrp", "lrp_epsilon", "leave_one_out", "attention_rollout", "gae"}) | OF_EACH_ENGINE
ONE_A_TASK = frozenset(
    {"gpt2", "bert", "bert-masked-lm", "bert-token-classifier", "bert-question-answering", "t5", "vit", "fake"}
)


def stated(method: Method, name: str) -> bool:
    """Whether the laws are run for a method over a subject: every method over every task, and not again over what its
    engine's others have been run over.

    Models that differ in their attention's implementation are for methods that look at it; trained models, of the
    same architectures as the tiny ones and slow, for some of each family.
    """
    inside = method.family in ("attention", "relevance") or method.key in LOOK_INSIDE
    if name.endswith("-eager"):
        return inside
    if name in REAL_MODELS:
        return method.key in ON_REAL_MODELS
    return inside or method.key in OF_EACH_ENGINE or name in ONE_A_TASK


def serves(method: Method, name: str) -> bool:
    case = CASES[name]
    return not ({method.key, method.family} & case.refuses or method.needs & case.lacks)


def texts_of(name: str) -> list[Any]:
    """The texts as this subject reads them."""
    return [CASES[name].data(text) for text in TEXTS]


@torch.no_grad()
def own_values(name: str, text: str) -> list[float]:
    """The logits that a prediction explains by default, from a plain call of the model on the tokenizer's ids
    or the processor's pixels.
    """
    subject = subject_of(name)
    if name == "fake":
        logits = [sum(subject.exact(text, label)) + subject.model.bias[i] for i, label in enumerate(subject.labels)]
        return [float(max(logits))]
    if name in IMAGES:
        pixels = subject.processor(images=CASES[name].data(text), return_tensors="pt")["pixel_values"]
        return [float(subject.model(pixel_values=pixels.double()).logits.max())]
    encoded = subject.tokenizer(*CASES[name].read(text), return_tensors="pt")
    if subject.task == "text2text-generation":
        settings = subject.model.generation_config
        start = [i for i in (settings.decoder_start_token_id, settings.forced_bos_token_id) if i is not None]
        encoded["decoder_input_ids"] = torch.tensor([start])
    out = subject.model(**encoded)
    if subject.task == "question-answering":
        return _best_span(out.start_logits[0], out.end_logits[0], encoded.sequence_ids())
    logits = out.logits[0] if out.logits.dim() == 3 else out.logits
    if subject.task == "fill-mask":
        return logits[encoded["input_ids"][0] == subject.tokenizer.mask_token_id].amax(dim=-1).tolist()
    if subject.task == "token-classification":
        own = logits[1:-1]
        named = own[own.argmax(dim=-1) != subject.labels.index("O")]
        return (named if len(named) else own).amax(dim=-1).tolist()
    return [float(logits[-1].max())]


def _best_span(start: torch.Tensor, end: torch.Tensor, texts: list[int | None]) -> list[float]:
    """Start and end logit of the best span of the second text, by trying all."""
    own = [i for i, text in enumerate(texts) if text == 1]
    pairs = [(i, j) for i in own for j in own if i <= j]
    i, j = max(pairs, key=lambda pair: float(start[pair[0]] + end[pair[1]]))
    return [float(start[i]), float(end[j])]
