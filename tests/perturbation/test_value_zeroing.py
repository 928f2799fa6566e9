"""Value zeroing runs blocks alone: what it leaves behind, what it refuses, and what it does when memory runs out."""

import numpy as np
import pytest
import torch

import tiny
import tiny_images
import whence
from whence.methods.block_runs import BlockRecorder
from whence.methods.model_map import map_of

TEXT = "Paris is in France."


def hooks(model):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


def test_blocks_run_alone_give_what_they_gave():
    for make in (tiny.gpt2_classifier, tiny.llama_lm, tiny.t5_seq2seq):
        subject = whence.load(make())
        batch = subject.collate([subject.encode(TEXT)])
        with torch.no_grad(), subject.session():
            with BlockRecorder(map_of(subject.model).blocks, lambda: 0) as recorder:
                subject.logits(batch)
            assert len(recorder.runs) == len(map_of(subject.model).blocks)
            for run in recorder.runs:
                for times in (1, 3):
                    torch.testing.assert_close(run.again(times), run.output.expand(times, -1, -1))
        assert hooks(subject.model) == 0


def test_hooks_are_gone_after_an_exception():
    subject = whence.load(tiny.gpt2_lm())
    block = map_of(subject.model).blocks[1].module

    def fails(module, args):
        raise ZeroDivisionError

    handle = block.register_forward_pre_hook(fails)
    with pytest.raises(whence.UnsupportedError, match="ZeroDivisionError"):
        whence.explain(subject, TEXT, method="value_zeroing")
    handle.remove()
    assert hooks(subject.model) == 0


def test_memory_that_runs_out_in_a_block_halves_its_batch(monkeypatch):
    subject = whence.load(tiny.bert_classifier())
    expected = whence.explain(subject, TEXT, method="value_zeroing")
    block = map_of(subject.model).blocks[0].module
    forward, refused = block.forward, []

    def scarce(hidden, *args, **kwargs):
        if len(hidden) > 2:
            refused.append(len(hidden))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(hidden, *args, **kwargs)

    monkeypatch.setattr(block, "forward", scarce)
    found = whence.explain(subject, TEXT, method="value_zeroing")
    assert refused
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [(tiny.vit_classifier, "tokens of its own"), (tiny_images.swin_images, "read at no class token")],
)
def test_models_that_attend_otherwise_are_refused(make, message):
    with pytest.raises(whence.UnsupportedError, match=message):
        whence.explain(make(), tiny_images.picture(3), method="value_zeroing")


def test_a_subject_without_blocks_is_refused():
    with pytest.raises(whence.UnsupportedError, match="no transformers model"):
        whence.explain(whence.FakeSubject({"good": 1.0}), "a good film", method="value_zeroing")


def test_a_causal_model_sees_nothing_of_what_follows():
    record = whence.explain(whence.load(tiny.llama_lm()), "Paris is", continuation=" in France", method="value_zeroing")
    for row, target in zip(record.scores, record.targets, strict=True):
        assert row[: target.position].sum() == pytest.approx(1, abs=1e-6)
        assert not row[target.position :].any()
