"""Chats through the tokenizer's own template, with the author of each character known afterwards."""

from collections.abc import Callable, Sequence
from typing import Any

from whence.errors import InputError

TEMPLATE_ROLE = "template"
_FIELDS = frozenset({"question", "context", "text", "text_pair"})
"""The parts that an input of several texts can have."""


def is_chat(data: object) -> bool:
    """Whether `data` is a list of messages, and not one of inputs that are dicts of texts."""
    return (
        isinstance(data, list | tuple)
        and bool(data)
        and all(isinstance(m, dict) and ("role" in m or _FIELDS.isdisjoint(m)) for m in data)
    )


def render(tokenizer: Any, messages: Sequence[dict[str, Any]]) -> tuple[str, Callable[[int, int], str]]:
    """The chat as the template writes it, ready for the assistant's turn, and the role of any character span.

    A last message by the assistant is left open, to be continued. What the template itself writes (markers, a
    default system prompt) has the role "template".
    """
    _check(tokenizer, messages)
    text = _apply(tokenizer, messages)
    spans = _content_spans(tokenizer, messages, text)

    def role(start: int, end: int) -> str:
        for (first, last), message in zip(spans, messages, strict=True):
            if start < last and end > first:
                return str(message["role"])
        return TEMPLATE_ROLE

    return text, role


def _check(tokenizer: Any, messages: Sequence[dict[str, Any]]) -> None:
    if not getattr(tokenizer, "chat_template", None):
        raise InputError(
            "This model's tokenizer has no chat template, so a list of messages cannot be laid out. "
            "Pass the conversation as one text instead."
        )
    check_messages(messages)


def check_messages(messages: Sequence[dict[str, Any]]) -> None:
    """An `InputError` for a message that has not a role and a content, both text."""
    for i, message in enumerate(messages):
        if not isinstance(message.get("role"), str) or not isinstance(message.get("content"), str):
            raise InputError(
                f"Message {i} of the chat is {message!r}; wanted a dict with the strings 'role' and 'content'."
            )


def _apply(tokenizer: Any, messages: Sequence[dict[str, Any]]) -> str:
    open_turn = messages[-1]["role"] == "assistant"
    try:
        return str(
            tokenizer.apply_chat_template(
                list(messages),
                tokenize=False,
                add_generation_prompt=not open_turn,
                continue_final_message=open_turn,
            )
        )
    except Exception as error:
        raise InputError(f"The chat template refused these messages: {error}") from error


def _content_spans(tokenizer: Any, messages: Sequence[dict[str, Any]], text: str) -> list[tuple[int, int]]:
    """Where each message's content stands in the rendered `text`, an empty span where the template left it out.

    The chat is rendered a second time with a marker in each content's place; what stands between the markers is the
    template's own, and is looked for in the real text around each content, so that content equal to a word of the
    template ("user") is not mistaken for it.
    """
    markers = [f"\ue000{i}\ue001" for i in range(len(messages))]
    marked = _apply(tokenizer, [{**m, "content": mark} for m, mark in zip(messages, markers, strict=True)])
    spans: list[tuple[int, int]] = []
    place = marked_place = 0
    for i, (message, mark) in enumerate(zip(messages, markers, strict=True)):
        at = marked.find(mark, marked_place)
        if at < 0:
            spans.append((place, place))
            continue
        place = _after(text, marked[marked_place:at], place)
        marked_place = at + len(mark)
        following = [marked.find(later, marked_place) for later in markers[i + 1 :]]
        ends = [found for found in following if found >= 0]
        own = marked[marked_place : min(ends, default=len(marked))]
        spans.append(_content_span(text, message["content"], own, place))
        place = spans[-1][1]
    return spans


def _content_span(text: str, content: str, following: str, place: int) -> tuple[int, int]:
    """Where `content` stands at `place`, as it is or trimmed, with the template's own text following it."""
    for kept in (content, content.rstrip(), content.lstrip(), content.strip()):
        if text.startswith(kept + following, place):
            return place, place + len(kept)
    start = text.find(content.strip(), place)
    return (start, start + len(content.strip())) if start >= 0 else (place, place)


def _after(text: str, own: str, place: int) -> int:
    """The place behind the template's own text, white space in front of it aside."""
    if text.startswith(own, place):
        return place + len(own)
    skipped = place + len(text[place:]) - len(text[place:].lstrip())
    return skipped + len(own.lstrip()) if text.startswith(own.lstrip(), skipped) else place
