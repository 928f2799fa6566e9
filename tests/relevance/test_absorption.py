"""What biases, positions and token types absorb is told by name, and with it nothing is left over."""

import contextlib

import numpy as np
import pytest
import torch

import tiny
import whence
from tiny_models import TASKS, tiny_model
from whence.methods.run import Run
from whence.relevance.absorption import Absorption, MixedItemsError
from whence.relevance.cp_lrp import CP_LRP
from whence.relevance.mode import RuleMode
from whence.relevance.passing import Unruled
from whence.subjects.loading import load

TEXTS = ["Paris is in France.", "The film was good", "I did not like the quick brown fox."]
MODELS = {"gpt2": tiny.gpt2_lm, "llama": lambda **o: tiny.llama_lm(bias=True, **o), "bert": tiny.bert_classifier}


def explained(subject, texts, method="cp_lrp", target=None):
    inputs = [subject.encode(text) for text in texts]
    return whence.registry.resolve("methods", method)().explain(subject, inputs, target, Run())


@pytest.fixture(params=[(m, a) for m in MODELS for a in ("sdpa", "eager")], ids=lambda p: "-".join(p), scope="module")
def subject(request):
    name, attention = request.param
    return load(MODELS[name](attn_implementation=attention))


@pytest.mark.parametrize("method", ["cp_lrp", "ah_ln"])
def test_scores_and_absorbed_add_up_to_the_value(subject, method):
    for found in explained(subject, TEXTS, method):
        absorbed = np.sum(list(found.notes["absorbed"].values()), axis=0)
        np.testing.assert_allclose(found.scores.sum(axis=1) + absorbed, found.values, rtol=1e-6, atol=1e-7)
        assert np.abs(absorbed).max() > 0.01


@pytest.mark.parametrize("method", ["cp_lrp", "attnlrp"])
def test_absorbed_in_a_batch_is_absorbed_alone(subject, method):
    for text, together in zip(TEXTS, explained(subject, TEXTS, method), strict=True):
        (alone,) = explained(subject, [text], method)
        assert together.notes["absorbed"].keys() == alone.notes["absorbed"].keys()
        for name, shares in alone.notes["absorbed"].items():
            np.testing.assert_allclose(together.notes["absorbed"][name], shares, rtol=1e-6, atol=1e-7)


def test_the_names_are_the_models_own(subject):
    tensors = dict(subject.model.named_parameters()) | dict(subject.model.named_buffers())
    (found,) = explained(subject, TEXTS[:1], "attnlrp")
    assert found.notes["absorbed"].keys() <= tensors.keys()
    added = {name for name in tensors if name.endswith(".bias") and "ln" not in name and tensors[name].ndim == 1}
    assert added <= found.notes["absorbed"].keys() | {"lm_head.bias"}


def test_positions_and_token_types_are_named():
    (found,) = explained(load(tiny.bert_classifier()), TEXTS[:1])
    names = {name.removeprefix("bert.embeddings.") for name in found.notes["absorbed"]}
    assert {"position_embeddings.weight", "token_type_embeddings.weight", "LayerNorm.bias"} <= names
    (found,) = explained(load(tiny.gpt2_lm()), TEXTS[:1])
    assert "transformer.wpe.weight" in found.notes["absorbed"]


def test_each_row_has_its_own_shares(subject):
    labels = [0, 1, 2]
    (together,) = explained(subject, TEXTS[:1], target=[whence.Logit(c) for c in labels])
    for row, label in enumerate(labels):
        (alone,) = explained(subject, TEXTS[:1], target=whence.Logit(label))
        for name, shares in alone.notes["absorbed"].items():
            np.testing.assert_allclose(together.notes["absorbed"][name][row], shares[0], rtol=1e-6, atol=1e-7)


def test_the_share_of_a_bias_is_the_bias_times_the_gradient():
    subject = load(tiny.bert_classifier())
    (found,) = explained(subject, TEXTS[:1])
    row = int(np.argmax([found.readouts[0].label == label for label in tiny.LABELS]))
    assert found.notes["absorbed"]["classifier.bias"][0] == pytest.approx(subject.model.classifier.bias[row].item())


def test_the_record_says_it():
    record = whence.explain(tiny.bert_classifier(), TEXTS[0], method="cp_lrp")
    shares = record.provenance["absorbed"]
    assert sum(share[0] for share in shares.values()) == pytest.approx(float(record.residual[0]), abs=1e-6)
    assert whence.records.Attribution.from_dict(record.to_dict()) == record


@pytest.mark.parametrize("model_type", ["xlnet", "longformer", "gpt_oss", "gpt_neox_japanese", "flaubert"])
def test_items_that_a_model_puts_out_of_order_are_told_apart(model_type):
    """XLNet puts tokens first, Longformer chunks, mixtures sort tokens by expert."""
    task = "masked-lm" if model_type in ("longformer", "flaubert") else "causal-lm"
    model = tiny_model(model_type, TASKS[task]).float().requires_grad_(False)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias") or "position" in name:
                parameter.normal_()
    embeds = torch.randn(2, 8, model.get_input_embeddings().weight.shape[1], dtype=next(model.parameters()).dtype)

    def absorbed(rows):
        leaf = embeds[rows].clone().requires_grad_()
        absorption = Absorption(model, len(rows), leaf)
        with RuleMode(CP_LRP, Unruled("cp_lrp", strict=True), absorption):
            logits = model(inputs_embeds=leaf).logits
        value = logits[:, -1, 3].sum()
        found = torch.autograd.grad(value, [leaf, *absorption.shares.values()], materialize_grads=True)
        relevance = (found[0] * leaf).flatten(1).sum(dim=1) + torch.stack(found[1:]).sum(dim=0)
        return relevance.detach(), logits[:, -1, 3].detach()

    for row in (0, 1):
        torch.testing.assert_close(*absorbed([row]), rtol=1e-3, atol=1e-4)
    with contextlib.suppress(MixedItemsError):
        torch.testing.assert_close(*absorbed([0, 1]), rtol=1e-3, atol=1e-4)


def test_what_mixes_items_is_run_one_by_one(monkeypatch):
    subject, alone = load(tiny.bert_classifier()), explained(load(tiny.bert_classifier()), TEXTS)
    inner = subject.model.bert.encoder.layer[0].output.dense
    forward = inner.forward
    monkeypatch.setattr(inner, "forward", lambda x: forward(x.transpose(0, 1)).transpose(0, 1))
    for mixed, kept in zip(explained(subject, TEXTS), alone, strict=True):
        np.testing.assert_allclose(mixed.scores, kept.scores, rtol=1e-6, atol=1e-8)
        for name, shares in kept.notes["absorbed"].items():
            np.testing.assert_allclose(mixed.notes["absorbed"][name], shares, rtol=1e-6, atol=1e-7)
