import re

from views.measured import CURVES, score, scores
from whence.records import Curve
from whence.views import html

CHANCE = Curve(
    "random orders",
    (0.0, 0.5, 1.0),
    (-0.5, -4.0, -6.0),
    (-0.5, -6.5, -6.0),
    (-0.5, -2.0, -6.0),
    "lowest to highest of 10",
)


def record():
    return scores(score(curves=((*CURVES, CHANCE),)), score("deletion", curves=((CURVES[1], CHANCE),)))


def test_a_pointer_reads_every_curve_at_the_nearest_step(opened) -> None:
    page = opened(html.render([record()]))
    chart = page.locator(".whence-live .whence-figure").first
    assert "−0.5 → −6" in chart.inner_text()
    box = chart.locator("[role=slider]").bounding_box()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + box["height"] / 2)
    assert "at share of units 0.5" in chart.inner_text()
    assert re.search(
        r"least relevant first −1\n.*most relevant first −8.25\n.*random orders −4 \(−6.5 to −2\)",
        chart.inner_text(),
        re.S,
    )
    assert chart.locator(".whence-charts-cross").count() == 1
    page.mouse.move(1, 1)
    assert chart.locator(".whence-charts-cross").count() == 0
    assert not page.locator(".whence-static").first.is_visible()


def test_each_chart_is_one_stop_and_arrow_keys_move_along_it(opened) -> None:
    page = opened(html.render([record()]), dark=True, width=420)
    charts = page.locator(".whence-live [role=slider]")
    assert charts.count() == 2
    charts.first.focus()
    for key, place in (("ArrowRight", "1"), ("End", "2"), ("ArrowRight", "2"), ("ArrowLeft", "1"), ("Home", "0")):
        page.keyboard.press(key)
        assert charts.first.get_attribute("aria-valuenow") == place
    page.keyboard.press("ArrowRight")
    said = charts.first.get_attribute("aria-valuetext")
    assert said.startswith("share of units 0.5: least relevant first −1; most relevant first −8.25; random orders −4 (")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.querySelectorAll('.whence-live [role=slider]')[1]")


def test_both_drawings_have_the_same_ticks(opened) -> None:
    page = opened(html.render([record()]))
    live, fixed = (
        page.locator(f"{place} .whence-tick").all_text_contents() for place in (".whence-live", ".whence-static")
    )
    assert live == fixed
    assert "0.4" in live


def test_on_paper_the_drawing_without_script_shows(opened) -> None:
    page = opened(html.render([record()]))
    page.emulate_media(media="print")
    assert page.locator(".whence-static .whence-chart").first.is_visible()
    assert not page.locator(".whence-live .whence-chart").first.is_visible()
