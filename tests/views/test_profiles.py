"""Units with their tokens and texts: the same is said in every format, and signs show without colour."""

import re

import pytest

from views.measured import profiles
from views.page import Page
from views.test_untrusted import Skeleton
from views.untrusted import PAYLOADS
from whence.views import html
from whence.views.token_text import readable


def test_the_page_says_what_the_terminal_does(printed) -> None:
    shown = Page(html.render([profiles()]))
    for words in (
        "predicted “ Paris” 12.84 logit",
        "the 2 of largest |relevance| of 46080 units of kind neuron",
        "layer 3 neuron 17 +3.02 logit most at “ city”: +2.50",
        "layer 1 head 2 −0.40 logit",
        "no tokens:  city writes no one direction.",
        "1. text 5 of 12 · activation 4.5 at “ city”",
        "largest activation among 12 texts",
        "smollm2 · 13 forwards · 1 backward · 2.5 s",
    ):
        assert " ".join(words.split()) in " ".join(shown.text.split())
    assert "layer 1 head 2 · −0.40 logit · most at “ of”: −0.50" in printed(profiles())
    assert [attrs["aria-label"] for attrs in shown.with_class("whence-unit-tokens")] == [
        "Tokens it promotes",
        "Tokens it suppresses",
    ]


def test_the_first_unit_is_open_and_every_other_can_be_opened() -> None:
    units = Page(html.render([profiles()])).with_class("whence-unit")
    assert ["open" in attrs for attrs in units] == [True, False]


def test_the_token_of_largest_activation_is_framed() -> None:
    (marked,) = Page(html.render([profiles()])).with_class("whence-marked")
    assert marked["aria-label"].endswith(": +4.00 activation")
    assert " city" in marked["aria-label"]


def test_the_whole_text_is_there_and_what_was_not_read_has_no_colour() -> None:
    page = Page(html.render([profiles()]))
    (unread,) = page.with_class("whence-heat-unread")
    assert unread["aria-label"] == " of: not read yet when this was predicted"
    assert "style" not in unread
    assert "without colour: not read yet when this was predicted" in page.text


def test_what_is_suppressed_or_against_is_underlined() -> None:
    negative = Page(html.render([profiles()], fragment=True)).with_class("whence-negative")
    assert len([attrs for attrs in negative if "whence-unit-score" in attrs["class"]]) == 1
    assert len([attrs for attrs in negative if "underline" in attrs.get("style", "")]) == 3


def test_a_page_is_named_after_what_it_explains() -> None:
    assert re.search("<title>Inside the model: predicted “ Paris” 12.84 logit</title>", html.render([profiles()]))
    assert "Neurons · predicted “ Paris” 12.84 logit (2)" in html.render([profiles(), profiles()])


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_changes_what_a_page_is_made_of(payload) -> None:
    shown = Skeleton(html.render([profiles(payload)]))
    assert shown.parts == Skeleton(html.render([profiles("safe")])).parts
    assert readable(payload) in shown.words


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_control_code_reaches_a_terminal(printed, payload) -> None:
    assert not set(printed(profiles(payload), width=200)) & set("\x00\x1b\x9b\u202e\u2066\r")
