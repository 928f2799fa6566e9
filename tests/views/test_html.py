import base64
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from views.page import Page, markup
from whence.errors import InputError
from whence.records import Token
from whence.views import html
from whence.views.colors import RDBU, contrast
from whence.views.live import live
from whence.views.page_script import script, script_hash

ASKING = {"link", "img", "iframe", "object", "embed", "form", "base", "video", "audio", "use", "animate", "set"}


def rgb(code: str) -> tuple[int, int, int]:
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


@pytest.fixture(
    params=["attribution", "rows", "attention", "comparison", "comparison_rows", "disagreements", "everything"]
)
def records(request, attribution_of, comparison_of, disagreements_of):
    rows = attribution_of(scores=np.outer([1, -2, 0], np.arange(7.0)), labels=["a", "b", "c"], params={"n": {"m": 1}})
    kinds = {
        "attribution": [attribution_of(caveat="A caveat.")],
        "rows": [rows],
        "attention": [attribution_of(complete=False, unit="attention weight")],
        "comparison": [comparison_of()],
        "comparison_rows": [comparison_of(rows=3)],
        "disagreements": [disagreements_of()],
    }
    return (
        [record for group in kinds.values() for record in group]
        if request.param == "everything"
        else kinds[request.param]
    )


@pytest.mark.parametrize("fragment", [False, True])
def test_a_page_is_well_formed(records, fragment) -> None:
    assert Page(html.render(records, fragment=fragment)).roots == (["div"] if fragment else ["html"])


@pytest.mark.parametrize("fragment", [False, True])
def test_a_page_asks_for_nothing(records, fragment) -> None:
    source = html.render(records, fragment=fragment)
    page = Page(source)
    assert "http" not in markup(source)
    assert not re.search(r"url\(|@import|@font-face|javascript:", " ".join([markup(source), *page.styles]))
    assert not ASKING & {tag for tag, _ in page.elements}
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on") or name == "src"]


@pytest.mark.parametrize("fragment", [False, True])
def test_links_lead_to_places_of_the_page_and_no_name_is_given_twice(records, fragment) -> None:
    page = Page(html.render(records, fragment=fragment))
    names = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    links = [attrs["href"] for _, attrs in page.elements if "href" in attrs]
    assert len(names) == len(set(names)) == (0 if fragment else len(records))
    assert links == ([] if fragment or len(records) == 1 else [f"#{name}" for name in names])


def test_a_page_runs_our_script_alone_and_only_for_interactive_views(records) -> None:
    page = Page(html.render(records))
    views = [data["view"] for record in records if (data := live(record, RDBU)) is not None]
    assert [data["view"] for data in page.data] == views
    assert len(page.with_class("whence-live")) == len(views)
    assert page.modules == [str(script())] * bool(views)


def test_without_an_interactive_view_there_is_no_script(records) -> None:
    assert Page(html.render(records, fragment=True)).scripts == []
    assert Page(html.render([])).scripts == []


def test_the_policy_forbids_everything_but_inline_styles_and_our_script(records) -> None:
    rules = ["default-src 'none'", "style-src 'unsafe-inline'"]
    assert Page(html.render([])).policies == ["; ".join(rules)]
    if any(live(record, RDBU) is not None for record in records):
        rules.append(f"script-src '{script_hash()}'")
    assert Page(html.render(records)).policies == ["; ".join(rules)]


def test_the_hash_is_that_of_the_script_in_the_page(attribution_of) -> None:
    page = Page(html.render([attribution_of()]))
    digest = hashlib.sha256(page.modules[0].encode()).digest()
    assert page.policies[0].endswith(f"; script-src 'sha256-{base64.b64encode(digest).decode()}'")


def test_text_can_be_read_on_every_background_in_light_and_dark(records) -> None:
    styles = [attrs["style"] for _, attrs in Page(html.render(records)).elements if "--whence-dark-text" in str(attrs)]
    assert styles
    for style in styles:
        light, text, dark, dark_text = (rgb(code) for code in re.findall(r"#[0-9a-f]{6}", style))
        assert contrast(light, text) >= 4.5
        assert contrast(dark, dark_text) >= 4.5


def test_every_token_has_a_name_with_its_signed_score_and_unit(attribution_of) -> None:
    items = [attrs for attrs in Page(html.render([attribution_of()])).of("span") if attrs.get("role") == "listitem"]
    assert [item["aria-label"] for item in items] == [item["title"] for item in items]
    assert items[0]["aria-label"] == "The: −0.31 logit"
    assert items[4]["aria-label"] == " Tower: +6.84 logit"
    assert [("whence-negative" in item["class"]) for item in items] == [True, False, False, False, False, True, False]


def test_a_score_of_zero_is_not_negative(attribution_of) -> None:
    page = Page(html.render([attribution_of(scores=[0, 0, 0, 0, 0, 0, -1])]))
    items = [attrs for attrs in page.of("span") if attrs.get("role") == "listitem"]
    assert ["whence-negative" in item["class"] for item in items] == [False] * 6 + [True]


def test_one_strip_a_target_row(attribution_of) -> None:
    record = attribution_of(scores=np.outer([1, 2, 3], np.arange(7.0)), labels=["a", "b", "c"])
    page = Page(html.render([record]))
    assert len(page.with_class("whence-strip")) == 3
    assert len(page.with_class("whence-row")) == 3
    assert "scale ±18.0 logit" in page.text


def test_a_fragment_styles_nothing_but_itself() -> None:
    sheet = (Path(html.__file__).parent / "templates" / "view.css").read_text()
    selectors = [s.strip() for group in re.findall(r"([^{}]+)\{", sheet) for s in group.split(",") if "@" not in group]
    assert selectors
    assert all(re.match(r"\.whence(?![\w-])", selector) for selector in selectors)


def test_a_fragment_is_one_element_with_its_styles_inside(attribution_of) -> None:
    page = Page(html.render([attribution_of()], fragment=True))
    assert page.roots == ["div"]
    assert [tag for tag, _ in page.elements[:2]] == ["div", "style"]
    assert not {"html", "head", "body", "meta", "title"} & {tag for tag, _ in page.elements}


def test_the_numbers_are_in_a_real_table(attribution_of) -> None:
    page = Page(html.render([attribution_of(complete=False)]))
    assert len(page.of("tr")) == 8
    numbers = re.findall(r'<tr><td class="whence-right whence-quiet">(\d+)</td>', html.render([attribution_of()]))
    assert numbers[0] == "0"
    assert numbers == [str(i) for i in range(len(numbers))]
    for score in ("−0.31", "+0.92", "+6.84"):
        assert score in page.text


def test_the_evidence_and_the_costs_are_said(attribution_of) -> None:
    record = attribution_of(params={"steps": 64}, caveat="Mind this.", versions={"torch": "2.13.0"})
    text = Page(html.render([record])).text
    for words in (
        "Value 11.53 logit",
        "Baseline 0",
        "Sum of scores 11.51",
        "Residual +0.02 (0.17% of value)",
        "steps = 64",
        "Caveat. Mind this.",
        "smollm2 · 1 forward · 1 backward · 0.42 s",
        "versions.torch 2.13.0",
        "How to read this",
    ):
        assert words in text


def test_a_method_without_a_residual_says_so(attribution_of) -> None:
    text = Page(html.render([attribution_of(complete=False)])).text
    assert "none: this method does not claim that its scores add up" in text


def test_a_comparison_shows_strips_matrix_pairs_and_strongest_tokens(comparison_of) -> None:
    page = Page(html.render([comparison_of()]))
    assert len(page.with_class("whence-strip")) == 3
    assert len(page.with_class("whence-heat")) == 2
    text = page.text
    for words in (
        "attnlrp – leave_one_out −1.00 0.001 −1.00 <0.001 100% 100% 0.029 80% 0.90 0.250",
        "all equal",
        "“ Tower” −6.84",
        "top-1 top-3 p top-5 RBO p",
        "how often shuffled tokens agree as far",
    ):
        assert words in text
    assert "means over 2 target rows" in Page(html.render([comparison_of(rows=2)])).text


def test_the_title_is_the_one_given_or_names_the_target(attribution_of) -> None:
    assert "<title>Mine &lt;b&gt;</title>" in html.render([attribution_of()], title="Mine <b>")
    assert "<title>Explanation of “ Paris”</title>" in html.render([attribution_of()])
    assert "<title>Explanations</title>" in html.render([])
    assert "Mine" in html.render([attribution_of()], title="Mine", fragment=True)


def test_tokens_keep_their_order_whatever_their_direction(attribution_of) -> None:
    texts = ("שלום", " עולם", "!", " مرحبا", "a", "b", "c")
    source = html.render([attribution_of(texts)])
    strip = re.search(r'<div class="whence-strip".*?</div>', source, re.DOTALL)
    assert re.findall(r"<bdi>(.*?)</bdi>", strip[0]) == list(texts)


def test_words_stand_apart(attribution_of) -> None:
    tokens = [Token("The", 1, 0, 3), Token("film", 2, 4, 8), Token("s", 3, 8, 9)]
    source = html.render([attribution_of(tokens=tokens, scores=[1, 2, 3])])
    assert re.findall(r"</span>( ?)<span role", source) == [" ", ""]


def test_line_breaks_and_byte_tokens_are_shown(attribution_of) -> None:
    tower = Token("🗼", 1, 1, 2)
    page = Page(html.render([attribution_of(tokens=[Token("\n", 0, 0, 1), tower, tower], scores=[1, 2, 3])]))
    assert "⏎" in page.text
    assert "🗼₂" in page.text
    assert len(page.of("br")) == 1


def test_the_same_records_give_the_same_page(records) -> None:
    assert html.render(records) == html.render(records)


def test_other_things_are_refused() -> None:
    with pytest.raises(InputError, match="got dict"):
        html.render([{}])
