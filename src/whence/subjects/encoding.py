"""From a tokenizer's ids and offsets to tokens: nothing decoded and re-tokenised."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from whence.errors import InputError, UnsupportedError
from whence.records import Token


def encode_text(
    tokenizer: Any, text: str, role: str | Callable[[int, int], str], add_special_tokens: bool
) -> tuple[Token, ...]:
    """The tokens of `text`, with ids as the tokenizer gives them.

    `role` is one role for all, or a function of a token's character span. Where the tokenizer keeps no offsets (it is
    not a fast one), tokens have none either.
    """
    encoded = call(tokenizer, text, add_special_tokens, return_offsets_mapping=tokenizer.is_fast)
    ids = encoded["input_ids"]
    offsets = encoded["offset_mapping"] if tokenizer.is_fast else [None] * len(ids)
    special = special_ids(tokenizer)
    return tuple(_token(tokenizer, text, i, span, role, special) for i, span in zip(ids, offsets, strict=True))


@dataclass(frozen=True)
class Encoded:
    """One or two texts as the model reads them.

    `text` is what offsets index: both texts, a line break between them. `token_types` say which text each token
    belongs to, where the tokenizer says so.
    """

    tokens: tuple[Token, ...]
    text: str
    token_types: tuple[int, ...] | None


def encode_texts(tokenizer: Any, texts: Mapping[str, str]) -> Encoded:
    """One text or a pair by role, with the control tokens that the tokenizer adds.

    The names are the tokens' roles; a control token has the role of the text in front of it.
    """
    roles, parts = list(texts), list(texts.values())
    if len(parts) == 2 and not tokenizer.is_fast:
        raise UnsupportedError(
            f"{type(tokenizer).__name__} does not say which of two texts a token belongs to. Load the fast tokenizer."
        )
    pair = {"text_pair": parts[1]} if len(parts) == 2 else {}
    encoded = call(tokenizer, parts[0], True, return_offsets_mapping=tokenizer.is_fast, **pair)
    ids = encoded["input_ids"]
    offsets = encoded["offset_mapping"] if tokenizer.is_fast else [None] * len(ids)
    numbers = encoded.sequence_ids() if tokenizer.is_fast else [0] * len(ids)
    text, special = "\n".join(parts), special_ids(tokenizer)
    tokens, last = [], 0
    for token_id, span, number in zip(ids, offsets, numbers, strict=True):
        last = last if number is None else number
        shift = len(parts[0]) + 1 if last == 1 else 0
        place = None if span is None or number is None else (span[0] + shift, span[1] + shift)
        tokens.append(_token(tokenizer, text, token_id, place, roles[last], special))
    types = encoded.get("token_type_ids")
    return Encoded(tuple(tokens), text, None if types is None else tuple(types))


def call(tokenizer: Any, text: str | None, add_special_tokens: bool, **options: Any) -> Any:
    """The tokenizer's own encoding of the whole text, the tokenizer left as it was.

    Calling a fast tokenizer resets the truncation and padding that were set on it; they are put back.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    truncation, padding = (None, None) if backend is None else (backend.truncation, backend.padding)
    try:
        return tokenizer(text, add_special_tokens=add_special_tokens, truncation=False, verbose=False, **options)
    finally:
        if backend is not None and truncation is not None:
            backend.enable_truncation(**truncation)
        if backend is not None and padding is not None:
            backend.enable_padding(**padding)


def decoded_tokens(
    tokenizer: Any, before: Sequence[int], ids: Sequence[int], offset: int, role: str = "continuation"
) -> tuple[tuple[Token, ...], str]:
    """Tokens for `ids` after the ids `before`, and their text, from decoding ever longer prefixes.

    A character that several byte tokens spell out belongs to each of them. `offset` is where the text goes on.
    """
    first = offset
    special = special_ids(tokenizer)
    done = len(_decode(tokenizer, before))
    tokens: list[Token] = []
    for i in range(1, len(ids) + 1):
        text = _decode(tokenizer, [*before, *ids[:i]])[done:]
        if text.endswith("\ufffd") and i < len(ids):
            continue
        start, end = (offset, offset + len(text)) if text else (None, None)
        for token_id in ids[len(tokens) : i]:
            shown = text or surface(tokenizer, token_id)
            tokens.append(Token(shown, token_id, start, end, role, token_id in special))
        done, offset = done + len(text), offset + len(text)
    whole = _decode(tokenizer, [*before, *ids])
    return tuple(tokens), whole[len(whole) - (offset - first) :]


def surface(tokenizer: Any, token_id: int) -> str:
    """The text one id stands for, with its leading space; its raw piece where it is only part of a character."""
    piece = str(tokenizer.convert_ids_to_tokens(token_id))
    text = _decode(tokenizer, [token_id])
    if not text or "\ufffd" in text:
        return piece
    return " " + text if piece.startswith("▁") and not text.startswith(" ") else text


def special_ids(tokenizer: Any) -> frozenset[int]:
    """Ids of control tokens: those the tokenizer names, and added tokens marked special."""
    added = {i for i, token in getattr(tokenizer, "added_tokens_decoder", {}).items() if token.special}
    return frozenset(tokenizer.all_special_ids) | added


def context_limit(model: Any, tokenizer: Any) -> int | None:
    """How many tokens the model reads at most, None where neither model nor tokenizer says."""
    config = model.config.get_text_config()
    limits = [getattr(config, "max_position_embeddings", None), getattr(tokenizer, "model_max_length", None)]
    limits += [m.num_embeddings - m.padding_idx - 1 for m in _positions_behind_padding(model)]
    known = [int(n) for n in limits if n is not None and 0 < n < 10**9]
    return min(known) if known else None


def _positions_behind_padding(model: Any) -> list[Any]:
    """Learned positions that start behind a padding index, as RoBERTa's do."""
    named = [m for name, m in model.named_modules() if name.endswith("position_embeddings")]
    return [m for m in named if getattr(m, "padding_idx", None) is not None]


def refuse_unknown(tokens: Sequence[Token], embeddings: int) -> None:
    """An `InputError` if a token's id is beyond the model's embeddings: the tokenizer is another model's."""
    for token in tokens:
        if token.id is not None and token.id >= embeddings:
            raise InputError(
                f"The tokenizer gives {token.text!r} the id {token.id}, and the model has {embeddings} embeddings. "
                f"Is this the model's own tokenizer?"
            )


def refuse_too_long(length: int, limit: int | None) -> None:
    """An `InputError` if `length` tokens do not fit the model."""
    if limit is not None and length > limit:
        raise InputError(
            f"The input has {length} tokens and the model reads at most {limit}. "
            f"Shorten it or split it; whence never truncates silently."
        )


def _token(
    tokenizer: Any,
    text: str,
    token_id: int,
    span: tuple[int, int] | None,
    role: str | Callable[[int, int], str],
    special: frozenset[int],
) -> Token:
    if span is None or span[0] == span[1]:
        place = role if isinstance(role, str) else "template"
        return Token(surface(tokenizer, token_id), token_id, None, None, place, token_id in special)
    start, end = span
    place = role if isinstance(role, str) else role(start, end)
    covered = text[start:end]
    if covered.strip() and not str(tokenizer.convert_ids_to_tokens(token_id)).strip("▁"):
        return Token(surface(tokenizer, token_id), token_id, None, None, place, False)
    unknown_word = token_id == tokenizer.unk_token_id and covered.strip() != tokenizer.unk_token
    return Token(covered, token_id, start, end, place, token_id in special and not unknown_word)


def _decode(tokenizer: Any, ids: Sequence[int]) -> str:
    return str(tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))
