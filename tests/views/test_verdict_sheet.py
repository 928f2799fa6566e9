import re

import pytest

from views.measured import finding, verdict
from views.page import Page
from views.test_untrusted import Skeleton
from views.untrusted import PAYLOADS
from whence.records import Reference
from whence.views import html
from whence.views.token_text import readable

PLAIN = """\
Verdict: attnlrp on smollm2 · 3 inputs · 1 passed · 1 failed · 1 not applicable

  check                    status            statistic         held against
  parameter_randomization  ✓ passed          0.04 rank         0.900 [0.850,
                                             correlation       0.930] another
                                                               seed
  completeness             ✗ failed          0.04 rank         0.900 [0.850,
                                             correlation       0.930] another
                                                               seed
  roar                     – not applicable  —                 —

✓ parameter_randomization: passed
  The ranks change.
  rank correlation: 0.04
  another seed: 0.900 [0.850, 0.930] (95 % of draws, 10 draws)

✗ completeness: failed
  The ranks change.
  rank correlation: 0.04
  another seed: 0.900 [0.850, 0.930] (95 % of draws, 10 draws)

– roar: not applicable
  The ranks change.

  not tested           why
  label_randomization  it trains models

attnlrp passed 1 of 2 checks on 3 inputs; failed: completeness; not tested:
roar, label_randomization. Checks can find a method wanting; they cannot show
that an explanation is right.

smollm2 · 0.5 s
"""


def lines(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def page(record, **options) -> Page:
    return Page(html.render([record], **options))


def test_the_terminal_says_all_of_it_in_80_columns(printed) -> None:
    assert lines(printed(verdict())) == PLAIN


@pytest.mark.parametrize("no_color", [False, True])
def test_colours_add_nothing_to_what_is_said(printed, no_color) -> None:
    record = verdict()
    shown = printed(record, force_terminal=True, color_system="truecolor", no_color=no_color)
    assert re.sub(r"\x1b\[[\d;]*m", "", shown) == printed(record)
    assert not no_color or not re.search(r"\x1b\[(?:\d;)*[34]\d", shown)


@pytest.mark.parametrize("fragment", [False, True])
def test_the_page_says_the_same(fragment) -> None:
    shown = page(verdict(), fragment=fragment).text
    for words in (
        "Verdict: attnlrp on smollm2 · 3 inputs · 1 passed · 1 failed · 1 not applicable",
        "✓ passed parameter_randomization The ranks change. rank correlation: 0.04 another seed: 0.900",
        "✗ failed completeness",
        "– not applicable roar",
        "label_randomization it trains models",
        "they cannot show that an explanation is right",
    ):
        assert words in shown


def test_no_view_calls_anything_correct(printed) -> None:
    passed = verdict(finding(), untested=())
    for shown in (printed(passed), page(passed).text, passed._repr_html_(), repr(passed)):
        assert "correct" not in shown.replace("whence-", "").lower()


def test_each_status_has_a_word_and_a_mark_of_its_own() -> None:
    classes = [attrs["class"] for attrs in page(verdict()).with_class("whence-status")]
    assert classes == ["whence-status whence-good", "whence-status whence-bad", "whence-status whence-none"]


def test_a_page_asks_for_nothing_and_runs_nothing() -> None:
    source = html.render([verdict(finding(details={"curve": [[0, 1.0], [1, 0.5], [2, 0.25]]}))])
    assert "http" not in source
    assert not {"script", "link", "img", "image", "iframe"} & {tag for tag, _ in Page(source).elements}
    assert "NaN" not in source


def test_a_notebook_gets_a_fragment() -> None:
    shown = verdict()._repr_html_()
    assert shown.startswith("<div")
    assert "they cannot show" in shown


def test_a_verdict_without_checks_or_model_is_shown(printed) -> None:
    empty = verdict(findings=(), untested=(), provenance={})
    assert lines(printed(empty)).startswith("Verdict: attnlrp · 3 inputs · 0 passed · 0 failed\n")
    assert "passed 0 of 0 checks" in page(empty).text


def test_details_are_curves_tables_or_names_and_values(printed) -> None:
    details = {
        "by stage": [[0, 1.0], [1, 0.5], [3, 0.25]],
        "layers": [{"name": "head", "rho": 0.31234}, {"name": "layer 1", "rho": None}],
        "largest": 0.123456789,
        "trained": True,
        "nothing": None,
        "shares": [0.1, 0.25],
        "by repeat": {"method": [[0.1, 0.2], [0.3, 0.4]], "deep": {"er": 2}},
        "empty": [],
        "bare": {},
    }
    record = verdict(finding(details=details))
    shown = page(record)
    for words in (
        "by stage 1 → 0.25",
        "layers name rho head 0.3123 layer 1 null",
        "largest 0.1235",
        "trained true",
        "nothing null",
        "shares 0.1, 0.25",
        "by repeat · method (0.1, 0.2), (0.3, 0.4)",
        "by repeat · deep.er 2",
        "empty none",
    ):
        assert words in shown.text
    assert len(shown.with_class("whence-chart")) == 1
    assert "by stage      1  █" in printed(record)


@pytest.mark.parametrize(
    "value",
    [
        [[0, 1.0], [0, 0.5], [1, 0.25]],
        [["head", 1.0], ["layer 1", 0.5], ["layer 0", 0.25]],
        [[0, None], [1, 2.0], [2, 3.0]],
        [[0, True], [1, 2.0], [2, 3.0]],
        [[0, 1.0], [1, 0.5]],
        [{"a": 1}, {"b": 2}],
        [{}, {}],
        [[[[1]]]],
        "text",
    ],
)
def test_what_is_no_curve_is_still_shown(printed, value) -> None:
    record = verdict(finding(details={"odd": value}))
    assert not page(record).with_class("whence-chart")
    assert "odd" in page(record).text
    printed(record)


def everywhere(text: str):
    details = {text: [[0, 1.0], [1, 0.5], [2, 0.1]], f"{text}1": [{text: text}], f"{text}2": {text: {text: [text]}}}
    one = finding(
        text, sentence=text, statistic=text, reference=Reference(text, 0.0, 0.0, 1.0, 3, text), details=details
    )
    return verdict(one, method=text, untested=((text, text),), provenance={"model": text, text: text})


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_changes_what_a_page_is_made_of(payload) -> None:
    shown = Skeleton(html.render([everywhere(payload)]))
    assert shown.parts == Skeleton(html.render([everywhere("safe")])).parts
    assert readable(payload) in shown.words


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_control_code_reaches_a_terminal(printed, payload) -> None:
    assert not set(printed(everywhere(payload), width=200)) & set("\x00\x1b\x9b\u202e\u2066\r")


def test_a_statistic_that_could_not_be_taken_is_none_and_not_a_number(printed) -> None:
    assert "rank correlation: none" in printed(verdict(finding(value=None), untested=()))
    assert "rank correlation" not in printed(verdict(finding(status="not applicable"), untested=()))
