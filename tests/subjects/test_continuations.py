"""A continuation's ids follow the prompt's, which stay as they are; what is generated is what the model wrote."""

import pytest
import torch

import tiny
import whence

from .odd_tokenizers import TOKENIZERS, Letters, byte_level

MODEL, _ = tiny.gpt2_lm()


@pytest.fixture
def gpt2():
    return whence.load((MODEL, byte_level()))


@pytest.fixture
def llama():
    return whence.load(tiny.llama_lm())


def all_ids(inputs):
    """The prompt's ids and the continuation's, the last of which the model does not read."""
    return [*inputs.ids.tolist(), inputs.slots[-1].actual]


def tail(inputs):
    return [slot.actual for slot in inputs.slots]


@pytest.mark.parametrize("kind", ["byte-level", "trims offsets", "adds a prefix space", "without offsets"])
def test_a_continuation_at_a_word_border_is_tokenized_with_the_prompt(kind):
    subject = whence.load((MODEL, TOKENIZERS[kind]()))
    inputs = subject.encode("Paris is", continuation=" in France.")
    assert all_ids(inputs) == subject.tokenizer("Paris is in France.")["input_ids"]
    assert inputs.text == "Paris is in France."


def test_roles_and_positions(gpt2):
    inputs = gpt2.encode("Paris is", continuation=" in France.")
    count = len(gpt2.encode("Paris is"))
    assert [t.role for t in inputs.tokens] == ["prompt"] * count + ["continuation"] * (len(inputs) - count)
    assert [slot.index for slot in inputs.slots] == list(range(count - 1, len(inputs)))


@pytest.mark.parametrize(("prompt", "more"), [("Par", "is is"), ("Paris ", "is in")])
def test_a_continuation_that_would_merge_is_tokenized_by_itself_and_a_warning_says_so(gpt2, prompt, more):
    with pytest.warns(whence.WhenceWarning, match="tokenized by itself"):
        inputs = gpt2.encode(prompt, continuation=more)
    alone = gpt2.encode(prompt).ids.tolist()
    assert all_ids(inputs)[: len(alone)] == alone
    assert gpt2.tokenizer.decode(all_ids(inputs)) == prompt + more
    assert all(t.text == inputs.text[t.start : t.end] for t in inputs.tokens)


def test_a_continuation_that_would_merge_gets_no_space_of_its_own():
    subject = whence.load((MODEL, TOKENIZERS["adds a prefix space"]()))
    with pytest.warns(whence.WhenceWarning):
        inputs = subject.encode("Paris ", continuation="is in")
    assert subject.tokenizer.decode(all_ids(inputs)).strip() == "Paris is in"


@pytest.mark.filterwarnings("ignore::whence.WhenceWarning")
def test_a_tokenizer_that_appends_eos_keeps_it_before_the_continuation():
    subject = whence.load((MODEL, TOKENIZERS["appends EOS"]()))
    prompt = subject.encode("Paris is").ids.tolist()
    assert prompt[-1] == subject.tokenizer.eos_token_id
    inputs = subject.encode("Paris is", continuation=" in")
    assert all_ids(inputs) == [*prompt, *subject.tokenizer(" in", add_special_tokens=False)["input_ids"]]


def test_ids_are_taken_as_they_are(gpt2):
    text = gpt2.encode("a", continuation=" 😀 b")
    ids = gpt2.encode("a", continuation=tail(text))
    assert ids.tokens == text.tokens
    assert ids.slots == text.slots
    assert ids.text == text.text


def test_ids_that_no_text_gives_are_taken_as_they_are(gpt2):
    letters = [gpt2.tokenizer.convert_tokens_to_ids(c) for c in "Paris"]
    inputs = gpt2.encode("a", continuation=letters)
    assert tail(inputs) == letters
    assert inputs.text == "aParis"
    assert [t.text for t in inputs.tokens] == ["a", "P", "a", "r", "i"]


def test_a_character_that_several_ids_spell_belongs_to_each(stories):
    ids = tail(stories.encode("Once", continuation="😀!"))
    tokens = stories.encode("Once", continuation=ids).tokens[-4:]
    assert [(t.text, t.start, t.end) for t in tokens] == [("😀", 4, 5)] * 4


def test_ids_of_part_of_a_character(stories):
    whole = tail(stories.encode("Once", continuation="😀!"))
    assert len(whole) > 4
    for count in range(1, 4):
        inputs = stories.encode("Once", continuation=whole[:count])
        assert tail(inputs) == whole[:count]
        assert all(t.text == inputs.text[t.start : t.end] for t in inputs.tokens if t.start is not None)
        whence.explain(stories, "Once", continuation=whole[:count], method="random").to_html()


def test_control_tokens_in_a_continuation_are_special(gpt2):
    eos = gpt2.tokenizer.eos_token_id
    inputs = gpt2.encode("a", continuation=[eos, 5, eos])
    assert [(t.id, t.special) for t in inputs.tokens[1:]] == [(eos, True), (5, False)]
    assert gpt2.encode("a", continuation="<|endoftext|>b").tokens[1].special


def test_an_empty_continuation_is_refused(gpt2):
    with pytest.raises(whence.InputError, match="continuation is empty"):
        gpt2.encode("a", continuation="")


def test_an_empty_list_of_ids_is_refused(gpt2):
    with pytest.raises(whence.InputError, match="empty"):
        gpt2.encode("a", continuation=[])


@pytest.mark.parametrize("ids", [[99_999], [5, 99_999, 5], [-1]], ids=str)
def test_ids_outside_the_vocabulary_are_refused(gpt2, ids):
    with pytest.raises(whence.InputError, match=str(max(ids, key=abs))):
        whence.explain(gpt2, "a", continuation=ids)


def test_continuation_and_generation_exclude_each_other(gpt2):
    with pytest.raises(whence.InputError, match="not both"):
        gpt2.encode("a", continuation="b", max_new_tokens=2)


def test_a_target_with_a_continuation_needs_no_offsets():
    subject = whence.load((MODEL, Letters()))
    record = whence.explain(subject, "a b", continuation="cd", target=whence.Contrast("c", "d"), method="random")
    assert len(record.targets) == 2


@pytest.mark.parametrize("kind", ["byte-level", "trims offsets", "adds a prefix space", "appends EOS"])
def test_a_target_is_the_token_that_would_follow(kind):
    subject = whence.load((MODEL, TOKENIZERS[kind]()))
    inputs = subject.encode("Paris is")
    assert subject.output_label(subject.output_index(" in", inputs)) == " in"


@pytest.mark.parametrize("count", [0, -1])
def test_generating_nothing_is_refused(llama, count):
    with pytest.raises(whence.InputError, match=f"at least 1, got {count}"):
        llama.encode("a", max_new_tokens=count)


def greedy(subject, prompt, count):
    """What the model finds likeliest, a token at a time, without transformers' generation."""
    ids = subject.encode(prompt).ids.tolist()
    for _ in range(count):
        with torch.no_grad():
            ids.append(int(subject.model(torch.tensor([ids])).logits[0, -1].argmax()))
    return ids


SAMPLING = {
    "sampling": {"do_sample": True, "temperature": 5.0, "top_k": 50, "top_p": 0.9},
    "other sampling": {"do_sample": True, "typical_p": 0.5, "min_p": 0.1},
    "beams": {"num_beams": 4, "early_stopping": True, "length_penalty": 2.0},
    "lengths": {"max_length": 9, "max_new_tokens": 2},
    "several sequences": {"do_sample": True, "num_return_sequences": 2},
    "a dictionary": {"return_dict_in_generate": True, "output_scores": True},
    "stop strings": {"stop_strings": ["a"]},
    "longer than asked for": {"min_new_tokens": 10},
}


@pytest.mark.parametrize("name", SAMPLING)
def test_generation_is_greedy_whatever_the_models_settings(llama, name):
    for setting, value in SAMPLING[name].items():
        setattr(llama.model.generation_config, setting, value)
    before = llama.model.generation_config.to_dict()
    inputs = llama.encode("Paris is", max_new_tokens=6)
    assert all_ids(inputs) == greedy(llama, "Paris is", 6)
    assert inputs.generated == 6
    assert llama.model.generation_config.to_dict() == before


def test_a_repetition_penalty_does_not_change_what_is_explained(stories, monkeypatch):
    monkeypatch.setattr(stories.model.generation_config, "repetition_penalty", 100.0)
    inputs = stories.encode("Once upon a time", max_new_tokens=12)
    assert all_ids(inputs) == greedy(stories, "Once upon a time", 12)


def test_generating_twice_writes_the_same(llama):
    llama.model.generation_config.do_sample = True
    torch.manual_seed(0)
    first = llama.encode("Paris is", max_new_tokens=8)
    torch.manual_seed(1)
    assert all_ids(llama.encode("Paris is", max_new_tokens=8)) == all_ids(first)


def test_generation_stops_at_eos(llama):
    written = greedy(llama, "Paris is", 8)
    prompt = len(llama.encode("Paris is"))
    third = written[prompt + 2]
    assert third not in written[prompt : prompt + 2]
    llama.model.generation_config.eos_token_id = third
    inputs = llama.encode("Paris is", max_new_tokens=8)
    assert all_ids(inputs) == written[: prompt + 3]
    assert inputs.generated == 3


def test_generated_tokens_read_as_the_text_that_was_written(stories):
    inputs = stories.encode("Once upon a", max_new_tokens=8)
    assert inputs.text == "Once upon a" + stories.tokenizer.decode(all_ids(inputs))[len("<s> Once upon a") :]
    assert all(t.text == inputs.text[t.start : t.end] for t in inputs.tokens if t.start is not None)


def test_generated_text_that_ends_within_a_character(llama, monkeypatch):
    """The model writes one byte of an emoji again and again: every token still has a text and a place."""
    byte = llama.tokenizer("☃", add_special_tokens=False)["input_ids"][0]
    assert "\ufffd" in llama.tokenizer.decode([byte])

    def writes(hidden):
        return torch.nn.functional.one_hot(torch.full(hidden.shape[:-1], byte), len(llama.tokenizer)).double()

    monkeypatch.setattr(llama.model.lm_head, "forward", writes)
    record = whence.explain(llama, "a", max_new_tokens=3, method="random")
    assert [t.id for t in record.tokens[-2:]] == [byte, byte]
    assert record.scores.shape == (3, len(record.tokens))
    record.to_html()
