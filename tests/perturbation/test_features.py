"""What is masked together, and the records that come of it."""

import numpy as np
import pytest

import tiny
import tiny_images
import whence
from whence import InputError
from whence.perturbation.features import feature_groups

TEXT = "Paris is good. Rome is not."
CHAT = [{"role": "system", "content": "Be good."}, {"role": "user", "content": "Where is Paris?"}]


@pytest.fixture(scope="module")
def bert():
    return whence.load(tiny.bert_classifier())


@pytest.fixture(scope="module")
def llama():
    return whence.load(tiny.llama_lm())


def texts_of(inputs, features):
    """What each feature says, by the offsets of its tokens."""
    groups = [[inputs.tokens[i] for i in group] for group in feature_groups(inputs, features)]
    return [inputs.text[group[0].start : group[-1].end].strip() for group in groups]


def test_every_token_is_a_feature_by_default_control_tokens_too(bert):
    inputs = bert.encode(TEXT)
    assert feature_groups(inputs, "token") == [[i] for i in range(len(inputs))]


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ("word", ["Paris", "is", "good.", "Rome", "is", "not."]),
        ("sentence", ["Paris is good.", "Rome is not."]),
        ("paragraph", [TEXT]),
        ("role", [TEXT]),
        ([(15, 27), (0, 8)], ["Paris is", "Rome is not."]),
    ],
)
def test_features_of_a_text_keep_its_control_tokens(bert, features, expected):
    inputs = bert.encode(TEXT)
    assert texts_of(inputs, features) == expected
    masked = {i for group in feature_groups(inputs, features) for i in group}
    assert not any(inputs.tokens[i].special for i in masked)


def test_paragraphs_are_what_blank_lines_separate(llama):
    inputs = llama.encode("Good food.\nBad food.\n\nGood day.")
    assert texts_of(inputs, "paragraph") == ["Good food.\nBad food.", "Good day."]


def test_roles_are_the_turns_of_a_chat(llama):
    inputs = llama.encode(CHAT)
    groups = feature_groups(inputs, "role")
    said = {inputs.tokens[group[0]].role: text for group, text in zip(groups, texts_of(inputs, "role"), strict=True)}
    assert (said["system"], said["user"]) == ("Be good.", "Where is Paris?")
    assert all(len({inputs.tokens[i].role for i in group}) == 1 for group in groups)
    record = whence.explain(llama, CHAT, method=whence.methods.LeaveOneOut(features="role"))
    assert [token.role for token in record.tokens].count("user") == 1
    assert len(record.tokens) == len(groups)


def test_roles_are_the_texts_of_a_pair(bert):
    inputs = bert.encode({"text": "Paris is good.", "text_pair": "Rome is not."})
    assert texts_of(inputs, "role") == ["Paris is good.", "Rome is not."]


def test_a_span_that_splits_a_token_is_refused(bert):
    with pytest.raises(InputError, match=r"Segment \(0, 7\) cuts through the token 'is' at \(6, 8\)"):
        whence.explain(bert, TEXT, method=whence.methods.LeaveOneOut(features=[(0, 7)]))


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ("words", "Unknown features 'words'. Known: token, word"),
        ([], "there is nothing to mask"),
        ([3], "wants a name or a list"),
        (7, "wants a name or a list"),
    ],
)
def test_what_are_no_features_is_refused_when_the_method_is_made(features, said):
    with pytest.raises(InputError, match=said):
        whence.methods.LeaveOneOut(features=features)


def test_an_image_has_no_words():
    subject = whence.load(tiny.vit_classifier())
    with pytest.raises(InputError, match=r"features='word' groups the tokens of a text, and this is an image"):
        whence.explain(subject, tiny_images.picture(1), method=whence.methods.LeaveOneOut(features="word"))


def test_a_text_of_control_tokens_alone_has_no_words(llama):
    with pytest.raises(InputError, match="There is no word to mask"):
        whence.explain(llama, "<|im_start|>", method=whence.methods.LeaveOneOut(features="word"))


def test_records_have_a_unit_for_each_feature(bert):
    words = whence.explain(bert, TEXT, method=whence.methods.LeaveOneOut(features="word"))
    tokens = whence.explain(bert, TEXT, method="leave_one_out")
    assert [TEXT[token.start : token.end] for token in words.tokens] == ["Paris", "is", "good.", "Rome", "is", "not."]
    assert words.targets == tokens.targets
    assert words.provenance["forwards"] == 7
    alone = [i for i, token in enumerate(tokens.tokens) if TEXT[token.start : token.end] == "is" and token.start]
    assert words.scores[0, [1, 4]] == pytest.approx(tokens.scores[0, alone], rel=1e-6)


def test_words_of_a_continuation_stand_in_front_of_what_they_explain(llama):
    method = whence.methods.LeaveOneOut(features="word")
    record = whence.explain(llama, "Paris is in", continuation=" the city of France", method=method)
    assert [token.text for token in record.tokens][:4] == ["Paris", "is", "in", "the"]
    for row, target in zip(record.scores, record.targets, strict=True):
        start = len("Paris is in") if target is record.targets[0] else None
        assert row.any()
        assert start is None or not row[[t.start >= start for t in record.tokens]].any()
    alone = whence.explain(llama, "Paris is in", target=whence.Logit(" the"), method=method)
    assert record.scores[0, :3] == pytest.approx(alone.scores[0], rel=1e-6)
    assert record.targets[0].value == pytest.approx(alone.targets[0].value, rel=1e-9)
    assert (record.targets[0].label, record.targets[0].position) == (alone.targets[0].label, alone.targets[0].position)


def test_standard_errors_go_along_when_features_are_grouped(llama):
    method = whence.methods.PermutationShapley(samples=40, features="word")
    record = whence.explain(llama, TEXT, method=method)
    words, sentences = record.words(), record.sentences()
    assert np.array_equal(words.standard_error, record.standard_error)
    assert sentences.scores.shape == sentences.standard_error.shape == (1, 2)
    assert sentences.standard_error[0] == pytest.approx(record.standard_error.reshape(2, 3).sum(axis=1))
