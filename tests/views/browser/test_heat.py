"""The interactive heat map of a text: what is pointed at, chosen and typed changes what it should, and no score."""

import re
from typing import Any

import numpy as np
import pytest

from whence.records import Token
from whence.views import html

GENERATED = ["The", " E", "iff", "el", " Tower", " is", " in", " Paris", ",", " France"]


def story(attribution_of, rows: int = 3, **options: Any) -> Any:
    """Three tokens, or as many as asked for, generated one after another, each explained by what was read before."""
    scores = np.round(np.random.default_rng(5).normal(size=(rows, len(GENERATED))), 2)
    for row in range(rows):
        scores[row, 7 + row :] = 0
    return attribution_of(GENERATED, scores, labels=GENERATED[7 : 7 + rows], **options)


def long_text(attribution_of) -> Any:
    sentence = ["It", " is", " what", " it", " was", " and", " will", " be", " again", "."]
    texts = [(" " if i and not i % 10 else "") + sentence[i % 10] for i in range(2000)]
    return attribution_of(texts, np.random.default_rng(0).normal(size=2000), visible=[2000])


def pills(page: Any) -> Any:
    return page.locator(".whence-live .whence-strip button")


def readout(page: Any) -> str:
    return page.locator(".whence-heat-readout").first.inner_text()


def test_a_token_says_its_score(opened, attribution_of) -> None:
    page = opened(html.render([attribution_of()]))
    token = page.locator(".whence-live .whence-pill").nth(4)
    assert token.get_attribute("aria-label") == " Tower: +6.84 logit"
    assert not page.locator(".whence-static").is_visible()


def test_what_is_pointed_at_is_read_out_in_a_fixed_place(opened, attribution_of) -> None:
    page = opened(html.render([attribution_of()]))
    assert "Point at a score" in readout(page)
    pills(page).nth(5).hover()
    said = " ".join(readout(page).split())
    assert "“ is”" in said
    assert "id 105 · text" in said
    assert "−0.42 logit" in said
    assert "5th of 7 by |score|" in said
    assert f"{100 * 0.42 / 12.97:.1f}% of Σ|score|" in said
    pills(page).nth(4).click()
    page.mouse.move(5, 5)
    assert "“ Tower”" in readout(page)


def test_one_stop_of_the_tab_key_and_arrow_keys_inside(opened, attribution_of) -> None:
    page = opened(html.render([attribution_of()]))
    assert page.locator('.whence-strip [tabindex="0"]').count() == 1
    pills(page).nth(0).focus()
    for key, text in [
        ("ArrowRight", " E"),
        ("End", " in"),
        ("ArrowLeft", " is"),
        ("Home", "The"),
        ("ArrowLeft", "The"),
    ]:
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith(f"{text}:")
        assert f"“{text}”" in readout(page)
        assert page.locator('.whence-strip [tabindex="0"]').count() == 1


def test_a_generated_token_shows_what_it_came_from(opened, attribution_of) -> None:
    record = story(attribution_of)
    page = opened(html.render([record]))
    assert pills(page).count() == 7
    assert page.locator(".whence-live .whence-heat-unread").all_inner_texts() == [" Paris", ",", " France"]
    assert page.locator(".whence-heat-own").inner_text() == " Paris"
    page.get_by_role("radio", name="“ Paris”").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("radio", name="“ France”").is_checked()
    assert pills(page).count() == 9
    assert (
        pills(page).nth(0).get_attribute("aria-label").startswith(f"The: {record.scores[2, 0]:+.2f}".replace("-", "−"))
    )
    account = page.locator(".whence-live .whence-evidence").inner_text()
    assert "11.53 logit" in account
    assert "Residual" in account
    page.get_by_role("radio", name="“,”").check()
    assert pills(page).count() == 8


def test_two_views_of_one_page_have_choices_of_their_own(opened, attribution_of) -> None:
    page = opened(html.render([story(attribution_of), story(attribution_of)]))
    page.get_by_role("radio", name="“ France”").nth(1).check()
    checked = page.locator(".whence-heat-targets input:checked").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert [name.split(",")[0] for name in checked] == ["“ Paris”", "“ France”"]


def test_sums_over_words_and_sentences(opened, attribution_of) -> None:
    record = attribution_of()
    page = opened(html.render([record]))
    page.get_by_role("radio", name="words").check()
    names = pills(page).evaluate_all("all => all.map(one => one.ariaLabel)")
    assert [name.split(":")[0].strip() for name in names] == [token.text for token in record.words().tokens]
    assert names[1] == " Eiffel: +5.38 logit"
    pills(page).nth(1).hover()
    assert "sum of 3 tokens" in readout(page)
    assert "sums over words" in page.locator(".whence-live .whence-legend").inner_text()
    page.get_by_role("radio", name="sentences").check()
    assert pills(page).count() == 1
    pills(page).first.click()
    assert pills(page).count() == 8
    assert pills(page).first.get_attribute("aria-expanded") == "true"
    pills(page).first.click()
    assert pills(page).count() == 1


def test_colours_without_the_first_token_and_special_ones(opened, attribution_of) -> None:
    tokens = [Token("<s>", 0, special=True), Token("a", 1, 0, 1), Token(" b", 2, 1, 3)]
    page = opened(html.render([attribution_of(tokens=tokens, scores=[50.0, 1.0, -2.0], visible=[3])]))
    names = pills(page).evaluate_all("all => all.map(one => one.ariaLabel)")
    faint = pills(page).nth(2).evaluate("one => getComputedStyle(one).backgroundColor")
    page.get_by_role("checkbox").check()
    assert pills(page).nth(2).evaluate("one => getComputedStyle(one).backgroundColor") != faint
    legend = page.locator(".whence-live .whence-legend").inner_text()
    assert "−2.00" in legend
    assert "scale without special tokens and the first" in legend
    after = pills(page).evaluate_all("all => all.map(one => one.ariaLabel)")
    assert [float(re.findall(r"[\d.]+", one)[0]) for one in after] == [50.0, 1.0, 2.0]
    assert len(names) == len(after)


def test_a_matrix_of_targets_and_tokens_says_every_number(opened, attribution_of) -> None:
    record = story(attribution_of)
    page = opened(html.render([record]))
    page.get_by_role("radio", name="matrix").check()
    cell = page.locator(".whence-live .whence-cell")
    cell.focus()
    for key in ("ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    said = " ".join(readout(page).split())
    assert "“,” from “ E”" in said
    number = f"{record.scores[1, 1]:+.2f}".replace("-", "−")
    assert number in said
    assert number in cell.get_attribute("aria-label")
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    assert "no score" in readout(page)
    page.keyboard.press("Enter")
    assert page.get_by_role("radio", name="“,”").is_checked()
    page.locator(".whence-map-cells").hover(position={"x": 50, "y": 60})
    assert "“ France” from" in " ".join(readout(page).split())


def test_two_thousand_tokens_are_sentences_at_first(opened, attribution_of) -> None:
    source = html.render([long_text(attribution_of)])
    assert len(source) < 700_000
    page = opened(source)
    pills(page).first.wait_for()
    assert pills(page).count() == 200
    pills(page).nth(3).click()
    assert pills(page).count() == 210
    page.get_by_role("radio", name="tokens").check()
    assert pills(page).count() == 2000
    pills(page).nth(0).focus()
    page.keyboard.press("End")
    assert "1999" not in readout(page)
    assert "of 2000 by |score|" in readout(page)


def test_source_and_target_prefix_stand_apart(opened, attribution_of) -> None:
    tokens = [Token("Hi", 1, 0, 2, "source"), Token("</s>", 2, role="source", special=True)]
    tokens += [Token("<pad>", 0, role="target", special=True), Token("Salut", 3, role="target")]
    page = opened(html.render([attribution_of(tokens=tokens, scores=[1.0, 2.0, 3.0, 4.0], visible=[4])]))
    boxes = [pills(page).nth(i).bounding_box()["y"] for i in range(4)]
    assert boxes[0] == pytest.approx(boxes[1], abs=2)
    assert boxes[2] > boxes[1] + 10
    assert "→" in page.locator(".whence-live .whence-strip").inner_text()


def test_words_and_segments_are_shown_as_units(opened, attribution_of) -> None:
    record = attribution_of().segments([(0, 3), (4, 16)])
    page = opened(html.render([record]))
    names = pills(page).evaluate_all("all => all.map(one => one.ariaLabel)")
    assert names == ["The: −0.3 logit", "Eiffel Tower: +12.2 logit"]
    assert page.get_by_role("radio").count() == 0


def test_print_shows_the_static_part(opened, attribution_of) -> None:
    page = opened(html.render([attribution_of()]))
    page.emulate_media(media="print")
    assert page.locator(".whence-static").is_visible()
    assert not page.locator(".whence-live").is_visible()


@pytest.mark.parametrize(("width", "dark"), [(1000, False), (1000, True), (420, False), (420, True)])
def test_nothing_is_wider_than_the_page(opened, attribution_of, width, dark) -> None:
    page = opened(html.render([story(attribution_of), long_text(attribution_of)]), width=width, dark=dark)
    page.get_by_role("radio", name="matrix").check()
    page.locator(".whence-map-cells").hover()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_narrow_cells_show_their_sign_by_a_line_at_the_foot(opened, attribution_of) -> None:
    """Cells are five pixels wide here; a line stands under each score below -5% of the scale, and under no other."""
    scores = np.tile([1.0, -1.0, -0.06, -0.04], 100)
    page = opened(
        html.render(
            [
                attribution_of(
                    [f" t{i}" for i in range(400)], np.array([scores, scores]), labels=["a", "b"], visible=[400, 400]
                )
            ]
        )
    )
    page.get_by_role("radio", name="matrix").check()
    page.locator(".whence-cell").wait_for()
    assert page.locator(".whence-cell").bounding_box()["width"] == 5
    differs = page.locator(".whence-map canvas").evaluate(
        """(canvas) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, 20, 24);
          const at = (x, y) => String(data.slice(4 * (20 * y + x)).slice(0, 3));
          return [2, 7, 12, 17].map((x) => at(x, 20) !== at(x, 10));
        }"""
    )
    assert differs == [False, True, True, False]


def test_the_readout_sticks_only_while_it_says_something(opened, attribution_of) -> None:
    page = opened(html.render([attribution_of()]))
    position = "getComputedStyle(document.querySelector('.whence-heat-readout')).position"
    page.locator(".whence-live .whence-legend").hover()
    assert "Point at a score" in readout(page)
    assert page.evaluate(position) == "static"
    pills(page).nth(2).hover()
    assert page.evaluate(position) == "sticky"


def test_a_hebrew_label_leaves_the_readout_in_its_order(opened, attribution_of) -> None:
    record = attribution_of([" a", " b"], np.ones((2, 2)), labels=["שלום", "b"], visible=[2, 2])
    page = opened(html.render([record]))
    page.get_by_role("radio", name="matrix").check()
    page.locator(".whence-cell").focus()
    boxes = page.locator(".whence-heat-readout").evaluate(
        """(element) => {
          const strong = element.querySelector("strong").firstChild, at = (from, to) => {
            const range = document.createRange();
            range.setStart(strong, from);
            range.setEnd(strong, to);
            return range.getBoundingClientRect().x;
          };
          const text = strong.data, word = text.search("שלום");
          return [at(0, 1), at(word, word + 4), at(text.length - 1, text.length)];
        }"""
    )
    assert boxes == sorted(boxes)
    account = page.locator(".whence-live .whence-evidence dd").first
    assert account.evaluate("(one) => getComputedStyle(one).direction") == "ltr"


def test_keys_go_on_in_a_matrix_that_scrolls_under_a_resting_mouse(opened, attribution_of) -> None:
    record = attribution_of([f" t{i}" for i in range(300)], np.ones((2, 300)), labels=["a", "b"], visible=[300, 300])
    page = opened(html.render([record]))
    page.get_by_role("radio", name="matrix").check()
    page.locator(".whence-map-cells").hover(position={"x": 50, "y": 30})
    page.locator(".whence-cell").focus()
    place = int(readout(page).split("“ t")[1].split("”")[0])
    for _ in range(280 - place):
        page.keyboard.press("ArrowRight")
    assert "“ t280”" in readout(page)
    assert page.wait_for_function("() => document.querySelector('.whence-map').scrollLeft > 100")
    assert page.locator(".whence-map").evaluate("one => one.scrollLeft") > 100
