"""A model that cannot be run from embeddings is refused in whence's words; what has a remedy or a meaning passes."""

import re
import warnings

import pytest
import torch

import tiny
import whence
from tiny_models import TASKS, tiny_model
from whence.methods.run import Run
from whence.subjects.failures import failures_of

from .wordy import wordy_tokenizer

TEXT = "The film was good and"
OF_TASK = {
    "sequence-classification": "text-classification",
    "token-classification": "token-classification",
    "masked-lm": "fill-mask",
}


def loaded(model_type, task):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return whence.load((tiny_model(model_type, TASKS[task]), wordy_tokenizer()), task=OF_TASK[task])


@pytest.mark.parametrize(
    ("model_type", "name", "cause"),
    [
        ("longformer", "LongformerForSequenceClassification", "TypeError: zeros_like"),
        ("layoutlmv3", "LayoutLMv3ForSequenceClassification", "TypeError: expand_as"),
        ("esmc", "EsmcForSequenceClassification", "TypeError: embedding"),
    ],
)
def test_a_model_that_needs_more_than_embeddings_is_refused_by_name(model_type, name, cause):
    with pytest.raises(
        whence.UnsupportedError, match=rf"^{name} failed .* embeddings of its tokens: {cause}"
    ) as caught:
        whence.explain(loaded(model_type, "sequence-classification"), TEXT)
    assert isinstance(caught.value.__cause__, TypeError)
    assert "wrap it in a model" in str(caught.value)


@pytest.mark.parametrize("task", ["sequence-classification", "token-classification"])
def test_a_model_without_a_table_of_embeddings_is_refused(task):
    with pytest.raises(whence.UnsupportedError, match=r"^CanineFor\w+ has no one table of token embeddings"):
        whence.explain(loaded("canine", task), TEXT)


@pytest.mark.parametrize("make", [tiny.gpt2_lm, tiny.bert_masked_lm, tiny.t5_seq2seq, tiny.bert_question_answering])
def test_every_subject_says_so(make):
    model, tokenizer = make()
    subject = whence.load((model, tokenizer))
    data = {
        "fill-mask": "The film was [MASK].",
        "question-answering": {"question": "Who?", "context": "Paris is in France."},
    }.get(subject.task, TEXT)
    inputs = subject.encode(data)
    batch = subject.collate([inputs])

    def broken(module, args, kwargs):
        raise IndexError("no such cell\nand so on")

    handle = model.register_forward_pre_hook(broken, with_kwargs=True)
    said = f"{type(model).__name__} failed when run from the embeddings of its tokens: IndexError: no such cell."
    with pytest.raises(whence.UnsupportedError, match=re.escape(said)):
        subject.logits(batch)
    handle.remove()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("full"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        RuntimeError("MPS backend out of memory"),
        MemoryError(),
        whence.errors.TargetError("no such label"),
        whence.errors.WhenceWarning("no rule"),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_not_the_models_fault_passes_as_it_is(error):
    with pytest.raises(type(error)) as caught, failures_of(torch.nn.Identity()):
        raise error
    assert caught.value is error


def test_an_error_without_words_is_named():
    with (
        pytest.raises(whence.UnsupportedError, match=r"^Identity failed .*: AssertionError\. whence"),
        failures_of(torch.nn.Identity()),
    ):
        raise AssertionError


def test_memory_that_runs_out_in_the_model_still_halves_the_batch():
    model, tokenizer = tiny.bert_classifier()
    subject, sizes = whence.load((model, tokenizer)), []

    def small(module, args, kwargs):
        sizes.append(len(kwargs["inputs_embeds"]))
        if sizes[-1] > 1:
            raise torch.OutOfMemoryError("full")

    model.register_forward_pre_hook(small, with_kwargs=True)
    inputs = [subject.encode(TEXT)] * 4

    def work(chosen):
        subject.logits(subject.collate(chosen))

    Run().in_batches(subject, inputs, len, work)
    assert sizes == [4, 2, 1, 1, 1, 1]
