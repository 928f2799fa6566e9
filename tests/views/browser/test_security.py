"""In a real browser too, a text is shown and does nothing else."""

import re

import pytest

from views.untrusted import PAYLOADS, RECORDS
from whence.views import html
from whence.views.token_text import readable

INJECTED = """
<script>window.broken = 1</script>
<script type="module">window.broken = 1</script>
<img src="data:image/png;base64,AAAA" onerror="window.broken = 1">
<svg onload="window.broken = 1"></svg>
<script src="data:text/javascript,window.broken = 1"></script>
"""


READ = """
() => [...document.querySelectorAll("section.whence-part")].map((part) => {
  const fixed = part.cloneNode(true);
  fixed.querySelectorAll("script, .whence-live").forEach((inner) => inner.remove());
  return [fixed, ...part.querySelectorAll(".whence-live")].map((place) =>
    place.textContent + [...place.querySelectorAll("[aria-label]")].map((one) => one.ariaLabel).join(""));
})
"""
"""Of each section the texts and names of what always stands there, and those of each of its interactive views."""


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("kind", RECORDS)
def test_nothing_runs_and_every_text_shows(opened, kind) -> None:
    page = opened(html.render([RECORDS[kind](text) for text in PAYLOADS], title=PAYLOADS[0]), keep=False)
    assert page.title() == readable(PAYLOADS[0])
    sections = page.evaluate(READ)
    assert len(sections) == len(PAYLOADS)
    for places, payload in zip(sections, PAYLOADS, strict=True):
        for text in places:
            assert squeezed(readable(payload)) in squeezed(text)
    assert page.evaluate("window.broken") is None
    assert page.locator("script:not(.whence-data)").count() == page.locator(".whence-mounted").first.count()


def test_nothing_runs_when_views_are_used(opened) -> None:
    page = opened(html.render([make(PAYLOADS[2]) for make in RECORDS.values()]), keep=False)
    for view in page.locator(".whence-live").all():
        for control in view.locator("button, select, input, [tabindex='0']").all()[:5]:
            if control.is_visible() and control.is_enabled():
                control.hover()
                control.focus()
                page.keyboard.press("ArrowRight")
        for button in view.locator("button").all()[:5]:
            if button.is_visible() and button.is_enabled():
                button.click()
    assert page.evaluate("window.broken") is None
    assert page.locator("img, iframe, object, embed").count() == 0


def test_the_policy_stops_every_script_but_ours(chromium, tmp_path, attribution_of) -> None:
    whole = html.render([attribution_of()])
    file = tmp_path / "injected.html"
    file.write_text(whole.replace("<h1", f"{INJECTED}<h1").replace("</body>", f"{INJECTED}</body>"), encoding="utf-8")
    page = chromium.new_page()
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text))
    page.goto(file.as_uri())
    assert page.locator("script").count() == 1 + 1 + 2 * 3
    assert page.evaluate("window.broken") is None
    assert len([text for text in said if "Content Security Policy" in text]) >= 2 * len(INJECTED.split("\n")[1:-1])
    assert page.locator(".whence-mounted .whence-live .whence-pill").count() == 7
    page.close()


def test_the_policy_stops_every_request(chromium, tmp_path, attribution_of) -> None:
    file = tmp_path / "page.html"
    file.write_text(html.render([attribution_of()]), encoding="utf-8")
    page = chromium.new_page()
    asked: list[str] = []
    anyone = {"Access-Control-Allow-Origin": "*"}
    page.route("http://**/*", lambda one: (asked.append(one.request.url), one.fulfill(body="x", headers=anyone))[-1])
    page.goto(file.as_uri())
    ways = [
        "fetch('http://localhost/a')",
        "new Promise((yes, no) => Object.assign(new Image(), {onload: yes, onerror: no, src: 'http://localhost/b'}))",
        "import('http://localhost/c')",
        "new Promise((yes, no) => Object.assign(new EventSource('http://localhost/d'), {onopen: yes, onerror: no}))",
    ]
    outcomes = [page.evaluate(f"{way}.then(() => 'got', () => 'refused')") for way in ways]
    assert outcomes == ["refused"] * len(ways)
    assert asked == []
    page.close()


def test_a_script_that_was_changed_does_not_run(chromium, tmp_path, attribution_of) -> None:
    file = tmp_path / "changed.html"
    changed = html.render([attribution_of()]).replace(
        '<script type="module">', '<script type="module">window.broken=1;'
    )
    file.write_text(changed, encoding="utf-8")
    page = chromium.new_page()
    page.goto(file.as_uri())
    assert page.evaluate("window.broken") is None
    assert page.locator(".whence-static").is_visible()
    assert page.locator(".whence-live > *").count() == 0
    page.close()
