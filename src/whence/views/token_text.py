"""A token's text as something that can be read, and that can do nothing but be read.

Token text is data from a model or a user: it may hold control codes, terminal escapes, characters that reverse the
reading direction or that cannot be seen at all. Each of those becomes a visible sign of itself.
"""

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import regex

from whence.records import Token

_SIGNS = {"\n": "⏎", "\t": "⇥", "\x7f": "␡"}
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"})
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffd")
_VARIATIONS_SEEN = frozenset("\ufe0e\ufe0f")
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_JOINERS = frozenset("\u200c\u200d")
_CONJUNCT_SCRIPTS = ("Devanagari", "Bengali", "Gujarati", "Oriya", "Telugu", "Kannada", "Malayalam", "Sinhala")
"""Scripts where a joiner after the sign that drops a vowel chooses how two letters are written together."""
_CONJUNCTS = "|".join(
    rf"(?<=[\p{{sc={script}}}&&\p{{L}}]\p{{Mn}}?[\p{{sc={script}}}&&\p{{ccc=9}}])[\u200c\u200d]"
    rf"(?=[\p{{sc={script}}}&&\p{{L}}])"
    for script in _CONJUNCT_SCRIPTS
)
_PICTOGRAPH = (
    r"(?:[\p{Extended_Pictographic}&&\p{Emoji_Presentation}]|\p{Extended_Pictographic}[\ufe0f\p{Emoji_Modifier}])"
    r"\p{Emoji_Modifier}?"
)
"""A picture in its own right, as © is none."""
_JOINER = regex.compile(
    rf"(?V1)(?P<seen>(?<={_PICTOGRAPH})\u200d(?={_PICTOGRAPH})"
    r"|(?<=[\p{sc=Arabic}&&\p{jt=D}]\p{Mn}*)\u200c(?=[\p{sc=Arabic}&&[\p{jt=D}\p{jt=R}]])"
    rf"|{_CONJUNCTS})|[\u200c\u200d]"
)
"""A joiner; `seen` where it changes what is drawn, as RFC 5892 (appendix A.1 and A.2) and UAX 29 (GB11) have it:
between pictographs, between Arabic letters that would join without it, inside an Indic conjunct."""
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def readable(text: str) -> str:
    """The text with everything invisible made visible; ordinary spaces stay, unless there is nothing else.

    A joiner stays where it changes how its neighbours are drawn, as in an emoji or between Persian letters.

    >>> readable(" Paris"), readable("\\n"), readable("  "), readable("")
    (' Paris', '⏎', '␣␣', '∅')
    >>> readable("\\x1b[31m"), readable("a\\u202eb")
    ('␛[31m', 'a⟨U+202E⟩b')
    >>> readable("a\\u200db"), readable("👩\\u200d🚀") == "👩\\u200d🚀"
    ('a⟨U+200D⟩b', True)
    """
    if not text:
        return "∅"
    if not text.strip(" "):
        return "␣" * len(text)
    shown = "".join(character if character in _JOINERS else _sign(character) for character in text)
    shown = _JOINER.sub(lambda found: found[0] if found["seen"] else code_point(found[0]), shown)
    core = shown.lstrip(" ")
    bare_mark = unicodedata.category(core[0]).startswith("M")
    return shown[: len(shown) - len(core)] + "◌" + core if bare_mark else shown


def readable_tokens(tokens: Sequence[Token]) -> list[str]:
    """The readable text of each token; byte tokens that share one character are that character, numbered.

    >>> tower = Token("🗼", 1, 0, 1)
    >>> readable_tokens([tower, tower, Token(" in", 2, 1, 4)])
    ['🗼₁', '🗼₂', ' in']
    """
    shown: list[str] = []
    for members in _runs(tokens):
        parts = [""] if len(members) == 1 else [str(i + 1).translate(_SUBSCRIPTS) for i in range(len(members))]
        shown += [readable(token.text) + part for token, part in zip(members, parts, strict=True)]
    return shown


def gaps(tokens: Sequence[Token]) -> list[bool]:
    """For each token, whether the text it is from goes on elsewhere than where the token before it ended.

    Word pieces and words carry no space of their own; a space belongs between them all the same.

    >>> gaps([Token("The", 1, 0, 3), Token("film", 2, 4, 8), Token("s", 3, 8, 9)])
    [False, True, False]
    """
    return [False, *(_apart(before, after) for before, after in pairwise(tokens))][: len(tokens)]


def borders(tokens: Sequence[Token]) -> list[bool]:
    """For each token, whether it is the first of what a decoder has read, behind what the encoder has.

    >>> borders([Token("Hi", 1, role="source"), Token("<s>", 0, role="target"), Token("Salut", 2, role="target")])
    [False, True, False]
    """
    return [False, *((a.role, b.role) == ("source", "target") for a, b in pairwise(tokens))][: len(tokens)]


def isolated(text: str) -> str:
    """The text, closed off where it runs right to left, so that its neighbours keep their places on a line."""
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text):
        return f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"
    return text


def reads_right_to_left(texts: Sequence[str]) -> bool:
    """Whether the first letter with a direction of its own is of a script written from right to left.

    >>> reads_right_to_left(["1 ", "مرحبا"]), reads_right_to_left(["The ", "مرحبا"])
    (True, False)
    """
    directions = (unicodedata.bidirectional(character) for text in texts for character in text)
    return next((d for d in directions if d == "L" or d in ("R", "AL")), "L") != "L"


def quoted(text: str) -> str:
    """The readable text between quotation marks.

    >>> quoted(" Paris")
    '“ Paris”'
    """
    return f"“{isolated(readable(text))}”"


def code_point(character: str) -> str:
    """The name of a character that cannot be shown itself.

    >>> code_point("\\u202e")
    '⟨U+202E⟩'
    """
    return f"⟨U+{ord(character):04X}⟩"


def _apart(before: Token, after: Token) -> bool:
    if before.end is None or after.start is None or _overlap(before, after):
        return False
    return after.start != before.end and not after.text.startswith(" ")


def _runs(tokens: Sequence[Token]) -> list[list[Token]]:
    """The tokens in order, those that share a character with the one before them in its list."""
    runs: list[list[Token]] = []
    for token in tokens:
        if runs and _overlap(runs[-1][-1], token):
            runs[-1].append(token)
        else:
            runs.append([token])
    return runs


def _overlap(before: Token, after: Token) -> bool:
    if before.special or after.special or before.start is None or before.end is None:
        return False
    return after.start is not None and after.end is not None and before.start < after.end and after.start < before.end


def _sign(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    if character < " ":
        return chr(0x2400 + ord(character))
    return code_point(character) if _is_hidden(character) else character


def _is_hidden(character: str) -> bool:
    if character == " " or character in _VARIATIONS_SEEN:
        return False
    is_variation = "\ufe00" <= character <= "\ufe0d" or "\U000e0100" <= character <= "\U000e01ef"
    return is_variation or character in _BLANK_LETTERS or unicodedata.category(character) in _HIDDEN_CATEGORIES
