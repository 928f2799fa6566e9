"""Explanations of other units than tokens, compared with those of tokens."""

import pytest

import tiny
import whence


@pytest.fixture(scope="module")
def subject():
    return whence.load(tiny.bert_classifier())


def test_scores_of_tokens_are_summed_over_the_words_of_another_method(subject):
    by_word = whence.methods.LeaveOneOut(features="word")
    both = whence.compare(subject, "The film was good.", methods=[by_word, "input_x_gradient"])
    words, tokens = both.attributions
    alone = whence.explain(subject, "The film was good.", method="input_x_gradient")
    assert [t.text for t in tokens.tokens] == [t.text for t in words.tokens] == ["The", "film", "was", "good."]
    for word, score in zip(words.tokens, tokens.scores[0], strict=True):
        inside = [i for i, t in enumerate(alone.tokens) if t.start is not None and word.start <= t.start < word.end]
        assert score == pytest.approx(float(alone.scores[0, inside].sum()), rel=1e-5)


def test_units_that_share_no_text_are_refused(subject):
    first = whence.methods.LeaveOneOut(features=[(0, 3), (4, 8)])
    second = whence.methods.LeaveOneOut(features=[(13, 18)])
    with pytest.raises(whence.InputError, match="give the methods the same features="):
        whence.compare(subject, "The film was good.", methods=[first, second])
