"""Inputs of several named parts, and the tokens chosen within one."""

from collections.abc import Mapping, Sequence

from whence.errors import InputError
from whence.records import Token
from whence.subjects.subject import At, refuse_empty


def texts_of(data: object, needed: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, str]:
    """The texts of a dict such as `{"question": ..., "context": ...}`, in that order; `InputError` for any other."""
    example = "{" + ", ".join(f"{name!r}: ..." for name in (*needed, *optional)) + "}"
    if not isinstance(data, Mapping):
        raise InputError(f"Cannot explain input of type {type(data).__name__}. Wanted: a dict {example}.")
    missing = [name for name in needed if name not in data]
    unknown = [name for name in data if name not in needed + optional]
    if missing or unknown:
        said = [f"lacks {', '.join(map(repr, missing))}"] if missing else []
        said += [f"has {', '.join(map(repr, unknown))}, which is not read"] if unknown else []
        raise InputError(f"The input {' and '.join(said)}. Wanted: {example}.")
    texts = {name: data[name] for name in (*needed, *optional) if name in needed or data.get(name) is not None}
    for name, text in texts.items():
        try:
            refuse_empty(text)
        except InputError as error:
            raise InputError(f"{name!r}: {error}") from error
    return texts


def chosen_tokens(tokens: Sequence[Token], text: str, at: At) -> list[int]:
    """The indices that `at` chooses: an index, or every token that each occurrence of a text covers, or several."""
    if isinstance(at, Sequence) and not isinstance(at, str):
        return sorted({i for one in each_choice(at) for i in chosen_tokens(tokens, text, one)})
    if isinstance(at, int) and not isinstance(at, bool):
        if not 0 <= at < len(tokens):
            raise InputError(f"There is no token {at}: the input has the tokens 0 to {len(tokens) - 1}.")
        return [at]
    if not isinstance(at, str):
        raise InputError(f"at= takes a text of the input, a token index, or a list of these, got {at!r}.")
    if all(token.start is None for token in tokens):
        raise InputError("This tokenizer keeps no places in the text: choose tokens by their index, such as at=3.")
    found = sorted({i for start in _places(text, at) for i in _covered(tokens, text, start, start + len(at))})
    if not found:
        raise InputError(f"{at!r} covers no token of {text!r}. Name a part of it, or a token index.")
    return found


def each_choice(at: At) -> list[str | int]:
    """What `at` chooses, one by one; `InputError` for an empty list."""
    choices = [at] if isinstance(at, str | int) else list(at)
    if not choices:
        raise InputError("at= is an empty list: name a text or a token index, or leave it out.")
    return choices


def _places(text: str, part: str) -> list[int]:
    if not part.strip():
        return []
    return [i for i in range(len(text) - len(part) + 1) if text.startswith(part, i)]


def _covered(tokens: Sequence[Token], text: str, start: int, end: int) -> list[int]:
    """Tokens that share more than white space with a span."""
    return [
        i
        for i, token in enumerate(tokens)
        if token.start is not None
        and token.end is not None
        and text[max(token.start, start) : min(token.end, end)].strip()
    ]
