"""Tokens carry the tokenizer's ids and their place in the text, whatever the tokenizer does to spaces and bytes."""

import pytest

import tiny
import whence

from .odd_tokenizers import TOKENIZERS, Letters, byte_level

MODEL, _ = tiny.gpt2_lm()
AWKWARD = [
    "Paris is in France.",
    " leading and trailing  ",
    "\n",
    " ",
    "😀",
    "a 😀😀 b",
    "👩‍👩‍👧 ☃",
    "مرحبا بالعالم",
    "a\x00b\x07\x1b[31m",
    "e\u0301 é ﬁ",
    "<|endoftext|> in the text",
]


@pytest.fixture(params=TOKENIZERS)
def subject(request):
    return whence.load((MODEL, TOKENIZERS[request.param]()))


@pytest.fixture
def gpt2():
    return whence.load((MODEL, byte_level()))


def texts(tokens):
    return [t.text for t in tokens]


@pytest.mark.parametrize("text", AWKWARD, ids=ascii)
def test_ids_are_the_tokenizers_own(subject, text):
    assert subject.encode(text).ids.tolist() == subject.tokenizer(text)["input_ids"]


@pytest.mark.parametrize("text", AWKWARD, ids=ascii)
def test_a_tokens_text_stands_at_its_offsets(subject, text):
    inputs = subject.encode(text)
    assert inputs.text == text
    ends = 0
    for token in inputs.tokens:
        assert (token.start is None) == (token.end is None)
        if token.start is not None:
            assert token.text == text[token.start : token.end] != ""
            assert not text[ends : token.start].strip(), "only white space may belong to no token"
            ends = max(ends, token.end)


@pytest.mark.parametrize("kind", ["byte-level", "adds a prefix space", "appends EOS"])
@pytest.mark.parametrize("text", AWKWARD, ids=ascii)
def test_every_character_belongs_to_a_token(kind, text):
    tokens = whence.load((MODEL, TOKENIZERS[kind]())).encode(text).tokens
    covered = {i for t in tokens if t.start is not None for i in range(t.start, t.end)}
    assert covered == set(range(len(text)))


def test_spans_of_a_split_character_are_shared(stories):
    inputs = stories.encode("Hi 😀 there")
    emoji = [t for t in inputs.tokens if t.text == "😀"]
    assert len(emoji) == 4
    assert {(t.start, t.end) for t in emoji} == {(3, 4)}
    assert len({t.id for t in emoji}) == 4


def test_spans_of_a_character_split_after_its_space_overlap(gpt2):
    inputs = gpt2.encode("a ☃")
    pieces = [t for t in inputs.tokens if "☃" in t.text]
    assert len(pieces) == 3
    assert {t.end for t in pieces} == {3}
    assert pieces[-1].start == 2


def test_sentencepiece_style_tokens_cover_the_text(stories):
    text = "Once upon a time, there was  a  girl."
    tokens = stories.encode(text).tokens
    assert (tokens[0].text, tokens[0].special, tokens[0].start) == ("<s>", True, None)
    assert {i for t in tokens[1:] for i in range(t.start, t.end)} == set(range(len(text)))


def test_an_unknown_word_is_not_special_and_a_control_token_is():
    subject = whence.load(tiny.bert_classifier())
    tokens = subject.encode("good ☃ [UNK] [SEP] film").tokens
    unknown, sep = subject.tokenizer.unk_token_id, subject.tokenizer.sep_token_id
    assert [(t.text, t.special) for t in tokens if t.id == unknown] == [("☃", False), ("[UNK]", True)]
    assert [t.special for t in tokens if t.id == sep] == [True, True]
    assert (tokens[0].text, tokens[0].special, tokens[0].start) == ("[CLS]", True, None)
    assert all(not t.special for t in tokens if t.text in ("good", "film"))


def test_special_tokens_written_in_the_text_have_their_place(gpt2):
    token = gpt2.encode("a<|endoftext|>b").tokens[1]
    assert (token.text, token.id, token.start, token.end, token.special) == ("<|endoftext|>", 0, 1, 14, True)


def test_bos_is_the_tokenizers_to_add():
    llama, gpt2 = whence.load(tiny.llama_lm()), whence.load(tiny.gpt2_lm())
    first = llama.encode("Paris").tokens[0]
    assert (first.id, first.special, first.role) == (llama.tokenizer.bos_token_id, True, "prompt")
    assert not gpt2.encode("Paris").tokens[0].special


def test_offsets_that_are_trimmed_leave_the_text_of_the_word():
    subject = whence.load((MODEL, TOKENIZERS["trims offsets"]()))
    tokens = subject.encode("Paris is in").tokens
    assert [(t.text, t.start, t.end) for t in tokens] == [("Paris", 0, 5), ("is", 6, 8), ("in", 9, 11)]
    assert texts(whence.explain(subject, "Paris is in", method="random").words().tokens) == ["Paris", "is", "in"]


def test_without_offsets_tokens_still_read_well():
    subject = whence.load((MODEL, Letters()))
    record = whence.explain(subject, "ab c", continuation=" d")
    assert texts(record.tokens) == ["a", "b", " ", "c", " "]
    assert all(t.start is None for t in record.tokens[:4])
    assert record.scores.shape == (2, 5)


def test_a_tokenizers_settings_are_left_alone():
    model, tokenizer = tiny.llama_lm()
    tokenizer.padding_side, tokenizer.truncation_side = "left", "left"
    tokenizer.backend_tokenizer.enable_truncation(4)
    tokenizer.backend_tokenizer.enable_padding(length=12)
    subject = whence.load((model, tokenizer))
    text = "The quick brown fox jumps over the lazy dog."
    assert len(subject.encode(text)) > 4
    assert (tokenizer.padding_side, tokenizer.truncation_side) == ("left", "left")


@pytest.mark.parametrize("text", ["", None, 5, b"bytes", ("a", "b"), {"text": "a"}], ids=repr)
def test_what_is_no_text_is_refused(subject, text):
    unchecked = getattr(type(subject).encode, "__wrapped__", type(subject).encode)
    with pytest.raises(whence.InputError, match="Cannot explain"):
        unchecked(subject, text)


def text_of(subject, count):
    """A text of exactly this many tokens, BOS among them."""
    text = " is" * (count - 1)
    assert len(subject.tokenizer(text)["input_ids"]) == count
    return text


@pytest.fixture
def llama():
    return whence.load(tiny.llama_lm())


def test_the_context_may_be_filled(llama):
    assert llama.context_limit == tiny.CONTEXT
    record = whence.explain(llama, text_of(llama, tiny.CONTEXT))
    assert record.scores.shape == (1, tiny.CONTEXT)


def test_one_token_over_the_context_is_refused(llama):
    with pytest.raises(whence.InputError, match=f"{tiny.CONTEXT + 1} tokens.*at most {tiny.CONTEXT}"):
        llama.encode(text_of(llama, tiny.CONTEXT + 1))


@pytest.mark.parametrize(
    "more", [{"continuation": " is is"}, {"continuation": [5, 6]}, {"max_new_tokens": 2}], ids=repr
)
def test_a_continuation_counts(llama, more):
    assert len(llama.encode(text_of(llama, tiny.CONTEXT - 2), **more).slots) == 2
    with pytest.raises(whence.InputError, match=f"at most {tiny.CONTEXT}"):
        llama.encode(text_of(llama, tiny.CONTEXT), **more)


def test_nothing_is_generated_where_it_would_not_fit(llama, monkeypatch):
    monkeypatch.setattr(llama.model, "forward", lambda **_: pytest.fail("the model was run"))
    with pytest.raises(whence.InputError, match=f"at most {tiny.CONTEXT}"):
        llama.encode("Paris", max_new_tokens=tiny.CONTEXT)


def test_the_last_token_of_a_continuation_does_not_count(llama):
    assert len(llama.encode(text_of(llama, tiny.CONTEXT), continuation=[5])) == tiny.CONTEXT


def test_the_limit_of_a_model_whose_positions_start_late():
    from transformers import RobertaConfig, RobertaForSequenceClassification

    tokenizer = byte_level()
    tokenizer.model_max_length = 10**30
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=22,
        pad_token_id=1,
    )
    subject = whence.load((RobertaForSequenceClassification(config).eval(), tokenizer))
    for count in (20, 21):
        text = " is" * count
        try:
            whence.explain(subject, text, method="random")
        except whence.InputError:
            assert count == 21


def test_truncation_and_padding_set_on_a_tokenizer_stay_and_do_not_apply():
    model, tokenizer = tiny.llama_lm()
    tokenizer.backend_tokenizer.enable_truncation(max_length=3, stride=1)
    tokenizer.backend_tokenizer.enable_padding(pad_id=2, pad_token="<pad>", length=7)
    before = tokenizer.backend_tokenizer.to_str()
    inputs = whence.load((model, tokenizer)).encode("Paris is in France.", continuation=" Good morning")
    assert tokenizer.backend_tokenizer.to_str() == before
    assert inputs.text == "Paris is in France. Good morning"
    assert "".join(t.text for t in inputs.tokens if t.start is not None).startswith("Paris is in France. Good")


def test_a_tokenizer_of_another_model_is_named():
    model, _ = tiny.bert_classifier()
    _, tokenizer = tiny.llama_lm()
    with pytest.raises(whence.InputError, match=r"the model has 194 embeddings. Is this the model's own tokenizer"):
        whence.explain((model, tokenizer), "The quick brown fox jumps over the lazy dog.")


def test_a_piece_that_stands_for_a_space_covers_no_letter(stories):
    """SentencePiece puts a "▁" in front of "42" and gives it the offsets of the "4"."""
    tokens = stories.encode("42").tokens
    assert [t.text for t in tokens if t.start is not None] == ["4", "2"]
    assert len([t for t in tokens if t.text.strip("▁ ") == ""]) == 1
