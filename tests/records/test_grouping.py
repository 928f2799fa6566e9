"""Words, sentences and segments of subword tokens: what is one unit, and that no score is lost on the way."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny
import whence
from records.samples import TOKENIZERS, attribution, steady, tokenized, tokens_of, total
from whence.errors import InputError
from whence.records import Token

tokenizers = pytest.mark.parametrize("name", list(TOKENIZERS))
PIECES = [
    "The",
    "unbelievable",
    "tower.",
    "don't",
    "3.14",
    "😀😀",
    "👩‍👩‍👧",
    "é",
    "مرحبا",
    "שלום",
    "你好",
    "(Rome),",
    "x",
]
texts = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).flatmap(
    lambda words: st.lists(
        st.sampled_from([" ", "  ", "\n", " \n\n ", "\t"]), min_size=len(words) - 1, max_size=len(words) - 1
    ).map(lambda gaps: "".join(w + g for w, g in zip(words, [*gaps, ""], strict=True)))
)


def record_of(name, text):
    return attribution(tokenized(name, text), text=text)


def units(record):
    return [token.text for token in record.tokens]


def visible(record):
    """The units that are neither control tokens nor white space of their own."""
    return [token.text for token in record.tokens if not token.special and not token.text.isspace()]


# ---------------------------------------------------------------------- words


@tokenizers
@steady
@given(text=texts)
def test_words_are_what_white_space_separates(name, text):
    assert visible(record_of(name, text).words()) == text.split()


@tokenizers
@steady
@given(text=texts, how=st.sampled_from(["words", "sentences"]))
def test_grouping_keeps_every_rows_sum(name, text, how):
    record = record_of(name, text)
    grouped = getattr(record, how)()
    assert np.array_equal(total(grouped), total(record))
    assert np.array_equal(grouped.scores.sum(axis=1), record.scores.sum(axis=1))
    assert np.array_equal(grouped.residual, record.residual)


@tokenizers
@steady
@given(text=texts, how=st.sampled_from(["words", "sentences"]))
def test_units_are_the_text_at_their_offsets(name, text, how):
    grouped = getattr(record_of(name, text), how)()
    for unit in grouped.tokens:
        if unit.start is not None:
            assert unit.text == text[unit.start : unit.end]
    starts = [unit.start for unit in grouped.tokens if unit.start is not None]
    assert starts == sorted(starts)


@tokenizers
@steady
@given(text=texts)
def test_words_of_words_are_the_words(name, text):
    words = record_of(name, text).words()
    again = words.words()
    assert again.tokens == words.tokens
    assert np.array_equal(again.scores, words.scores)


@tokenizers
def test_the_score_of_a_word_is_the_sum_of_its_tokens(name):
    text = "The unbelievable tower."
    record = record_of(name, text)
    words = record.words()
    start, end = text.index(" unbelievable"), text.index(" tower")
    inside = [i for i, t in enumerate(record.tokens) if t.start is not None and t.end > start and t.start < end]
    place = units(words).index("unbelievable")
    assert len(inside) > 1
    assert words.scores[:, place].tolist() == record.scores[:, inside].sum(axis=1).tolist()
    assert words.tokens[place].id is None


def test_a_word_of_one_token_keeps_its_id():
    words = attribution(tokens_of("The", " Tow", "er")).words()
    assert [token.id for token in words.tokens] == [100, None]


def test_an_emoji_split_over_byte_tokens_is_in_one_word():
    tokens = tokenized("gpt2", "a 😀😀é b")
    assert sum(token.text.strip() == "é" for token in tokens) > 1, "the sample no longer splits a character"
    assert visible(record_of("gpt2", "a 😀😀é b").words()) == ["a", "😀😀é", "b"]


def test_special_tokens_are_words_of_their_own():
    assert units(record_of("bert", "good food").words()) == ["[CLS]", "good", "food", "[SEP]"]
    assert units(record_of("llama", "good food").words())[0] == "<s>"
    bert = record_of("bert", "good food").sentences()
    assert units(bert) == ["[CLS]", "good food", "[SEP]"]
    assert [token.special for token in bert.tokens] == [True, False, True]
    assert (bert.tokens[0].start, bert.tokens[0].end) == (None, None)


@pytest.mark.parametrize("how", ["words", "sentences"])
def test_units_never_mix_roles(how):
    tokens = tokens_of("ab", "cd", "ef", "gh", roles=["system", "user", "user", "assistant"])
    grouped = getattr(attribution(tokens, text="abcdefgh"), how)()
    assert [(token.text, token.role) for token in grouped.tokens] == [
        ("ab", "system"),
        ("cdef", "user"),
        ("gh", "assistant"),
    ]


def test_units_of_a_chat_keep_their_roles():
    subject = whence.load(tiny.llama_lm())
    chat = [{"role": "system", "content": "You are good."}, {"role": "user", "content": "Why? Not user."}]
    record = whence.explain(subject, chat, method="random")
    said = {
        role: [t.text for t in record.words().tokens if t.role == role and t.text.strip()]
        for role in ("system", "user")
    }
    assert said == {"system": ["You", "are", "good."], "user": ["Why?", "Not", "user."]}
    said = [t.text for t in record.sentences().tokens if t.role == "user"]
    assert said == ["Why?", "Not user."]


def test_words_reach_over_prompt_and_continuation_only_by_white_space():
    tokens = tokens_of("The", " Eif", "fel", roles=["prompt", "prompt", "continuation"])
    assert units(attribution(tokens, text="The Eiffel").words()) == ["The", "Eif", "fel"]


def test_words_where_the_text_was_not_kept():
    tokens = (
        Token("Par", 1, 0, 3),
        Token("is", 2, 3, 5),
        Token(" is", 3, 5, 8),
        Token("😀", 4, 8, 9),
        Token("😀", 5, 8, 9),
    )
    assert units(attribution(tokens).words()) == ["Paris", "is😀"]


def test_units_of_tokens_without_offsets():
    tokens = tuple(Token(text, i) for i, text in enumerate(["The", " Eif", "fel", " Tower."]))
    assert units(attribution(tokens).words()) == ["The", "Eiffel", "Tower."]


def test_words_of_the_top_tokens_do_not_melt_together():
    tokens = tokens_of("one", " two", " three", " four")
    record = attribution(tokens, [[1.0, 2.0, 3.0, 4.0]], text="one two three four")
    assert units(record.top(3)) == [" four", " three", " two"]
    assert units(record.top(3).words()) == ["four", "three", "two"]


# ---------------------------------------------------------------------- sentences


@tokenizers
@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Paris is good. Rome is not! Why? Never", ["Paris is good.", "Rome is not!", "Why?", "Never"]),
        ("It is 3.14 long. Good", ["It is 3.14 long.", "Good"]),
        pytest.param('He said "No." Then (yes.) Now', ['He said "No."', "Then (yes.)", "Now"]),
        ("no end", ["no end"]),
        ("Wait... what", ["Wait...", "what"]),
        ("مرحبا. كيف", ["مرحبا.", "كيف"]),
    ],
)
def test_sentences_end_with_punctuation_before_white_space(name, text, sentences):
    assert visible(record_of(name, text).sentences()) == sentences


@pytest.mark.parametrize(
    "name",
    [
        "gpt2",
        "llama",
        pytest.param("bert"),
    ],
)
def test_sentences_end_with_a_line_break(name):
    assert visible(record_of(name, "Paris is\nRome is").sentences()) == ["Paris is", "Rome is"]


@tokenizers
def test_sentences_of_chinese(name):
    assert visible(record_of(name, "你好。再见！好").sentences()) == ["你好。", "再见！", "好"]


# ---------------------------------------------------------------------- segments


def test_segments_come_in_the_order_given_and_the_rest_goes_to_the_residual():
    record = attribution(
        tokens_of("The", " Eif", "fel", " Tower"), [[1, 2, 4, 8]], values=[20.25], text="The Eiffel Tower"
    )
    grouped = record.segments([(10, 16), (4, 10)])
    assert [(t.text, t.start, t.end) for t in grouped.tokens] == [("Tower", 11, 16), ("Eiffel", 4, 10)]
    assert grouped.scores.tolist() == [[8.0, 6.0]]
    assert record.residual.tolist() == [5.0]
    assert grouped.residual.tolist() == [6.0]


def test_segments_without_residual_leave_tokens_out():
    record = attribution(tokens_of("a", " b"), complete=False)
    assert record.segments([(0, 1)]).residual is None


@pytest.mark.parametrize("span", [(4, 10), (3, 10)], ids=["without the space", "with the space"])
def test_leading_white_space_of_a_token_may_be_in_the_segment_or_not(span):
    record = attribution(tokens_of("The", " Eif", "fel", " Tower"), text="The Eiffel Tower")
    assert units(record.segments([span])) == ["Eiffel"]


def test_trailing_white_space_of_a_segment_cuts_nothing():
    record = attribution(tokens_of("The", " Tower"), text="The Tower")
    assert units(record.segments([(0, 4), (4, 9)])) == ["The", "Tower"]


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([(0, 5)], r"\(0, 5\) cuts through the token ' Eif' at \(3, 7\)"),
        ([(5, 10)], "cuts through"),
        ([(0, 3), (0, 7)], r"\(0, 3\) and \(0, 7\) share the token 'The'"),
        ([(3, 3)], "covers no token"),
        ([(7, 3)], "covers no token"),
        ([(90, 99)], "covers no token"),
        ([(-5, 0)], "covers no token"),
        pytest.param([], "no segment"),
    ],
)
def test_segments_that_cannot_be_made_are_refused(spans, message):
    record = attribution(tokens_of("The", " Eif", "fel", " Tower"), text="The Eiffel Tower")
    with pytest.raises(InputError, match=message):
        record.segments(spans)


def test_a_segment_cannot_cut_a_character_of_several_tokens():
    record = record_of("gpt2", "é é")
    assert units(record.segments([(0, 1)])) == ["é"]
    assert np.array_equal(total(record.segments([(0, 1)])), total(record))


# ---------------------------------------------------------------------- top and share


def test_top_orders_by_magnitude_over_all_rows_and_keeps_signs():
    record = attribution(tokens_of("a", "b", "c", "d"), [[1, -5, 0, 2], [1, 1, 0, -5]], values=[0.25, 0.25])
    top = record.top(2)
    assert units(top) == ["d", "b"]
    assert top.scores.tolist() == [[2.0, -5.0], [-5.0, 1.0]]
    assert top.residual.tolist() == [3.0, 4.0]


def test_top_of_equal_scores_keeps_the_texts_order():
    assert units(attribution(tokens_of(*"abcd"), [[1, -1, 1, 1]]).top(3)) == ["a", "b", "c"]


def test_top_of_more_than_there_are_is_all():
    record = attribution(tokens_of(*"abc"))
    assert len(record.top(99).tokens) == 3
    assert np.array_equal(total(record.top(99)), total(record))


@pytest.mark.parametrize("k", [0, -1])
def test_top_of_none_is_refused(k):
    with pytest.raises(InputError, match=f"at least 1, got {k}"):
        attribution(tokens_of("a")).top(k)


def test_share_divides_by_the_rows_total_magnitude():
    record = attribution(tokens_of("a", "b", "c"), [[1, -2, 5], [-0.5, 0, 0]], values=[8.25, 1.25])
    share = record.share()
    assert share.scores.tolist() == [[0.125, -0.25, 0.625], [-1.0, 0.0, 0.0]]
    assert [(t.value, t.baseline_value) for t in share.targets] == [(8.25 / 8, 0.25 / 8), (2.5, 0.5)]
    assert share.residual.tolist() == [0.5, 3.0]
    assert share.residual[0] == record.residual[0] / 8


def test_share_changes_the_unit():
    share = attribution(tokens_of("a", "b"), unit="log-probability").share()
    assert share.unit == "share of total |log-probability|"
    assert {target.unit for target in share.targets} == {"log-probability / total |log-probability|"}


def test_share_names_the_unit_of_the_scores_and_of_the_target_where_they_differ():
    share = attribution(tokens_of("a", "b"), scores_unit="attention weight", complete=False, baseline=None).share()
    assert share.unit == "share of total |attention weight|"
    assert share.targets[0].unit == "logit / total |attention weight|"
    assert share.targets[0].baseline_value is None


def test_share_of_zeros_is_refused():
    with pytest.raises(InputError, match="Row 1 has only zero scores"):
        attribution(tokens_of("a", "b"), [[1, 2], [0, 0]]).share()


# ---------------------------------------------------------------------- what they have in common


@pytest.mark.parametrize(
    ("derive", "name"),
    [
        (lambda a: a.words(), "words"),
        (lambda a: a.sentences(), "sentences"),
        (lambda a: a.segments([(0, 3)]), "segments"),
        (lambda a: a.top(2), "top(2)"),
        (lambda a: a.share(), "share"),
    ],
)
def test_a_derived_record_says_how_it_was_made_and_leaves_its_source_alone(derive, name):
    record = attribution(tokens_of("The", " Eif", "fel"), text="The Eiffel")
    before = replace(record)
    derived = derive(derive(record))
    assert record == before
    assert "derived" not in record.provenance
    assert derived.provenance["derived"] == [name, name]
    assert (derived.method, derived.params) == (record.method, record.params)
    assert derived.provenance["seed"] == record.provenance["seed"]


def test_derivations_are_listed_in_order():
    record = attribution(tokens_of("The", " Eif", "fel"), text="The Eiffel")
    assert record.words().share().top(1).provenance["derived"] == ["words", "share", "top(1)"]


def test_grouping_changes_neither_unit_nor_targets():
    record = attribution(tokens_of("The", " Eif", "fel"), unit="probability")
    assert record.words().unit == "probability"
    assert record.words().targets == record.targets
    assert record.top(1).targets == record.targets


def test_a_line_break_is_a_word_of_its_own():
    words = attribution(tokens_of("one", "\n", "two", " ", "three"), [[1.0, 2.0, 4.0, 8.0, 16.0]]).words()
    assert units(words) == ["one", "\n", "two", "three"]
    assert words.scores.tolist() == [[1.0, 2.0, 4.0, 24.0]]
