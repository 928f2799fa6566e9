"""A notebook's cell in hosts that let through nothing, frames without scripts, and all of it."""

import re

import pytest

from views.examples import EXAMPLES, SCORES
from views.sanitized import sanitized
from whence.views import notebook

NEGATIVE = [score < 0 for score in SCORES]
LOOK = "all => all.map((one) => [getComputedStyle(one).backgroundColor, getComputedStyle(one).textDecorationLine])"


def host(*cells: str) -> str:
    return f"<!doctype html><title>host</title><body>{''.join(f'<article>{cell}</article>' for cell in cells)}</body>"


@pytest.fixture
def cell() -> str:
    return EXAMPLES["attribution"]()._repr_html_()


def test_a_host_without_frames_or_style_sheets_shows_the_colours_and_underlines(opened, cell) -> None:
    left = sanitized(cell)
    assert not any(gone in left for gone in ("<iframe", "<style", "<script", "srcdoc", "--whence"))
    page = opened(host(left))
    tokens = page.locator(".whence-strip .whence-pill")
    assert tokens.all_text_contents() == ["The", " E", "iff", "el", " Tower", " is", " in"]
    colors, lines = zip(*tokens.evaluate_all(LOOK), strict=True)
    assert colors[4] == "rgb(103, 0, 31)"
    assert len(set(colors)) == len(SCORES)
    assert [line == "underline" for line in lines] == NEGATIVE
    assert all(token.is_visible() for token in tokens.all())


def test_nothing_of_what_such_a_host_keeps_is_hidden(opened) -> None:
    page = opened(host(*(sanitized(make()._repr_html_()) for make in EXAMPLES.values())))
    assert page.locator("article .whence").count() == len(EXAMPLES)
    page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
    hidden = "all => all.filter((one) => one.textContent.trim() && !one.checkVisibility()).map((one) => one.outerHTML)"
    assert page.locator(".whence, .whence *").evaluate_all(hidden) == []


@pytest.mark.parametrize("dropped", [r' srcdoc="[^"]*"', r"<iframe.*</iframe>"])
def test_without_the_page_in_a_frame_nothing_hides_the_static_html(opened, cell, dropped) -> None:
    page = opened(host(re.sub(dropped, "", cell, flags=re.DOTALL)), keep=False)
    assert page.locator("article > .whence-cell > .whence .whence-pill").first.is_visible()


def test_a_host_with_frames_shows_the_interactive_page_in_place_of_the_static_html(opened, cell) -> None:
    page = opened(host(cell))
    assert not page.locator("article > .whence-cell > .whence").is_visible()
    inside = page.frame_locator("iframe")
    token = inside.locator(".whence-mounted .whence-live .whence-strip .whence-pill").nth(4)
    assert token.get_attribute("aria-label") == " Tower: +6.84 logit"
    assert token.is_visible()
    token.hover()
    token.click()
    assert not inside.locator(".whence-static").is_visible()


def test_the_view_is_seen_without_scrolling(opened, cell) -> None:
    page = opened(host(cell), height=700)
    place = page.frame_locator("iframe").locator(".whence-live .whence-strip .whence-pill").first.bounding_box()
    assert place["y"] + place["height"] < page.locator("iframe").bounding_box()["height"]


@pytest.mark.parametrize("policy", ['<meta http-equiv="Content-Security-Policy" content="script-src \'none\'">', ""])
def test_where_the_frame_may_not_run_its_script_it_shows_what_needs_none(chromium, cell, policy) -> None:
    page = chromium.new_page()
    page.set_content(policy + host(cell if policy else cell.replace('"allow-scripts"', '""')))
    inside = page.frame_locator("iframe")
    inside.locator(".whence-static .whence-strip .whence-pill").first.wait_for(timeout=5000)
    assert inside.locator(".whence-live > *").count() == 0
    page.close()


def test_the_frame_reaches_nothing_of_the_page_around_it(opened, cell) -> None:
    page = opened(host(cell))
    page.evaluate("window.secret = 1")
    frame = page.frames[1]
    frame.locator(".whence-mounted").wait_for()
    assert frame.evaluate("window.origin") == "null"
    for reach in ("parent.document.title", "parent.secret", "top.document.cookie", "localStorage.length"):
        tried = f"(() => {{ try {{ return {reach} }} catch (error) {{ return error.name }} }})()"
        assert frame.evaluate(tried) == "SecurityError"
    assert page.locator("iframe").get_attribute("sandbox") == "allow-scripts"


def test_two_displays_of_one_record_do_not_clash(opened, cell) -> None:
    page = opened(host(cell, cell))
    for frame in page.frames[1:]:
        frame.locator(".whence-mounted").wait_for()
        assert frame.locator(".whence-mounted .whence-live .whence-strip .whence-pill").count() == 7
    assert len(page.frames) == 3
    for document in page.frames:
        names = document.locator("[id]").evaluate_all("all => all.map((one) => one.id)")
        assert len(names) == len(set(names))


def test_a_title_is_only_a_title(opened) -> None:
    title = '"><script>window.broken=1</script>\x00'
    page = opened(host(notebook.render([EXAMPLES["attribution"]()], title=title)), keep=False)
    assert page.locator("iframe").get_attribute("title") == '"><script>window.broken=1</script>␀'
    assert page.frames[1].locator(".whence-title").text_content() == '"><script>window.broken=1</script>␀'
    assert [frame.evaluate("window.broken") for frame in page.frames] == [None, None]
