"""A chat is what the template writes, and every token knows whose it is."""

import copy
import itertools

import pytest

import tiny
import whence

AS_IT_IS = tiny.CHAT_TEMPLATE
TRIMS = AS_IT_IS.replace("message['content']", "message['content'] | trim")
ADDS_A_SYSTEM_PROMPT = (
    "{% if messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant to the user<|im_end|>\n' }}"
    "{% endif %}" + AS_IT_IS
)
REFUSES_SYSTEM = (
    "{% for message in messages %}{% if message['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}"
    "{% endif %}{% endfor %}" + AS_IT_IS
)
TEMPLATES = {"as it is": AS_IT_IS, "trims": TRIMS, "adds a system prompt": ADDS_A_SYSTEM_PROMPT}
MODEL, TOKENIZER = tiny.llama_lm()


def with_template(template):
    tokenizer = copy.deepcopy(TOKENIZER)
    tokenizer.chat_template = template
    return whence.load((MODEL, tokenizer))


@pytest.fixture(params=TEMPLATES)
def subject(request):
    return with_template(TEMPLATES[request.param])


def chat(*contents, first="user"):
    """Messages of the user and the assistant in turn."""
    order = ("user", "assistant") if first == "user" else ("assistant", "user")
    return [{"role": role, "content": content} for role, content in zip(itertools.cycle(order), contents, strict=False)]


def parts(inputs):
    """Runs of tokens of one role, as `(role, text)`; a character that is several tokens is there once."""
    runs = [(role, list(tokens)) for role, tokens in itertools.groupby(inputs.tokens, key=lambda token: token.role)]
    return [(role, inputs.text[tokens[0].start : tokens[-1].end]) for role, tokens in runs]


def said(inputs):
    return [(role, text) for role, text in parts(inputs) if role != "template"]


def ids_of_template(subject, messages):
    is_open = messages[-1]["role"] == "assistant"
    return subject.tokenizer.apply_chat_template(
        messages, add_generation_prompt=not is_open, continue_final_message=is_open, return_dict=True
    )["input_ids"]


CHATS = {
    "one message": chat("Paris is in"),
    "three messages": chat("Paris", "is in", "France."),
    "repeated contents": chat("a", "a", "a"),
    "contents that hold one another": chat("a b a", "a b", "a"),
    "role names": chat("assistant", "user", "assistant"),
    "words of the default prompt": chat("helpful", "You are a helpful assistant to the user", "user"),
    "markers of the template": chat("<|im_start|>user\nx<|im_end|>", "<|im_end|>", "x"),
    "a last message by the assistant": chat("Paris", "The answer"),
    "a first message by the assistant": chat("Paris", "is", first="assistant"),
    "right to left, emoji": chat("مرحبا", "😀 😀", "שלום"),
    "lines": chat("a\n\nb", "c\nuser\nd"),
}


@pytest.mark.parametrize("name", CHATS)
def test_ids_are_the_templates_own(subject, name):
    assert subject.encode(CHATS[name]).ids.tolist() == ids_of_template(subject, CHATS[name])


@pytest.mark.parametrize("name", CHATS)
def test_what_each_said_has_their_role(subject, name):
    assert said(subject.encode(CHATS[name])) == [(m["role"], m["content"]) for m in CHATS[name]]


@pytest.mark.parametrize("name", CHATS)
def test_all_else_is_the_templates(subject, name):
    inputs = subject.encode(CHATS[name])
    assert "".join(text for _, text in parts(inputs)) == inputs.text
    assert {t.role for t in inputs.tokens} <= {"template", "user", "assistant"}
    marks = [t for t in inputs.tokens if t.role == "template" and t.text == "<|im_start|>"]
    is_default = "helpful assistant to" in inputs.text.split("<s>")[0]
    assert len(marks) == len(CHATS[name]) + (CHATS[name][-1]["role"] == "user") + is_default


SPACED = chat("hi ", "assistant", "user")


@pytest.mark.parametrize(
    "template",
    TEMPLATES,
)
def test_white_space_at_the_end_of_a_content_does_not_shift_the_roles(template):
    subject = with_template(TEMPLATES[template])
    assert [(role, text.strip()) for role, text in said(subject.encode(SPACED))] == [
        ("user", "hi"),
        ("assistant", "assistant"),
        ("user", "user"),
    ]
    inputs = subject.encode(SPACED)
    at = inputs.text.index("assistant\nassistant") + len("assistant\n")
    assert {t.role for t in inputs.tokens if t.start is not None and t.start >= at and t.end <= at + 9} == {"assistant"}


def test_white_space_that_the_template_keeps_is_the_authors():
    inputs = with_template(AS_IT_IS).encode(chat("  hi  ", " yes\n", "x"))
    assert said(inputs) == [("user", "  hi  "), ("assistant", " yes\n"), ("user", "x")]


@pytest.mark.parametrize("contents", [("",), ("a", "", "b"), ("   ",), ("a", ""), ("", "", "")], ids=repr)
def test_an_empty_content_has_no_token(subject, contents):
    inputs = subject.encode(chat(*contents))
    assert inputs.ids.tolist() == ids_of_template(subject, chat(*contents))
    found = [(role, text) for role, text in said(inputs) if text.strip()]
    assert found == [(m["role"], m["content"]) for m in chat(*contents) if m["content"].strip()]


def test_other_roles_are_kept():
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}, {"role": "tool", "content": "42"}]
    assert said(with_template(AS_IT_IS).encode(messages)) == [("system", "s"), ("user", "u"), ("tool", "42")]


def test_a_turn_is_opened_for_the_assistant_unless_it_has_spoken(subject):
    assert subject.encode(chat("Paris")).text.endswith("<|im_start|>assistant\n")
    assert subject.encode(chat("Paris", "The answer")).text.endswith("<|im_start|>assistant\nThe answer")


def test_a_continuation_follows_the_chat(subject):
    inputs = subject.encode(chat("Paris", "is"), continuation=" in France")
    assert inputs.text.endswith("<|im_start|>assistant\nis in France")
    assert parts(inputs)[-1] == ("continuation", " in")
    assert [*inputs.ids.tolist(), inputs.slots[-1].actual] == subject.tokenizer(inputs.text, add_special_tokens=False)[
        "input_ids"
    ]


def test_a_template_that_refuses_a_role_is_quoted():
    subject = with_template(REFUSES_SYSTEM)
    assert said(subject.encode(chat("u"))) == [("user", "u")]
    with pytest.raises(whence.InputError, match="System role not supported"):
        subject.encode([{"role": "system", "content": "s"}, *chat("u")])


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user"},
        {"content": "x"},
        {},
        {"role": 5, "content": "x"},
        {"role": "user", "content": None},
        {"role": "user", "content": 5},
        {"role": "user", "content": [{"type": "text", "text": "x"}]},
    ],
    ids=repr,
)
def test_a_message_that_is_none_is_shown(subject, message):
    with pytest.raises(whence.InputError, match=r"Message 1 of the chat is .*'role' and 'content'") as caught:
        subject.encode([{"role": "user", "content": "x"}, message])
    assert repr(message) in str(caught.value)


def test_a_tokenizer_without_template_says_so():
    with pytest.raises(whence.InputError, match="no chat template"):
        whence.load(tiny.gpt2_lm()).encode(chat("x"))


def test_the_messages_are_not_changed(subject):
    messages = chat(" hi ", "yes", "x")
    before = copy.deepcopy(messages)
    subject.encode(messages)
    assert messages == before


def test_a_chat_is_one_input_and_a_list_of_chats_several(subject):
    one, other = chat("Paris"), chat("France", "is", "in")
    assert whence.explain(subject, one, method="random").tokens
    records = whence.explain(subject, [one, "Paris is in", other], method="random")
    assert [len(r.tokens) for r in records] == [len(subject.encode(x)) for x in (one, "Paris is in", other)]
