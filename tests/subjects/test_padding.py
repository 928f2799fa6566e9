"""A model that sees padding in spite of its mask is given none, and any model is asked only when that matters."""

import warnings

import numpy as np
import pytest
import torch

import tiny
import whence
from tiny_models import TASKS, tiny_model
from whence.methods.run import Run

from .wordy import wordy_tokenizer

TEXTS = ["[MASK] film was good , so", "I did not like [MASK] quick brown fox and so on at all"]
TASK_NAMES = {
    "sequence-classification": "text-classification",
    "token-classification": "token-classification",
    "masked-lm": "fill-mask",
}


def loaded(model_type, task, dtype=torch.float64):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return whence.load((tiny_model(model_type, TASKS[task], dtype), wordy_tokenizer()), task=TASK_NAMES[task])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("task", TASK_NAMES)
@pytest.mark.parametrize("model_type", ["fnet", "convbert", "nystromformer", "yoso", "bert", "distilbert"])
def test_batch_equals_single_whether_or_not_padding_is_seen(model_type, task):
    subject = loaded(model_type, task, torch.float32)
    for method in ("attnlrp", "leave_one_out"):
        together = whence.explain(subject, TEXTS, method=method)
        for text, record in zip(TEXTS, together, strict=True):
            alone = whence.explain(subject, text, method=method)
            assert [t.value for t in record.targets] == pytest.approx([t.value for t in alone.targets], rel=1e-4)
            np.testing.assert_allclose(record.scores, alone.scores, atol=1e-4 * np.abs(alone.scores).max())
    assert subject.equal_lengths == (model_type not in ("bert", "distilbert"))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("model_type", "seen"), [("convbert", True), ("bert", False)])
def test_the_answer_is_the_same_in_every_precision(model_type, seen, dtype):
    assert loaded(model_type, "sequence-classification", dtype).equal_lengths is seen


@pytest.mark.filterwarnings("ignore")
def test_a_model_that_cannot_be_asked_is_given_no_padding():
    assert loaded("longformer", "sequence-classification").equal_lengths


def test_a_model_that_reads_its_last_token_is_not_asked():
    model, tokenizer = tiny.gpt2_classifier()
    model.register_forward_pre_hook(lambda *_: pytest.fail("asked"))
    assert whence.load((model, tokenizer)).equal_lengths


@pytest.mark.parametrize("make", [tiny.bert_classifier, tiny.bert_token_classifier, tiny.bert_masked_lm])
def test_a_model_is_asked_once_and_only_where_lengths_differ(make):
    model, tokenizer = make()
    subject, sizes = whence.load((model, tokenizer)), []
    short, long = (subject.encode(f"{text} [MASK]") for text in ("The film", "The film was good"))
    model.register_forward_pre_hook(
        lambda module, args, kwargs: sizes.append(kwargs["inputs_embeds"].shape), with_kwargs=True
    )

    def explain(*inputs):
        sizes.clear()
        whence.methods.InputXGradient().explain(subject, list(inputs), None, Run())
        return len(sizes)

    assert explain(short) == 1
    assert explain(short, short) == 1
    assert explain(short, long) == 1 + 2
    assert explain(short, long) == 1
    assert model.training is False


def test_asking_leaves_a_training_model_as_it_was():
    model, tokenizer = tiny.bert_classifier()
    model.train()
    assert not whence.load((model, tokenizer)).equal_lengths
    assert model.training
    assert all(p.requires_grad for p in model.parameters())
