"""Masked inputs, against the model called by hand on what each mask must become."""

import numpy as np
import pytest
import torch

import tiny
import whence
from whence import InputError, UnsupportedError
from whence.methods.run import Run
from whence.perturbation.evaluator import Evaluator
from whence.perturbation.strategies import named_strategy
from whence.targets import as_targets

TEXT = "The film was good."
MAKERS = {
    "gpt2": tiny.gpt2_lm,
    "llama": tiny.llama_lm,
    "bert": tiny.bert_classifier,
    "llama-classifier": tiny.llama_classifier,
}
_MADE = {}


@pytest.fixture(params=list(MAKERS))
def subject(request):
    return subject_of(request.param)


def subject_of(name):
    if name not in _MADE:
        _MADE[name] = whence.load(MAKERS[name]())
    return _MADE[name]


def evaluated(subject, masks, strategy, text=TEXT, target=(1, 2), continuation=None, **run):
    inputs = subject.encode(text, continuation=continuation)
    targets = as_targets(None if continuation else list(target))
    evaluator = Evaluator(subject, [inputs], targets, Run(**run), strategy)
    (found,) = evaluator.evaluate([np.asarray(masks, dtype=bool)])
    return evaluator, found


def masks_of(subject, n=4, seed=0):
    """Some masks, with the first and the last token kept, among them the one that keeps all."""
    length = len(subject.encode(TEXT))
    masks = np.random.default_rng(seed).random((n, length)) < 0.6
    masks[:, [0, -1]] = True
    return np.concatenate([masks, np.ones((1, length), bool)])


def by_hand(subject, keep, strategy, outputs=(1, 2)):
    """The logits of `outputs` after the model read this masked text, by a plain call."""
    ids = torch.tensor(subject.encode(TEXT).ids)
    keep = torch.tensor(keep)
    embeds = subject.model.get_input_embeddings()(ids)
    if strategy == "delete":
        embeds = embeds[keep]
    elif strategy == "zero_embedding":
        embeds = embeds * keep[:, None]
    elif strategy == "mean_embedding":
        mean = subject.model.get_input_embeddings().weight.mean(dim=0)
        embeds = torch.where(keep[:, None], embeds, mean)
    elif strategy != "attention_mask":
        token = torch.tensor(getattr(subject.tokenizer, f"{strategy}_token_id"))
        embeds = torch.where(keep[:, None], embeds, subject.model.get_input_embeddings()(token))
    hidden = {"attention_mask": keep[None].long()} if strategy == "attention_mask" else {}
    with torch.no_grad():
        logits = subject.model(inputs_embeds=embeds[None], **hidden).logits[0]
    return (logits[-1] if logits.dim() == 2 else logits)[list(outputs)].numpy()


@pytest.mark.parametrize(
    "strategy", ["mask", "pad", "unk", "eos", "delete", "attention_mask", "zero_embedding", "mean_embedding"]
)
@pytest.mark.parametrize("batch_size", ["auto", 1, 3])
def test_values_are_those_of_the_model_on_the_masked_text(subject, strategy, batch_size):
    if strategy in ("mask", "pad", "unk", "eos") and subject.replacement_id(strategy) is None:
        with pytest.raises(UnsupportedError, match=f"has no {strategy} token. Use one of: .*delete, .*zero_embedding"):
            named_strategy(subject, strategy)
        return
    masks = masks_of(subject)
    _, values = evaluated(subject, masks, strategy, batch_size=batch_size)
    assert values.shape == (len(masks), 2)
    assert values.dtype == np.float64
    for mask, value in zip(masks, values, strict=True):
        np.testing.assert_allclose(value, by_hand(subject, mask, strategy), rtol=1e-9, atol=1e-12)


def test_the_mask_that_keeps_all_gives_the_value_itself(subject):
    evaluator, values = evaluated(subject, np.ones((1, len(subject.encode(TEXT)))), "zero_embedding")
    np.testing.assert_allclose(values[0], evaluator.values[0], rtol=1e-12)


def test_equal_masks_are_run_once_and_values_keep_their_order(subject, monkeypatch):
    masks = masks_of(subject, 3)
    order = [3, 0, 2, 1, 0, 3, 3, 1]
    _, alone = evaluated(subject, masks, "zero_embedding")
    ran, logits = [], subject.logits
    monkeypatch.setattr(subject, "logits", lambda batch: (ran.append(len(batch)), logits(batch))[1])
    evaluator, values = evaluated(subject, masks[order], "zero_embedding")
    np.testing.assert_allclose(values, alone[order], rtol=1e-12)
    different = len(np.unique(masks, axis=0))
    assert evaluator.forwards == [different], "the one that keeps all is known from the start"
    assert sum(ran) == different
    evaluator.evaluate([masks])
    assert evaluator.forwards == [different], "and so is what was asked before"


def test_masks_of_several_inputs_are_each_their_own(subject):
    inputs = [subject.encode(TEXT), subject.encode("Paris is in France."), subject.encode("good")]
    masks = [~np.eye(len(item), dtype=bool) for item in inputs]
    together = Evaluator(subject, inputs, as_targets([0, 1]), Run(), "zero_embedding")
    values = together.evaluate(masks)
    assert together.forwards == [len(item) + 1 for item in inputs]
    for i, item in enumerate(inputs):
        (alone,) = Evaluator(subject, [item], as_targets([0, 1]), Run(), "zero_embedding").evaluate([masks[i]])
        np.testing.assert_allclose(values[i], alone, rtol=1e-9, atol=1e-12)


def test_the_target_is_resolved_on_the_whole_text(subject):
    """The predicted output of the unmasked text is asked about, not whatever a mask makes likely."""
    masks = masks_of(subject)
    inputs = subject.encode(TEXT)
    evaluator = Evaluator(subject, [inputs], as_targets(None), Run(), "zero_embedding")
    (values,) = evaluator.evaluate([masks])
    predicted = (
        int(np.argmax(by_hand(subject, masks[-1], "zero_embedding", range(3))))
        if subject.task != "text-generation"
        else None
    )
    if predicted is None:
        ids = torch.tensor(inputs.ids)[None]
        predicted = int(subject.model(ids).logits[0, -1].argmax())
    for mask, value in zip(masks, values, strict=True):
        np.testing.assert_allclose(value, by_hand(subject, mask, "zero_embedding", [predicted]), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "strategy"), [("gpt2", "eos"), ("llama", "pad"), ("bert", "mask"), ("llama-classifier", "pad")]
)
def test_auto_is_the_first_token_there_is(name, strategy):
    assert named_strategy(subject_of(name), "auto") == strategy


def test_auto_without_any_token_is_a_zero_embedding():
    fake = whence.FakeSubject({"good": 1.0})
    fake.replacement_id = lambda kind: None
    assert named_strategy(fake, "auto") == "zero_embedding"
    assert whence.explain(fake, "good film", method="leave_one_out").scores.tolist() == [[1.0, 0.0]]


# ---------------------------------------------------------------------- deletion


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_a_continuation_is_read_at_the_last_token_left_before_it(name):
    subject = subject_of(name)
    inputs = subject.encode("The film was", continuation=" not in the")
    first, slots = inputs.slots[0].index, inputs.slots
    mask = np.ones((1, len(inputs)), bool)
    mask[0, [first, first + 1]] = False
    _, (values,) = evaluated(subject, mask, "delete", text="The film was", continuation=" not in the")
    ids = torch.tensor(inputs.ids)[torch.tensor(mask[0])][None]
    with torch.no_grad():
        logits = subject.model(ids).logits[0]
    left = [int(mask[0, : slot.index + 1].sum()) - 1 for slot in slots]
    assert left[0] == left[1] == first - 1
    expected = [logits[place, slot.actual].item() for place, slot in zip(left, slots, strict=True)]
    np.testing.assert_allclose(values, expected, rtol=1e-9)


def test_deleting_every_token_is_refused(subject):
    with pytest.raises(InputError, match=r"Deleting every token leaves nothing.*zero_embedding"):
        evaluated(subject, np.zeros((1, len(subject.encode(TEXT)))), "delete")


def test_deleting_all_in_front_of_a_prediction_is_refused():
    subject = subject_of("gpt2")
    inputs = subject.encode("The", continuation=" film was")
    mask = np.ones((1, len(inputs)), bool)
    mask[0, : inputs.slots[0].index + 1] = False
    with pytest.raises(InputError, match=r"every token in front of a prediction.*zero_embedding"):
        evaluated(subject, mask, "delete", text="The", continuation=" film was")


def test_leave_one_out_of_one_token_cannot_delete_it():
    fake = whence.FakeSubject({"good": 2.0})
    with pytest.raises(InputError, match="Deleting every token"):
        whence.explain(fake, "good", method=whence.methods.LeaveOneOut(strategy="delete"))
    assert whence.explain(fake, "good", method=whence.methods.LeaveOneOut("zero_embedding")).scores.tolist() == [[2.0]]


# ---------------------------------------------------------------------- bad masks


@pytest.mark.parametrize("length", [1, 3])
def test_a_mask_of_another_length_is_refused(length):
    fake = whence.FakeSubject({"good": 2.0})
    evaluator = Evaluator(fake, [fake.encode("good film")], as_targets(None), Run(), "mask")
    with pytest.raises(InputError, match=f"mask has {length} entries, wanted one for each of 2 features"):
        evaluator.evaluate([np.zeros((1, length), bool)])


def test_no_mask_gives_no_value():
    fake = whence.FakeSubject({"good": 2.0})
    evaluator = Evaluator(fake, [fake.encode("good film")], as_targets(None), Run(), "mask")
    assert evaluator.evaluate([np.zeros((0, 2), bool)])[0].shape == (0, 1)


def test_a_feature_is_masked_as_one():
    fake = whence.FakeSubject({"a": 1.0, "b": 2.0, "c": 4.0})
    inputs = [fake.encode("a b c")]
    grouped = Evaluator(fake, inputs, as_targets(None), Run(), "mask", features=[[[0, 2], [1]]])
    (values,) = grouped.evaluate([np.array([[True, True], [False, True], [True, False], [False, False]])])
    np.testing.assert_allclose(values[:, 0], [7.0, 2.0, 5.0, 0.0], atol=1e-12)


def test_tokens_of_no_feature_are_kept():
    fake = whence.FakeSubject({"a": 1.0, "b": 2.0})
    evaluator = Evaluator(fake, [fake.encode("a b")], as_targets(None), Run(), "mask", features=[[[1]]])
    assert evaluator.evaluate([np.array([[False]])])[0].tolist() == [[1.0]]


def test_a_token_of_two_features_goes_with_either():
    fake = whence.FakeSubject({"a": 1.0, "b": 2.0, "c": 4.0})
    inputs = [fake.encode("a b c")]
    shared = Evaluator(fake, inputs, as_targets(None), Run(), "mask", features=[[[0, 1], [1, 2]]])
    (values,) = shared.evaluate([np.array([[False, True], [True, False], [True, True]])])
    np.testing.assert_allclose(values[:, 0], [4.0, 1.0, 7.0], atol=1e-12)
