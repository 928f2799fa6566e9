"""Every page can be read by everyone: by axe's rules, by keyboard, on dark screens and on paper."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from views.examples import EXAMPLES, SCORES
from whence.views import html

AXE = Path(html.__file__).parent / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = """
async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .filter((one) => ["serious", "critical"].includes(one.impact))
  .map((one) => `${one.id}: ${one.nodes.map((node) => `${node.html} ${node.failureSummary}`).slice(0, 3)}`)
"""
LANDMARKS = """
async () => (await axe.run(document, {resultTypes: ["violations"], runOnly: ["best-practice"]})).violations
  .filter((one) => one.tags.includes("cat.semantics") || /landmark|region/.test(one.id))
  .filter((one) => one.impact !== "minor")
  .map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 200)).slice(0, 4)}`)
"""

NAMES = "all => all.map((one) => one.ariaLabel)"


@pytest.fixture
def whole() -> str:
    """A page with a record of every type."""
    return html.render([make() for make in EXAMPLES.values()])


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_serious_violation_in_a_page_of_every_record(opened, whole, dark) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: run 'make frontend'")
    page = opened(whole, dark=dark, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
    page.add_script_tag(path=AXE)
    assert page.evaluate(GRAVE) == []


def test_two_of_each_view_on_a_page_have_no_landmarks_of_one_name(opened) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: run 'make frontend'")
    page = opened(html.render([make() for make in EXAMPLES.values()] * 2), bypass_csp=True, keep=False)
    for tab in page.get_by_role("tab", name="Neuron view").all():
        tab.click()
    page.add_script_tag(path=AXE)
    assert page.evaluate(LANDMARKS) == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_narrow_page_scrolls_down_alone(opened, whole, dark) -> None:
    page = opened(whole, width=420, dark=dark)
    wide = "all => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.innerText.slice(0, 80))"
    assert page.locator("section.whence-part").evaluate_all(wide) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 420


def test_tokens_are_one_stop_of_the_tab_key_and_arrows_go_from_one_to_the_next(opened) -> None:
    page = opened(html.render([EXAMPLES["attribution"]()]))
    tokens = page.locator(".whence-live .whence-strip .whence-pill")
    assert tokens.evaluate_all("all => all.filter((one) => one.tabIndex === 0).length") == 1
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.whence-live .whence-strip .whence-pill')"):
            break
    focused = "document.activeElement.ariaLabel"
    assert page.evaluate(focused) == "The: −0.31 logit"
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == " Tower: +6.84 logit"
    page.keyboard.press("End")
    assert page.evaluate(focused) == " in: +0.02 logit"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == " in: +0.02 logit"
    page.keyboard.press("Home")
    assert page.evaluate(focused) == "The: −0.31 logit"


def test_what_has_the_focus_is_outlined(opened) -> None:
    page = opened(html.render([EXAMPLES["attribution"]()]))
    page.locator(".whence-live .whence-strip .whence-pill").first.focus()
    page.keyboard.press("ArrowRight")
    outline = page.evaluate(
        "(({outlineStyle, outlineWidth}) => [outlineStyle, outlineWidth])(getComputedStyle(document.activeElement))"
    )
    assert outline == ["solid", "2px"]


def test_paper_shows_what_needs_no_script_and_a_screen_the_view(opened, whole) -> None:
    page = opened(whole)
    assert visible(page, ".whence-mounted > .whence-static") == {False}
    assert visible(page, ".whence-mounted > .whence-live") == {True}
    page.emulate_media(media="print")
    assert visible(page, ".whence-mounted > .whence-static") == {True}
    assert visible(page, ".whence-live") == {False}
    assert visible(page, "details .whence-settings > div") == {True}


def visible(page, selector: str) -> set[bool]:
    return {one.is_visible() for one in page.locator(selector).all()}


def test_dark_screens_have_dark_paper_and_the_dark_scale(opened) -> None:
    page = opened(html.render([EXAMPLES["attribution"]()]), dark=True)
    for strongest in (
        page.locator(".whence-live .whence-strip .whence-pill").nth(4),
        page.locator(".whence-ramp").first,
    ):
        assert strongest.evaluate("one => getComputedStyle(one).getPropertyValue('--whence-dark')")
    shown = "one => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color]"
    assert page.locator("main").evaluate(shown) == ["rgb(22, 24, 28)", "rgb(230, 230, 227)"]
    assert page.locator(".whence-live .whence-strip .whence-pill").nth(4).evaluate(shown) == [
        "rgb(244, 165, 130)",
        "rgb(0, 0, 0)",
    ]
    page.emulate_media(color_scheme="light")
    assert page.locator("main").evaluate(shown) == ["rgb(252, 252, 250)", "rgb(29, 33, 38)"]
    assert page.locator(".whence-live .whence-strip .whence-pill").nth(4).evaluate(shown) == [
        "rgb(103, 0, 31)",
        "rgb(255, 255, 255)",
    ]


def test_the_view_and_what_stands_without_a_script_have_the_same_colours(opened) -> None:
    page = opened(html.render([EXAMPLES["attribution"]()]))
    shown = "all => all.map((one) => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color])"
    live = page.locator(".whence-live .whence-strip .whence-pill").evaluate_all(shown)
    assert live == page.locator(".whence-static .whence-strip .whence-pill").evaluate_all(shown)
    assert len(live) == 7


@pytest.mark.parametrize("dark", [False, True])
def test_orange_and_purple_are_those_of_the_view_the_bars_and_what_needs_no_script(opened, dark) -> None:
    record = EXAMPLES["attribution"]()
    page = opened(html.render([record], palette="PuOr"), dark=dark)
    page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
    shown = "all => all.map((one) => getComputedStyle(one).backgroundColor)"
    live = page.locator(".whence-live .whence-strip .whence-pill").evaluate_all(shown)
    assert live == page.locator(".whence-static .whence-strip .whence-pill").evaluate_all(shown)
    assert live[4] == ("rgb(253, 184, 99)" if dark else "rgb(127, 59, 8)")
    bars = page.locator(".whence-bar span").evaluate_all(shown)
    below, above = ("rgb(178, 171, 210)", "rgb(224, 130, 20)") if dark else ("rgb(111, 90, 166)", "rgb(179, 88, 6)")
    assert bars == [below if score < 0 else above for score in SCORES]


def test_without_scripts_the_page_shows_what_needs_none(opened, whole) -> None:
    page = opened(whole, java_script_enabled=False, keep=False)
    assert page.locator(".whence-static .whence-pill").first.is_visible()
    assert visible(page, ".whence-live") == {False}


def test_a_view_writes_numbers_as_python_does(opened) -> None:
    record = EXAMPLES["attribution"]()
    scales = [np.float32(10.0) ** exponent for exponent in range(-9, 9)]
    page = opened(html.render([replace(record, scores=record.scores * scale) for scale in scales]), keep=False)
    live, fixed = (
        [name.split(": ")[1] for name in page.locator(f"{place} .whence-pill[aria-label]").evaluate_all(NAMES)]
        for place in (".whence-live", ".whence-static .whence-strip")
    )
    assert live == fixed
    assert len(live) == len(SCORES) * len(scales)


def test_what_scrolls_is_named_and_can_be_reached_by_keyboard(opened, whole) -> None:
    page = opened(whole, width=420, java_script_enabled=False, keep=False)
    wide = page.locator(".whence-scroll")
    assert wide.evaluate_all("all => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length") > 0
    assert wide.evaluate_all("all => all.filter((one) => one.tabIndex < 0 || !one.ariaLabel).length") == 0
    captions = page.locator(".whence-caption:visible")
    assert captions.evaluate_all("all => all.filter((one) => one.getBoundingClientRect().right > 420).length") == 0
