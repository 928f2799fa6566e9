"""A flow in a browser: every number can be reached, paths and edges are drawn where they are."""

import re

import numpy as np
import pytest

from views.flows import make_flow
from whence.views import html

EVIL = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style>", "]]>", "\x00\u202eabc")


def near(value: float) -> str:
    """The number as the page says it: four digits, its sign, and a true minus."""
    text = f"{abs(value):.{max(0, 3 - int(np.floor(np.log10(abs(value)))))}f}"
    return ("−" if value < 0 else "+") + text.rstrip("0").rstrip(".")


def cell(page, row, column, rows, columns, index=0):
    """The middle of a cell of a map, counted from the bottom, on the page."""
    cells = page.locator(".whence-map-cells").nth(index)
    cells.scroll_into_view_if_needed()
    box = cells.bounding_box()
    return box["x"] + box["width"] * (column + 0.5) / columns, box["y"] + box["height"] * (rows - 0.5 - row) / rows


def told(page, index=0):
    return " ".join(page.locator(".whence-heat-readout").nth(index).inner_text().split())


@pytest.mark.parametrize(("dark", "width"), [(False, 1000), (True, 1000), (False, 420), (True, 420)])
def test_pointing_at_a_cell_says_its_relevance(opened, dark, width) -> None:
    record = make_flow()
    page = opened(html.render([record]), dark=dark, width=width)
    for row, column in ((0, 1), (2, 4), (3, 4)):
        page.mouse.move(*cell(page, row, column, 4, 5))
        text = record.tokens[column].text
        assert told(page).startswith(f"“{text}” residual {row}")
        assert told(page).endswith(f"{near(record.nodes[0, row, column])} logit")
    page.mouse.move(*cell(page, 1, 0, 3, 2, index=1))
    assert told(page, 1) == f"layer 1 head 0 {near(record.heads[0, 1, 0])} logit"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not page.locator(".whence-static").is_visible()


def colors(page):
    """The colour of each cell of the first map, rows from the bottom."""
    page.locator(".whence-cell").first.wait_for()
    return np.array(
        page.evaluate(
            """() => { const canvas = document.querySelector('.whence-map-cells canvas'), {width, height} = canvas;
            const all = canvas.getContext('2d').getImageData(0, 0, width, height).data;
            const at = (x, y) => [...all.slice(4 * (Math.floor(y) * width + Math.floor(x))).slice(0, 3)];
            return [...Array(4).keys()].map((row) => [...Array(5).keys()].map((column) =>
              at((column + 0.15) * width / 5, (3.5 - row) * height / 4))); }"""
        ),
        dtype=int,
    )


def test_cells_have_the_colours_of_their_scores(opened) -> None:
    record = make_flow()
    page = opened(html.render([record]))
    found, scores = colors(page), record.nodes[0]
    strong = np.abs(scores) > 0.05 * np.abs(scores).max()
    assert ((found[..., 0] > found[..., 2]) == (scores > 0))[strong].all()
    assert found[3, 4].tolist() == [103, 0, 31]
    assert "+4.50 logit" in page.locator(".whence-flow .whence-legend").first.inner_text()


def test_each_residual_can_have_a_scale_of_its_own(opened) -> None:
    record = make_flow()
    page = opened(html.render([record]))
    page.locator(".whence-cell").first.wait_for()
    page.get_by_label("each residual on a colour scale of its own").check()
    assert "end of the row’s scale" in page.locator(".whence-flow .whence-legend").first.inner_text()
    found, largest = colors(page), np.abs(record.nodes[0]).argmax(axis=1)
    for row, column in enumerate(largest):
        end = [103, 0, 31] if record.nodes[0, row, column] > 0 else [5, 48, 97]
        assert found[row, column].tolist() == end


def test_choosing_a_cell_shows_what_it_gets_and_sends(opened) -> None:
    record = make_flow()
    page = opened(html.render([record]))
    assert page.locator(".whence-flow-edge").count() == 0
    page.mouse.click(*cell(page, 2, 2, 4, 5))
    assert page.locator(".whence-flow-edge").count() == 2 + 2
    said = page.locator(".whence-flow-list").nth(1).inner_text()
    assert "Comes from above layer 2" in said
    assert "Goes on below layer 1" in said
    strongest = record.edges[0, 2][[3, 4], 2]
    other = record.tokens[3 + int(np.abs(strongest).argmax())].text
    first = page.locator(".whence-flow-list ul").first.locator("li").first.inner_text()
    assert f"“{other}”" in first
    assert first.startswith("−" if strongest[np.abs(strongest).argmax()] < 0 else "+")
    negative = (record.edges[0, 2][[3, 4], 2] < 0).sum() + (record.edges[0, 1][2, :2] < 0).sum()
    assert page.locator(".whence-flow-minus").count() == negative
    page.mouse.click(*cell(page, 2, 2, 4, 5))
    assert page.locator(".whence-flow-edge").count() == 0


def test_a_path_is_drawn_while_pointed_at_and_kept_when_pressed(opened) -> None:
    record = make_flow()
    page = opened(html.render([record]))
    paths, line = record.paths(5), page.locator(".whence-flow-path")
    buttons = page.locator(".whence-flow-list button")
    assert buttons.count() == len(paths)
    assert buttons.nth(0).get_attribute("aria-pressed") == "true"
    drawn = line.get_attribute("d")
    buttons.nth(1).hover()
    assert line.get_attribute("d") != drawn
    page.mouse.move(1, 1)
    assert line.get_attribute("d") == drawn
    buttons.nth(1).click()
    page.mouse.move(1, 1)
    page.locator("h1").click()
    points = [[float(n) for n in one.split()] for one in line.get_attribute("d")[1:].split("L")]
    across = page.locator(".whence-map-cells").first.bounding_box()["width"] / 5
    assert [int(x // across) for x, _ in points] == list(paths[1].tokens)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)
    assert (line.get_attribute("class") == "whence-flow-path whence-flow-dashed") == (paths[1].value < 0)


def test_everything_is_reached_by_keys(opened) -> None:
    record = make_flow()
    page = opened(html.render([record]))
    button = page.locator(".whence-cell").first
    button.focus()
    assert button.get_attribute("aria-label").endswith("“ in”, residual 3 top: +4.5 logit")
    for key in ("ArrowDown", "ArrowDown", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    assert f"“ Tower”, residual 1: {near(record.nodes[0, 1, 2])} logit" in button.get_attribute("aria-label")
    assert told(page) == f"“ Tower” residual 1 {near(record.nodes[0, 1, 2])} logit"
    page.keyboard.press("Enter")
    assert page.locator(".whence-flow-edge").count() == 4
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "checkbox"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.querySelectorAll('.whence-cell')[1]")
    page.keyboard.press("ArrowUp")
    assert "layer 1 head 0" in page.locator(".whence-cell").nth(1).get_attribute("aria-label")
    assert told(page, 1).startswith("layer 1 head 0 ")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"


def test_another_target_row_has_its_own_numbers(opened) -> None:
    record = make_flow(rows=3)
    page = opened(html.render([record]))
    page.get_by_role("radio", name="label2").check()
    page.mouse.move(*cell(page, 1, 3, 4, 5))
    assert told(page).endswith(f"{near(record.nodes[2, 1, 3])} logit")
    page.mouse.click(*cell(page, 1, 3, 4, 5))
    first = page.locator(".whence-flow-list ul").first.locator("li").first.inner_text()
    assert first.startswith("−" if record.edges[2, 1, 4, 3] < 0 else "+")
    assert page.locator(".whence-flow-list button").nth(0).inner_text().startswith("“")


def test_a_long_input_is_drawn_as_far_as_it_is_seen(opened) -> None:
    record = make_flow([f" word{i}" for i in range(2000)], layers=2)
    page = opened(html.render([record]))
    page.locator(".whence-cell").first.wait_for()
    assert page.locator(".whence-map-columns").first.locator("span").count() < 100
    assert page.evaluate("document.querySelector('.whence-map-cells canvas').width") < 1000
    page.locator(".whence-cell").first.focus()
    page.keyboard.press("Home")
    assert told(page).startswith("“ word0” residual 2 top")
    page.wait_for_function("() => document.querySelector('.whence-map').scrollLeft < 200")
    page.keyboard.press("End")
    assert told(page).startswith("“ word1999”")
    page.wait_for_function("() => document.querySelector('.whence-map').scrollLeft > 20000")
    page.locator(".whence-map-columns").first.get_by_text("word1999").wait_for()


def test_a_pointer_at_rest_does_not_take_the_cell_from_the_keys(opened) -> None:
    """Browsers say that the mouse moved when the map scrolled under it: the same place on the screen, once more."""
    page = opened(html.render([make_flow([f" word{i}" for i in range(300)], layers=2)]))
    page.locator(".whence-cell").first.wait_for()
    box = page.locator(".whence-map").first.bounding_box()
    x, y = round(box["x"] + 100), round(box["y"] + 30)
    page.mouse.move(x, y)
    page.locator(".whence-cell").first.focus()
    for key, word in (("End", 299), ("Home", 0)):
        page.keyboard.press(key)
        page.locator(".whence-map-cells").first.evaluate(
            "(cells, [x, y]) => cells.dispatchEvent(new MouseEvent('mousemove', {clientX: x, clientY: y}))", [x, y]
        )
        page.wait_for_timeout(100)
        assert told(page).startswith(f"“ word{word}”")


def test_tokens_are_text_and_nothing_else(opened) -> None:
    record = make_flow(EVIL, method="<b>x</b>", provenance={"model": "</script><script>alert(2)</script>"})
    page = opened(html.render([record]))
    page.mouse.click(*cell(page, 2, 1, 4, 5))
    assert told(page).startswith('“"><img src=x onerror=alert(1)>”')
    assert page.locator("script").count() == 2
    assert page.locator("img").count() == 0
    assert "⟨U+202E⟩abc" in page.locator(".whence-map-columns").first.inner_text()


HEBREW = ("The", " שלום", " Tower", " averyveryverylongtokenindeed", " שלום")


def places(element, *texts):
    """Where each of these texts begins on the page, from the left, in an element."""
    return element.evaluate(
        """(element, texts) => texts.map((text) => {
          const walk = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
          for (let node; (node = walk.nextNode()); ) {
            const at = node.data.indexOf(text);
            if (at < 0) continue;
            const range = document.createRange();
            range.setStart(node, at);
            range.setEnd(node, at + text.length);
            return range.getBoundingClientRect().x;
          }
          throw new Error(text);
        })""",
        list(texts),
    )


def test_a_hebrew_token_leaves_the_line_around_it_in_its_order(opened) -> None:
    page = opened(html.render([make_flow(HEBREW, rows=1)]))
    page.mouse.click(*cell(page, 2, 1, 4, 5))
    lists = page.locator(".whence-flow-list")
    readout = places(page.locator(".whence-heat-readout").first, "“", "שלום", "”", "residual", "logit")
    assert readout == sorted(readout)
    path = places(
        lists.locator("button").filter(has_text=re.compile("^“ שלום.*→")).first, "“", "שלום", "”", "→", "logit"
    )
    assert path == sorted(path)
    step = places(lists.locator("ul li").filter(has_text="שלום").first, "logit", "“", "שלום", "”", "#")
    assert step == sorted(step)
    heading = places(lists.nth(1).locator("h3"), "“", "שלום", "”", "#", "residual")
    assert heading == sorted(heading)


def test_paths_are_made_of_short_names(opened) -> None:
    record = make_flow(HEBREW)
    page = opened(html.render([record]))
    buttons = page.locator(".whence-flow-list button").all_inner_texts()
    assert any("“ averyveryverylongto…” " in text for text in buttons)
    assert not any("averyveryverylongtokenindeed" in text for text in buttons)
    assert any("#2" in text or "#5" in text for text in buttons)
    assert "token residuals" in page.locator(".whence-flow-list h3").first.inner_text()


def test_on_paper_the_static_part_shows(opened) -> None:
    page = opened(html.render([make_flow()]))
    page.emulate_media(media="print")
    assert page.locator(".whence-static").is_visible()
    assert not page.locator(".whence-live").is_visible()
