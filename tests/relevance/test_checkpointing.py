"""Long inputs are computed twice instead of kept: the same scores, and the model as it was."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch

import tiny
import whence
from whence.methods.run import Run
from whence.registry import resolve
from whence.relevance import engine
from whence.subjects.checkpointing import checkpointed
from whence.subjects.loading import load

MODELS = {"gpt2": tiny.gpt2_lm, "llama": tiny.llama_lm, "bert": tiny.bert_classifier}
TEXT = "I did not like the quick brown fox."


@pytest.fixture(params=MODELS)
def subject(request):
    return load(MODELS[request.param]())


def explained(subject, method, **options):
    inputs = [subject.encode(TEXT, **options), subject.encode("Paris is in France.", **options)]
    return resolve("methods", method)().explain(subject, inputs, None, Run())


@pytest.mark.parametrize("method", ["attnlrp", "cp_lrp", "lrp_epsilon"])
def test_scores_and_shares_are_the_same(subject, method, monkeypatch):
    kept = explained(subject, method)
    monkeypatch.setattr(engine, "LONG", 2)
    for twice, once in zip(explained(subject, method), kept, strict=True):
        np.testing.assert_allclose(twice.scores, once.scores, rtol=1e-9, atol=1e-12)
        assert twice.notes["absorbed"].keys() == once.notes["absorbed"].keys()
        for name, shares in once.notes["absorbed"].items():
            np.testing.assert_allclose(twice.notes["absorbed"][name], shares, rtol=1e-9, atol=1e-12)


def test_rows_are_the_same(monkeypatch):
    subject = load(tiny.gpt2_lm())
    kept = explained(subject, "attnlrp", continuation=" delight: warm, funny")
    monkeypatch.setattr(engine, "LONG", 2)
    for twice, once in zip(explained(subject, "attnlrp", continuation=" delight: warm, funny"), kept, strict=True):
        np.testing.assert_allclose(twice.scores, once.scores, rtol=1e-9, atol=1e-12)


def test_the_second_forward_is_counted(monkeypatch):
    monkeypatch.setattr(engine, "LONG", 8)
    subject, calls = load(tiny.gpt2_lm()), []
    block = subject.model.transformer.h[0]
    block.register_forward_hook(lambda *_: calls.append(1))
    record = whence.explain(subject, TEXT)
    assert len(record.tokens) >= 8
    assert record.provenance["forwards"] == resolve("methods", "attnlrp")().cost(len(record.tokens), 1).forwards == 2


def test_blocks_keep_less(subject):
    def saved(context):
        held = []
        batch = subject.collate([subject.encode(TEXT)])
        leaf = batch.embeds.clone().requires_grad_(True)
        with torch.autograd.graph.saved_tensors_hooks(lambda x: held.append(x.numel()) or x, lambda x: x), context:
            subject.logits(type(batch)(leaf, batch.mask, batch.indices))
        return sum(held)

    assert saved(checkpointed(subject.model, nullcontext)) < 0.5 * saved(nullcontext())


def test_the_model_is_as_it_was(subject):
    before = {name: dict(vars(module)) for name, module in subject.model.named_modules()}
    with checkpointed(subject.model, nullcontext):
        assert any("forward" in vars(module) for module in subject.model.modules())
    with pytest.raises(RuntimeError), checkpointed(subject.model, nullcontext):
        subject.model(inputs_embeds=torch.zeros(1, 2, 3))
    assert {name: dict(vars(module)) for name, module in subject.model.named_modules()} == before


@pytest.mark.long
def test_2048_tokens_of_smollm2_are_conserved(smollm2):
    ids = smollm2.tokenizer((TEXT + " ") * 400)["input_ids"][:2048]
    record = whence.explain(smollm2, smollm2.tokenizer.decode(ids), method="cp_lrp")
    assert len(record.tokens) == 2048
    assert abs(record.residual[0]) < 1e-4 * abs(record.targets[0].value)
