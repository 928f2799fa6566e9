"""What an OpenAI-compatible server answers: the log-probabilities in it, in each of the layouts in use."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from whence.errors import CallError, InputError, UnsupportedError

_UNLIKELY = -9999.0
"""What some servers write for a token they give no log-probability."""


@dataclass(frozen=True)
class Place:
    """The log-probabilities known at one place: `token` is what stands there (None where open), `known` by token.

    `bound` is the lowest one among the likeliest tokens: no token that is not in `known` has a higher one.
    """

    token: str | None
    known: dict[str, float]
    bound: float


@contextmanager
def reading(where: str) -> Iterator[None]:
    """A `with` around reading an answer: a `CallError` if it is not laid out as it should be."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise CallError(
            f"{where} answered something that is no completion with log-probabilities as OpenAI lays them out: "
            f"{type(error).__name__}: {error}."
        ) from error


def text_of(answer: dict[str, Any]) -> str:
    """The text of a completion."""
    return str(answer["choices"][0]["text"])


def next_place(answer: dict[str, Any], where: str) -> Place:
    """The first new token's place, from a completion or a chat's."""
    logprobs = _logprobs(answer, where)
    if logprobs.get("content"):
        first = logprobs["content"][0]
        known, written = _listed([*first["top_logprobs"], first]), _name(first)
    elif logprobs.get("top_logprobs"):
        known, written = _numbers(logprobs["top_logprobs"][0].items()), str(logprobs["tokens"][0])
    else:
        raise CallError(f"{where} wrote nothing, so there is no next token. Try another prompt.")
    if not known:
        raise CallError(f"{where} lists no log-probability for the next token. Raise top_logprobs=.")
    return Place(None, known, _bound(known, written))


def echoed_places(answer: dict[str, Any], prompt: str, continuation: str, where: str) -> list[Place]:
    """The places of the continuation's tokens, from a completion of prompt and continuation that echoes both."""
    if not text_of(answer).startswith(prompt + continuation):
        raise UnsupportedError(
            f"{where} does not echo the prompt, so a continuation cannot be scored. Leave it out to explain the next "
            f"token. vLLM, SGLang and llama-cpp-python echo."
        )
    logprobs = _logprobs(answer, where)
    tokens, numbers = [str(t) for t in logprobs["tokens"]], logprobs["token_logprobs"]
    written = (answer.get("usage") or {}).get("completion_tokens", 1)
    start, end = _span(tokens, logprobs.get("text_offset") or [], prompt, continuation, written)
    if numbers[start] is None:
        raise InputError("The server gives no log-probability to a first token with nothing in front of it.")
    listed = logprobs.get("top_logprobs") or [None] * len(tokens)
    places = []
    for i in range(start, end):
        known = _numbers([*(listed[i] or {}).items(), (tokens[i], numbers[i])])
        places.append(Place(tokens[i], known, _bound(known, tokens[i])))
    return places


def _logprobs(answer: dict[str, Any], where: str) -> dict[str, Any]:
    found = answer["choices"][0].get("logprobs")
    if found is None:
        raise UnsupportedError(
            f"{where} returned no log-probabilities, and these are what is explained. vLLM, SGLang and llama.cpp "
            f"return them; transformers serve does not."
        )
    return dict(found)


def _span(
    tokens: Sequence[str], offsets: Sequence[int], prompt: str, continuation: str, written: int
) -> tuple[int, int]:
    """Which tokens are the continuation's: those whose texts, in front of what was written, join to it.

    Offsets are asked only where they do not, as with a character made of several tokens: some servers count a
    control token in front of the prompt in them.
    """
    for behind in dict.fromkeys((written, 0)):
        start = end = len(tokens) - behind
        joined = ""
        while start > 0 and len(joined) < len(continuation):
            start -= 1
            joined = tokens[start] + joined
        if joined == continuation:
            return start, end
    borders = len(prompt), len(prompt) + len(continuation)
    if len(offsets) == len(tokens) and offsets[0] == 0 and borders[0] in offsets:
        inside = [i for i, offset in enumerate(offsets) if borders[0] <= offset < borders[1]]
        if inside[-1] + 1 == len(tokens) or offsets[inside[-1] + 1] == borders[1]:
            return inside[0], inside[-1] + 1
    raise InputError(
        f"The server's tokens do not begin and end where the continuation {continuation!r} does: they end in "
        f"{list(tokens[-6:])}. Move the border, such as a space from the end of the prompt to the continuation."
    )


def _bound(known: dict[str, float], besides: str) -> float:
    """The lowest number of the likeliest tokens; `besides` may be listed without being one of them."""
    likeliest = [number for token, number in known.items() if token != besides]
    return min(likeliest or known.values(), default=float("nan"))


def _listed(entries: Sequence[dict[str, Any]]) -> dict[str, float]:
    """The numbers of a chat's entries, by token; the first of two that are the same."""
    return _numbers((_name(entry), entry["logprob"]) for entry in reversed(entries))


def _name(entry: dict[str, Any]) -> str:
    """A token's text, or its bytes where they are only a part of a character."""
    raw = bytes(entry.get("bytes") or ())
    try:
        raw.decode()
    except UnicodeDecodeError:
        return f"<0x{raw.hex().upper()}>"
    return str(entry["token"])


def _numbers(pairs: Any) -> dict[str, float]:
    """The log-probabilities that are known; those of None, not a number, or far too low to be one are not."""
    known = {str(token): float(number) for token, number in pairs if number is not None}
    return {token: number for token, number in known.items() if number > _UNLIKELY or number == float("-inf")}
