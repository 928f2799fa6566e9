import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from whence.records import Token
from whence.views.token_text import gaps, isolated, quoted, readable, readable_tokens

ANY_TEXT = st.text(st.characters())
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" Paris", " Paris"),
        ("    return", "    return"),
        ("\n\n", "⏎⏎"),
        ("\tx", "⇥x"),
        ("\r", "␍"),
        ("\x00", "␀"),
        ("\x7f", "␡"),
        ("\x85", "⟨U+0085⟩"),
        ("\x9b31m", "⟨U+009B⟩31m"),
        ("\x1b[31mred", "␛[31mred"),
        ("   ", "␣␣␣"),
        ("", "∅"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("\u2066", "⟨U+2066⟩"),
        ("\u200f", "⟨U+200F⟩"),
        ("\u200b", "⟨U+200B⟩"),
        ("\ufeffx", "⟨U+FEFF⟩x"),
        ("\ud83d", "⟨U+D83D⟩"),
        ("\ue000", "⟨U+E000⟩"),
        ("\u0378", "⟨U+0378⟩"),
        ("\u2028", "⟨U+2028⟩"),
        ("\u00a0x", "⟨U+00A0⟩x"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("\U000e0100", "⟨U+E0100⟩"),
        ("\ufffd", "⟨U+FFFD⟩"),
        ("\u3164", "⟨U+3164⟩"),
        ("❤\ufe0f", "❤\ufe0f"),
        (" \u0301", " ◌\u0301"),
        ("[red]", "[red]"),
        ("東京", "東京"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("🏳\ufe0f\u200d🌈", "🏳\ufe0f\u200d🌈"),
        ("👩🏽\u200d⚕\ufe0f", "👩🏽\u200d⚕\ufe0f"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("ශ්\u200dරී", "ශ්\u200dරී"),
        ("\u200d", "⟨U+200D⟩"),
        ("pay\u200dpal", "pay⟨U+200D⟩pal"),
        ("pay\u200cpal", "pay⟨U+200C⟩pal"),
        ("1\u200d2", "1⟨U+200D⟩2"),
        ("©\u200d®", "©⟨U+200D⟩®"),
        ("👩\u200dx", "👩⟨U+200D⟩x"),
        ("👩\u200d\u200d🚀", "👩⟨U+200D⟩⟨U+200D⟩🚀"),
        ("ک\u200dک", "ک⟨U+200D⟩ک"),
        ("کار\u200cها", "کار⟨U+200C⟩ها"),
        ("می\u200c", "می⟨U+200C⟩"),
        ("க்\u200cக", "க்⟨U+200C⟩க"),
        (" שלום", " שלום"),
    ],
)
def test_every_kind_of_character_can_be_read(text: str, shown: str) -> None:
    assert readable(text) == shown


@given(ANY_TEXT)
def test_nothing_unseen_is_left(text: str) -> None:
    shown = readable(text)
    assert shown.strip(" ")
    assert not {c for c in shown if unicodedata.category(c) in UNSEEN and c not in " \u200c\u200d"}
    shown.encode()


@given(st.text(st.sampled_from("aяé1-. \u200c\u200d\u0301\ufe0f©🏽👩🚀بخدनष्\u093cக\u0bcd日\u0378")))
def test_a_joiner_is_left_only_between_those_that_it_joins(text: str) -> None:
    shown = readable(text)
    for i, character in enumerate(shown):
        if character in "\u200c\u200d":
            around = [regex.findall(r"[\p{L}\p{Extended_Pictographic}]", part) for part in (shown[:i], shown[i + 1 :])]
            assert around[0][-1] + around[1][0] in {a + b for one in ("👩🚀", "بخ", "नष") for a in one for b in one} | {
                f"{a}د" for a in "بخ"
            } | {"©👩", "©🚀", "👩©", "🚀©", "©©"}
            assert shown[i + 1] not in "\u200c\u200d"
    assert readable(shown) == shown


@given(ANY_TEXT)
def test_reading_twice_changes_nothing(text: str) -> None:
    assert readable(readable(text)) == readable(text)


@given(st.text(st.characters(categories=["L", "N", "P"], max_codepoint=0x2FF), min_size=1))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert readable(text) == text


@given(st.lists(st.builds(Token, ANY_TEXT, st.none(), st.integers(0, 3), st.integers(0, 3)), max_size=12))
def test_every_token_keeps_its_place(tokens: list[Token]) -> None:
    shown = readable_tokens(tokens)
    assert len(shown) == len(tokens)
    assert all(text.startswith(readable(token.text)) for text, token in zip(shown, tokens, strict=True))


def test_byte_tokens_of_one_character_are_numbered() -> None:
    tower = Token(" 🗼", 1, 3, 5)
    tokens = [Token("the", 0, 0, 3), tower, tower, tower, Token(".", 2, 5, 6)]
    assert readable_tokens(tokens) == ["the", " 🗼₁", " 🗼₂", " 🗼₃", "."]


def test_tokens_that_only_look_alike_are_not_numbered() -> None:
    repeated = [Token("a", 1, 0, 1), Token("a", 1, 1, 2)]
    added = [Token("<pad>", 0, None, None, special=True)] * 2
    empty = [Token("", 0, 0, 0)] * 2
    assert readable_tokens([*repeated, *added, *empty]) == ["a", "a", "<pad>", "<pad>", "∅", "∅"]


def test_a_gap_is_where_the_text_goes_on_elsewhere() -> None:
    tokens = [
        Token("[CLS]", 1, special=True),
        Token("The", 2, 0, 3),
        Token("film", 3, 4, 8),
        Token("s", 4, 8, 9),
        Token(" was", 5, 9, 13),
        Token("🗼", 6, 14, 15),
        Token("🗼", 7, 14, 15),
        Token("The", 2, 0, 3),
    ]
    assert gaps(tokens) == [False, False, True, False, False, True, False, True]
    assert gaps([]) == []


def test_only_right_to_left_text_is_closed_off() -> None:
    assert isolated("Tower") == "Tower"
    assert isolated("שלום") == "\u2068שלום\u2069"
    assert quoted("سلام") == "“\u2068سلام\u2069”"


def test_bytes_of_one_character_are_numbered_also_where_the_first_has_a_space() -> None:
    tokens = [Token(" 💙", 1, 1, 3), Token("💙", 2, 2, 3), Token("💙", 3, 2, 3), Token(" x", 4, 3, 5)]
    assert readable_tokens(tokens) == [" 💙₁", "💙₂", "💙₃", " x"]
    assert gaps(tokens) == [False] * 4
