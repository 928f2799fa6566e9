"""A masked language model is read at its masks, and at nothing else."""

import pytest
import torch

import tiny
import whence
from whence import Contrast, LogProb


@pytest.fixture(scope="module")
def subject():
    return whence.load(tiny.bert_masked_lm())


def own_logits(subject, text):
    with torch.no_grad():
        return subject.model(**subject.tokenizer(text, return_tensors="pt")).logits[0]


@pytest.mark.parametrize(
    "text",
    [
        "[MASK]",
        "[MASK] is in France.",
        "Paris is in [MASK]",
        "😀 [MASK] ☃",
        "مرحبا [MASK] بالعالم",
        "a[MASK]b",
        " [MASK] ",
    ],
    ids=ascii,
)
def test_the_mask_is_read_wherever_it_stands(subject, text):
    record = whence.explain(subject, text, method="input_x_gradient")
    (target,) = record.targets
    assert record.tokens[target.position].text == "[MASK]"
    assert target.value == pytest.approx(own_logits(subject, text)[target.position].max().item())
    assert target.label == subject.output_label(int(own_logits(subject, text)[target.position].argmax()))


def test_tokens_on_both_sides_of_the_mask_have_scores(subject):
    for method in ("attnlrp", "leave_one_out", "raw_attention", "random"):
        record = whence.explain(subject, "Paris is [MASK] France.", method=method)
        place = record.targets[0].position
        assert record.scores[0, :place].any()
        assert record.scores[0, place + 1 :].any()
        assert record.visible(0) == len(record.tokens)


def test_several_masks_are_a_row_each(subject):
    record = whence.explain(subject, "[MASK] is in [MASK].", method="random")
    assert [t.position for t in record.targets] == [1, 4]
    logits = own_logits(subject, "[MASK] is in [MASK].")
    assert [t.value for t in record.targets] == pytest.approx(logits[[1, 4]].amax(dim=1).tolist())


@pytest.mark.parametrize(
    ("at", "positions"), [(4, [4]), ([4], [4]), ("in [MASK]", [4]), ("[MASK]", [1, 4]), ([4, 1, 4], [1, 4])], ids=repr
)
def test_masks_are_chosen_by_place_or_text(subject, at, positions):
    inputs = subject.encode("[MASK] is in [MASK].", at=at)
    assert [slot.index for slot in inputs.slots] == [slot.position for slot in inputs.slots] == positions


@pytest.mark.parametrize(
    ("at", "message"),
    [
        (2, r"no mask at 2.*tokens \[1, 4\]"),
        ("is", "no mask at 'is'"),
        (99, "no token 99.*0 to 6"),
        (-1, "no token -1"),
        ("Rome", "'Rome' covers no token"),
        ([], "empty list"),
        (True, "takes a text of the input"),
    ],
    ids=repr,
)
def test_a_place_without_a_mask_is_refused(subject, at, message):
    with pytest.raises(whence.InputError, match=message):
        whence.explain(subject, "[MASK] is in [MASK].", at=at)


def test_a_text_without_a_mask_is_refused_and_shown_how(subject):
    with pytest.raises(whence.InputError, match=r"no mask in 'Paris'.*as in 'Paris is the capital of \[MASK\]\.'"):
        whence.explain(subject, "Paris")


@pytest.mark.parametrize(("text", "message"), [("", "empty text"), ([{"role": "user", "content": "x"}], "no chat")])
def test_other_input_is_refused(subject, text, message):
    with pytest.raises(whence.InputError, match=message):
        whence.explain(subject, text)


@pytest.mark.parametrize("more", [{"continuation": "x"}, {"max_new_tokens": 2}], ids=str)
def test_writing_is_refused(subject, more):
    with pytest.raises(whence.InputError, match="fills masks: it has no continuation"):
        whence.explain(subject, "[MASK]", **more)


def test_a_target_is_one_token(subject):
    text = "Paris is in [MASK]."
    paris = subject.tokenizer.convert_tokens_to_ids("paris")
    for target in ("Paris", "paris", paris):
        (found,) = whence.explain(subject, text, target=target, method="random").targets
        assert found.value == pytest.approx(own_logits(subject, text)[4, paris].item())
    piece = subject.tokenizer.convert_tokens_to_ids("##ing")
    (found,) = whence.explain(subject, text, target=LogProb("##ing"), method="random").targets
    assert found.value == pytest.approx(torch.log_softmax(own_logits(subject, text)[4], 0)[piece].item())
    (found,) = whence.explain(subject, text, target=Contrast("paris", "rome"), method="random").targets
    assert found.label == "paris − rome"


def test_a_target_of_several_tokens_is_refused_with_its_pieces(subject):
    with pytest.raises(whence.TargetError, match=r"'Where' is 4 tokens .*'##er'.*write a mask for each"):
        whence.explain(subject, "[MASK]", target="Where")
    for wrong in ("", 10**6):
        with pytest.raises(whence.TargetError):
            whence.explain(subject, "[MASK]", target=wrong)


def test_deleting_tokens_is_refused(subject):
    with pytest.raises(whence.UnsupportedError, match="Use one of: mask, pad, unk, attention_mask, zero_embedding"):
        whence.explain(subject, "[MASK] is", method=whence.methods.LeaveOneOut(strategy="delete"))


def test_a_tokenizer_without_a_mask_is_refused():
    model, _ = tiny.bert_masked_lm()
    with pytest.raises(whence.UnsupportedError, match="no mask token"):
        whence.load((model, tiny.llama_tokenizer()))
