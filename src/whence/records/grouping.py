"""Which tokens make up a word, a sentence or a given span.

A group is a list of token indices. Groups never mix roles, and a special token is always a group of its own.
"""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from whence.errors import InputError
from whence.records.tokens import Token

_SENTENCE_END = re.compile(r"[.!?\u2026\u3002\uff01\uff1f][\"')\]\u2019\u201d\u300d]*\s*$|\n\s*$")


def word_groups(tokens: Sequence[Token]) -> list[list[int]]:
    """Token indices of each word: a run of tokens with no white space, offset gap or change of role between them."""
    return _runs(tokens, _starts_word)


def sentence_groups(tokens: Sequence[Token]) -> list[list[int]]:
    """Token indices of each sentence: words up to closing punctuation or a line break ("Dr." closes one too)."""

    def starts(previous: Token, token: Token) -> bool:
        return _starts_word(previous, token) and bool(_SENTENCE_END.search(previous.text))

    return _runs(tokens, starts)


def span_groups(tokens: Sequence[Token], spans: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Token indices of each character span; a span that cuts through a token, or shares one, is an error."""
    groups: list[list[int]] = []
    taken: dict[int, tuple[int, int]] = {}
    for span in spans:
        start, end = span
        group = [i for i, t in enumerate(tokens) if _overlaps(t, start, end)]
        if start >= end or not group:
            raise InputError(
                f"Segment {span} covers no token. Spans are (start, end) character offsets, end exclusive."
            )
        for i in group:
            if not _covers(tokens[i], start, end):
                token = tokens[i]
                raise InputError(
                    f"Segment {span} cuts through the token {token.text!r} at ({token.start}, {token.end}). "
                    f"Move the segment's border to the token's."
                )
            if i in taken:
                raise InputError(f"Segments {taken[i]} and {span} share the token {tokens[i].text!r}.")
            taken[i] = span
        groups.append(group)
    return groups


def merge(tokens: Sequence[Token], group: Sequence[int], text: str | None) -> Token:
    """One token for a group: its text stripped of outer white space, its offsets, its role."""
    members = [tokens[i] for i in group]
    starts = [t.start for t in members if t.start is not None]
    ends = [t.end for t in members if t.end is not None]
    start, end = (min(starts), max(ends)) if starts else (None, None)
    surface = text[start:end] if text is not None and start is not None else _joined(members)
    kept = surface.strip() or surface
    if start is not None:
        start += surface.index(kept)
        end = start + len(kept)
    token_id = members[0].id if len(members) == 1 else None
    return Token(kept, token_id, start, end, members[0].role, all(t.special for t in members))


def _runs(tokens: Sequence[Token], starts: Callable[[Token, Token], bool]) -> list[list[int]]:
    groups: list[list[int]] = []
    for i, token in enumerate(tokens):
        previous = tokens[i - 1] if i else None
        if (
            previous is None
            or _border(previous, token)
            or (starts(previous, token) and not _share_a_character(previous, token))
        ):
            groups.append([])
        groups[-1].append(i)
    return groups


def _border(previous: Token, token: Token) -> bool:
    return previous.special or token.special or previous.role != token.role


def _starts_word(previous: Token, token: Token) -> bool:
    gap = previous.end is not None and token.start is not None and token.start > previous.end
    return gap or token.text[:1].isspace() or previous.text[-1:].isspace()


def _share_a_character(previous: Token, token: Token) -> bool:
    return token.start is not None and previous.end is not None and token.start < previous.end


def _overlaps(token: Token, start: int, end: int) -> bool:
    return token.start is not None and token.end is not None and token.start < end and token.end > start


def _covers(token: Token, start: int, end: int) -> bool:
    """Whether the span holds the token, leading white space aside."""
    if token.start is None or token.end is None:
        return False
    lead = len(token.text) - len(token.text.lstrip())
    return start <= token.start + lead and token.end <= end


def _joined(members: Sequence[Token]) -> str:
    parts = [members[0].text]
    for previous, token in pairwise(members):
        if _share_a_character(previous, token):
            continue
        gap = token.start is not None and previous.end is not None and token.start > previous.end
        parts.append((" " if gap else "") + token.text)
    return "".join(parts)
