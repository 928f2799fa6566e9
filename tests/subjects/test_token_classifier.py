"""A token classifier is explained where it finds something, or where it is told to look."""

import pytest
import torch

import tiny
import whence
from whence import Prob

FOUND, NOTHING = "Paris is in France.", "The film was good"


@pytest.fixture(scope="module")
def subject():
    return whence.load(tiny.bert_token_classifier())


def own_logits(subject, text):
    with torch.no_grad():
        return subject.model(**subject.tokenizer(text, return_tensors="pt")).logits[0]


def rows(record):
    return [(target.label, target.position) for target in record.targets]


def test_by_default_a_row_for_each_token_that_is_not_outside(subject):
    text = "I did not like the quick brown fox 😀 at all.\nNever."
    logits = own_logits(subject, text)
    labels = logits.argmax(dim=-1).tolist()
    record = whence.explain(subject, text, method="random")
    expected = [i for i in range(1, len(labels) - 1) if subject.labels[labels[i]] != "O"]
    assert 0 < len(expected) < len(labels) - 2
    assert [t.position for t in record.targets] == expected
    assert rows(record) == [(f"{subject.labels[labels[i]]} · {record.tokens[i].text}", i) for i in expected]
    assert [t.value for t in record.targets] == pytest.approx(logits[expected].amax(dim=-1).tolist())


def test_where_nothing_is_found_a_row_for_each_token(subject):
    record = whence.explain(subject, NOTHING, method="random")
    assert rows(record) == [(f"O · {token.text}", i) for i, token in enumerate(record.tokens) if not token.special]


def test_without_an_outside_label_a_row_for_each_token():
    model, tokenizer = tiny.bert_token_classifier()
    model.config.id2label = {0: "NOUN", 1: "VERB", 2: "ADJ"}
    record = whence.explain(whence.load((model, tokenizer)), FOUND, method="random")
    assert [t.position for t in record.targets] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("at", "positions"),
    [
        ("Paris", [1]),
        ("in France", [3, 4]),
        ("is", [1, 2]),
        (0, [0]),
        ([5, 1], [1, 5]),
        (["Paris", 4], [1, 4]),
        (".", [5]),
    ],
    ids=repr,
)
def test_tokens_are_chosen_by_place_or_text(subject, at, positions):
    assert [slot.index for slot in subject.encode(FOUND, at=at).slots] == positions


def test_a_list_has_one_choice_for_all_or_one_each(subject):
    both = whence.explain(subject, [FOUND, NOTHING], at=1, method="random")
    assert [[t.position for t in record.targets] for record in both] == [[1], [1]]
    each = whence.explain(subject, [FOUND, NOTHING], at=["France", [2, 3]], method="random")
    assert [[t.position for t in record.targets] for record in each] == [[4], [2, 3]]
    with pytest.raises(whence.InputError, match="2 texts and 3 values of at="):
        whence.explain(subject, [FOUND, NOTHING], at=["a", "b", "c"])


@pytest.mark.parametrize("at", ["Rome", " ", "", 7, [1, 99], 1.5, [None]], ids=repr)
def test_a_place_that_is_not_there_is_refused(subject, at):
    unchecked = getattr(type(subject).encode, "__wrapped__", type(subject).encode)
    with pytest.raises(whence.InputError, match=r"covers no token|no token|takes a text"):
        unchecked(subject, FOUND, at=at)


def test_a_target_is_a_label(subject):
    logits = own_logits(subject, FOUND)
    for target in ("O", 0):
        record = whence.explain(subject, FOUND, at="France", target=target, method="random")
        assert rows(record) == [("O · France", 4)]
        assert record.targets[0].value == pytest.approx(logits[4, 0].item())
    record = whence.explain(subject, FOUND, at="France", target=[Prob(i) for i in range(3)], method="random")
    assert sum(t.value for t in record.targets) == pytest.approx(1)
    with pytest.raises(whence.TargetError, match=r"'B-PER' is not a class.*'B-LOC' \(1\)"):
        whence.explain(subject, FOUND, target="B-PER")


@pytest.mark.parametrize("text", ["", " \n", "[CLS] [SEP]", "[MASK]"], ids=repr)
def test_a_text_of_no_token_is_refused(subject, text):
    with pytest.raises(whence.InputError, match="no token"):
        whence.explain(subject, text)


@pytest.mark.parametrize("text", ["☃", "😀 Paris", "مرحبا بالعالم", "שלום Paris"], ids=ascii)
def test_any_script_is_explained(subject, text):
    record = whence.explain(subject, text, method="input_x_gradient")
    assert record.scores.shape == (len(record.targets), len(record.tokens))


@pytest.mark.parametrize("more", [{"continuation": "x"}, {"max_new_tokens": 2}], ids=str)
def test_writing_is_refused_with_the_labels(subject, more):
    with pytest.raises(whence.InputError, match=r"labels tokens.*'O', 'B-LOC', 'I-LOC'"):
        whence.explain(subject, FOUND, **more)


def test_other_tasks_have_no_tokens_to_choose():
    for make in (tiny.gpt2_lm, tiny.bert_classifier, tiny.t5_seq2seq):
        with pytest.raises(whence.InputError, match=r"at= chooses tokens .*Leave it out"):
            whence.explain(whence.load(make()), "Paris", at=0)
