"""Law 7: forwards and backwards are counted, equal the stated formula, and are what the model really did."""

import pytest
import torch

import whence
from cases import IMAGES, WRITERS
from whence.methods.block_runs import BlockRun
from whence.methods.model_map import map_of


class Counted:
    """Counts the sequences that pass through a subject, and the rows of gradients taken.

    Value zeroing runs blocks again, alone: what passes the last one counts as passing the model.
    """

    def __init__(self, subject, monkeypatch, method):
        self.forwards = self.backwards = 0
        logits, grad = subject.logits, torch.autograd.grad

        def count_forward(batch):
            self.forwards += len(batch)
            return logits(batch)

        def count_backward(outputs, inputs, grad_outputs=None, **options):
            items = len(inputs[0] if isinstance(inputs, tuple) else inputs)
            self.backwards += items * (len(grad_outputs) if options.get("is_grads_batched") else 1)
            return grad(outputs, inputs, grad_outputs, **options)

        def count_block(run, times):
            self.forwards += times * (run.module is last)
            return again(run, times)

        if method.key == "value_zeroing":
            last, again = map_of(subject.model).blocks[-1].module, BlockRun.again
            monkeypatch.setattr(BlockRun, "again", count_block)
        monkeypatch.setattr(subject, "logits", count_forward)
        monkeypatch.setattr(torch.autograd, "grad", count_backward)


def assert_cost(method, records, counted):
    for record in records:
        stated = method.cost(len(record.tokens), len(record.targets))
        for passes in ("forwards", "backwards"):
            counted_passes, stated_passes = record.provenance[passes], getattr(stated, passes)
            assert counted_passes == stated_passes or (method.bounded and 0 < counted_passes < stated_passes)
    assert counted.forwards == sum(record.provenance["forwards"] for record in records)
    stated = sum(record.provenance["backwards"] for record in records)
    if len({len(record.targets) for record in records}) == 1:
        assert counted.backwards == stated
    else:
        assert counted.backwards >= stated, "items of fewer rows are filled up, as their tokens are"


def test_cost_of_one_text(method, case, subject, texts, monkeypatch):
    counted = Counted(subject, monkeypatch, method)
    assert_cost(method, [whence.explain(subject, texts[2], method=method)], counted)


def test_cost_of_a_list(method, case, subject, texts, monkeypatch):
    if method.family == "relevance" and case in IMAGES:
        whence.explain(subject, texts, method=method)  # whether its items mix in a batch is found out once, by failing
    counted = Counted(subject, monkeypatch, method)
    assert_cost(method, whence.explain(subject, texts, method=method), counted)


@pytest.mark.cases(WRITERS)
def test_cost_of_a_continuation(method, case, subject, monkeypatch):
    counted = Counted(subject, monkeypatch, method)
    record = whence.explain(subject, "Paris is in", continuation=" France. London", method=method)
    assert len(record.targets) > 2
    assert_cost(method, [record], counted)
