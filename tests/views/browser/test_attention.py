import base64
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from views.browser import attention_pages as pages

AXE = Path(__file__).parents[3] / "src/whence/views/frontend/node_modules/axe-core/axe.min.js"


def weights_of(layer: dict[str, Any]) -> np.ndarray:
    """The weights as a page holds them, (heads, queries, keys)."""
    return (unpacked(layer["weights"]) / 255) ** 2


def unpacked(numbers: dict[str, Any]) -> np.ndarray:
    data = base64.b64decode(numbers["data"])
    return np.frombuffer(zlib.decompress(data) if numbers["deflated"] else data, np.uint8).reshape(numbers["shape"])


def percent(weight: float) -> str:
    return "<0.1%" if 0 < weight < 0.0005 else f"{100 * weight:.{0 if weight in (0, 1) else 1}f}%"


def rows(page: Any, side: str) -> Any:
    return page.locator(f".whence-attn-{side} .whence-attn-row")


def texts(page: Any, side: str) -> list[str]:
    return [text.strip() for text in rows(page, side).locator("bdi").all_inner_texts()]


def shares(page: Any, side: str) -> list[str]:
    """What stands at the outer edge of each row: its weight, or its place."""
    return rows(page, side).evaluate_all("all => all.map(row => row.dataset.share)")


def tab(page: Any, name: str) -> Any:
    return page.get_by_role("tab", name=f"{name} view")


INK = """selector => {
  const drawn = document.querySelector(selector);
  if (!drawn?.width) return 0;
  const copy = new OffscreenCanvas(drawn.width, drawn.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(drawn, 0, 0);
  return copy.getImageData(0, 0, drawn.width, drawn.height).data
    .reduce((sum, byte, i) => sum + (i % 4 === 3 ? byte : 0), 0);
}"""
LINES = ".whence-attn-canvas canvas"
PICTURE = ".whence-attn-picture"


def ink(page: Any) -> float:
    """How much is drawn between the columns: the sum of the canvas's opacities."""
    return page.evaluate(INK, LINES)


def is_drawn(page: Any, selector: str = LINES) -> None:
    """Waits until something is drawn."""
    page.wait_for_function(INK, arg=selector)


def test_one_head_of_the_last_layer_is_seen_first(opened) -> None:
    page = opened(pages.page(pages.decoder()))
    is_drawn(page)
    assert tab(page, "Head").get_attribute("aria-selected") == "true"
    assert page.get_by_label("Layer").input_value() == "2"
    pressed = page.locator(".whence-attn-toggle[aria-pressed=true]")
    assert pressed.all_inner_texts() == ["0"]
    assert rows(page, "query").count() == rows(page, "key").count() == len(pages.TEXT)
    assert not page.locator(".whence-static").is_visible()


def test_a_token_pointed_at_shows_its_weights_and_no_other_lines(opened) -> None:
    data = pages.decoder()
    page = opened(pages.page(data))
    is_drawn(page)
    everything = ink(page)
    rows(page, "query").nth(5).hover()
    shown = shares(page, "key")
    weights = weights_of(data["layers"][-1])[0, 5]
    assert shown == [percent(weight) if weight >= 0.0005 else "" for weight in weights]
    assert rows(page, "key").nth(3).get_attribute("aria-label") == f" Eiffel: {percent(weights[3])}"
    best = data["tokens"][int(weights.argmax())]["text"]
    said = page.locator(".whence-attn-told").inner_text()
    assert said.startswith(f"“ was” looks at “{best}” {percent(weights.max())}, ")
    assert 0 < ink(page) < everything


def test_a_token_looked_at_shows_who_looks(opened) -> None:
    data = pages.decoder()
    page = opened(pages.page(data))
    is_drawn(page)
    rows(page, "key").nth(2).hover()
    shown = shares(page, "query")
    assert shown[:2] == ["", ""]
    assert shown[4] == percent(weights_of(data["layers"][-1])[0, 4, 2])
    assert page.locator(".whence-attn-told").inner_text().startswith("“ the” is looked at by")


def test_heads_are_chosen_and_their_mean_is_shown(opened) -> None:
    data = pages.decoder()
    page = opened(pages.page(data))
    is_drawn(page)
    one = ink(page)
    page.get_by_role("button", name="Head 2", exact=True).click()
    assert ink(page) > one
    rows(page, "query").nth(6).hover()
    weights = weights_of(data["layers"][-1])[[0, 2], 6]
    said = rows(page, "key").nth(6).get_attribute("aria-label")
    each = f"head 0 {percent(weights[0, 6])}, head 2 {percent(weights[1, 6])}"
    assert said == f" built: mean {percent(weights[:, 6].mean())} ({each})"
    page.get_by_role("button", name="Head 3", exact=True).dblclick()
    assert page.locator(".whence-attn-toggle[aria-pressed=true]").all_inner_texts() == ["3"]
    page.get_by_role("button", name="none").click()
    page.get_by_text("Choose a head.").wait_for()
    page.get_by_role("button", name="all").click()
    assert page.locator(".whence-attn-toggle[aria-pressed=true]").count() == 4


def test_another_layer_has_other_weights(opened) -> None:
    data = pages.decoder()
    page = opened(pages.page(data))
    page.get_by_label("Layer").select_option("0")
    is_drawn(page)
    rows(page, "query").nth(7).hover()
    weights = weights_of(data["layers"][0])[0, 7]
    assert rows(page, "key").nth(6).get_attribute("aria-label") == f" built: {percent(weights[6])}"


def test_keys_go_from_token_to_token_from_head_to_head_and_from_tab_to_tab(opened) -> None:
    page = opened(pages.page(pages.decoder()))
    is_drawn(page)
    stops = "el => [...el.querySelectorAll('button')].filter(b => b.tabIndex === 0).length"
    for box in (".whence-attn-query", ".whence-attn-key", ".whence-attn-toggles", ".whence-attn-tabs"):
        assert page.locator(box).evaluate(stops) == 1
    rows(page, "query").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    focused = page.locator(":focus")
    assert focused.get_attribute("aria-label").startswith("“ the” looks at")
    page.keyboard.press("Enter")
    assert focused.get_attribute("aria-pressed") == "true"
    page.keyboard.press("End")
    assert focused.get_attribute("data-row") == str(len(pages.TEXT) - 1)
    page.locator("[data-head='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    assert page.locator("[data-head='1']").get_attribute("aria-pressed") == "true"
    tab(page, "Head").focus()
    page.keyboard.press("ArrowRight")
    assert focused.inner_text() == "Model view"
    assert page.get_by_role("grid").is_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert focused.inner_text() == "Neuron view"


def test_a_kept_token_stays_until_it_is_clicked_again(opened) -> None:
    page = opened(pages.page(pages.decoder()))
    is_drawn(page)
    rows(page, "query").nth(9).click()
    page.get_by_role("heading", name="Attention").click()
    told = page.locator(".whence-attn-told")
    assert told.inner_text().startswith("“ people”")
    rows(page, "query").nth(9).click()
    page.get_by_role("heading", name="Attention").click()
    assert told.inner_text().startswith("Point at a token")


def test_the_first_token_and_special_ones_can_be_hidden(opened) -> None:
    page = opened(pages.page(pages.translator()))
    is_drawn(page)
    page.get_by_label("hide special tokens").check()
    assert texts(page, "query") == ["Le", "chat"]
    assert texts(page, "key") == ["The", "cat", "sleeps"]
    page.get_by_label("hide special tokens").uncheck()
    page.get_by_label("hide the first token").check()
    assert texts(page, "key") == ["cat", "sleeps", "</s>"]
    assert page.get_by_text("Weights of hidden tokens are not shared out among the others.").is_visible()


def test_each_kind_has_its_own_tokens_on_each_side(opened) -> None:
    data = pages.translator()
    page = opened(pages.page(data))
    source, target = ["The", "cat", "sleeps", "</s>"], ["<pad>", "Le", "chat"]
    for kind, looks, looked_at in (("cross", target, source), ("encoder", source, source), ("decoder", target, target)):
        page.get_by_label("Kind").select_option(kind)
        is_drawn(page)
        assert (texts(page, "query"), texts(page, "key")) == (looks, looked_at)
    page.get_by_label("Kind").select_option("cross")
    is_drawn(page)
    rows(page, "query").nth(2).hover()
    weights = weights_of(data["layers"][-1])[0, 2]
    assert rows(page, "key").nth(1).get_attribute("aria-label") == f" cat: {percent(weights[1])}"


def test_the_strongest_links_are_a_table(opened) -> None:
    data = pages.decoder()
    page = opened(pages.page(data))
    is_drawn(page)
    page.get_by_text("Strongest links as a table").click()
    table = page.locator(".whence-attn table")
    table.locator("tbody tr").first.wait_for()
    weights = weights_of(data["layers"][-1])[0]
    weights[0] = 0
    cells = table.locator("tbody tr").first.locator("td").all_inner_texts()
    query, key = np.unravel_index(weights.argmax(), weights.shape)
    assert [text.strip() for text in cells] == [
        str(query), pages.TEXT[query], str(key), pages.TEXT[key], "0", percent(weights.max())
    ]  # fmt: skip
    assert table.locator("tbody tr").count() == 20


def test_a_small_picture_becomes_the_head_view_of_its_head(opened) -> None:
    page = opened(pages.page(pages.decoder()))
    tab(page, "Model").click()
    is_drawn(page, PICTURE)
    page.get_by_role("button", name="Layer 1, head 3").click()
    assert page.get_by_label("Layer").input_value() == "1"
    assert page.locator(".whence-attn-toggle[aria-pressed=true]").all_inner_texts() == ["3"]
    assert page.locator(":focus").inner_text() == "Head view"


def test_small_pictures_are_one_stop_and_arrows_go_between_them(opened) -> None:
    page = opened(pages.page(pages.decoder()))
    tab(page, "Model").click()
    assert page.locator(".whence-attn-cell[tabindex='0']").count() == 1
    page.locator(".whence-attn-cell[tabindex='0']").focus()
    for key in ("ArrowUp", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    assert page.locator(":focus").get_attribute("aria-label") == "Layer 1, head 2"
    page.keyboard.press("Enter")
    assert page.get_by_label("Layer").input_value() == "1"
    assert page.locator(".whence-attn-toggle[aria-pressed=true]").all_inner_texts() == ["2"]


def test_many_layers_and_heads_are_drawn_when_they_come_into_sight(opened) -> None:
    layers = [pages.self_layer(i, 32, 24) for i in range(32)]
    page = opened(pages.page(pages.view(pages.many_tokens(24), layers)))
    tab(page, "Model").click()
    is_drawn(page, PICTURE)
    assert page.locator(".whence-attn-cell").count() == 1024
    drawn = "() => [...document.querySelectorAll('.whence-attn-picture')].map(c => c.width !== 300)"
    assert not page.evaluate(drawn)[31]
    page.locator(".whence-attn-cell[tabindex='0']").focus()
    page.wait_for_function(f"() => ({drawn})()[31]")


def test_the_neuron_view_shows_the_recorded_vectors_products(opened) -> None:
    data = pages.decoder()
    page = opened(pages.page(data))
    tab(page, "Neuron").click()
    page.get_by_label("Query token").select_option("12")
    page.get_by_role("button", name="Head 1", exact=True).click()
    vectors = data["layers"][-1]["vectors"]
    queries, keys = (
        (unpacked(vectors[side])[1].astype(float) - 128) / 127 * vectors[reach][1]
        for side, reach in (("queries", "queryRange"), ("keys", "keyRange"))
    )
    scores = vectors["scale"] * keys @ queries[12]
    body = page.locator(".whence-attn-table tbody tr")
    assert body.count() == len(pages.TEXT)
    shown = [float(body.nth(i).locator("td").nth(2).inner_text().replace("−", "-")) for i in range(len(pages.TEXT))]
    digits = len(f"{shown[0]}".split(".")[1])
    np.testing.assert_allclose(shown, scores, atol=0.5 * 10.0**-digits + 1e-6)
    powers = np.exp(scores[:13])
    softmax = [percent(share) for share in powers / powers.sum()] + ["not seen"] * (len(pages.TEXT) - 13)
    assert body.locator("td:nth-of-type(4)").all_inner_texts() == softmax
    weights = [percent(weight) for weight in weights_of(data["layers"][-1])[1, 12]]
    assert body.locator("td:nth-of-type(5)").all_inner_texts()[:13] == weights[:13]


def test_a_vectors_numbers_are_said_where_it_is_pointed_at(opened) -> None:
    data = pages.decoder()
    page = opened(pages.page(data))
    tab(page, "Neuron").click()
    strip = page.locator(".whence-attn-table tbody tr").nth(4).locator("canvas").first
    box = strip.bounding_box()
    strip.hover(position={"x": box["width"] * 7.5 / 32, "y": 5})
    vectors = data["layers"][-1]["vectors"]
    value = (float(unpacked(vectors["keys"])[0, 4, 7]) - 128) / 127 * vectors["keyRange"][0]
    said = page.locator(".whence-attn-told").inner_text()
    assert re.sub(r":.*", "", said) == "key “ Tower”, neuron 7"
    assert float(said.split(": ")[1].replace("−", "-")) == pytest.approx(value, abs=0.006)


def test_a_layer_without_vectors_says_how_to_record_them(opened) -> None:
    page = opened(pages.page(pages.decoder()))
    tab(page, "Neuron").click()
    page.get_by_label("Layer").select_option("0")
    said = page.locator("[role=tabpanel] p").inner_text()
    assert said.startswith("No query and key vectors were recorded for layer 0; they were for layer 2.")
    assert "whence.attentions(..., vectors=True)" in said
    assert "whence attention … --vectors" in said


def test_the_neuron_view_opens_on_the_nearest_layer_with_vectors(opened) -> None:
    layers = [pages.self_layer(i, 2, 8, recorded=i in (1, 4)) for i in range(6)]
    page = opened(pages.page(pages.view(pages.many_tokens(8), layers)))
    for start, wanted in (("5", "4"), ("0", "1"), ("4", "4")):
        tab(page, "Head").click()
        page.get_by_label("Layer").select_option(start)
        tab(page, "Neuron").click()
        assert page.get_by_label("Layer").input_value() == wanted
        page.locator(".whence-attn-table").wait_for()


def test_tokens_have_the_numbers_of_the_record_everywhere(opened) -> None:
    data = pages.translator()
    made = pages.packed(*pages.vectors(4, 3), scale=0.6)
    data["layers"][3]["vectors"] = made
    page = opened(pages.page(data))
    page.get_by_label("Kind").select_option("decoder")
    is_drawn(page)
    assert shares(page, "query") == shares(page, "key") == ["4", "5", "6"]
    page.get_by_text("Strongest links as a table").click()
    first = page.locator(".whence-attn table tbody tr").first.locator("td")
    first.first.wait_for()
    words = [token["text"] for token in data["tokens"]]
    for number, text in ((0, 1), (2, 3)):
        assert words[int(first.nth(number).inner_text())] == first.nth(text).inner_text()
    tab(page, "Neuron").click()
    page.locator(".whence-attn-table").wait_for()
    assert [row.split()[0] for row in page.locator(".whence-attn-table tbody th").all_inner_texts()] == ["4", "5", "6"]
    assert page.get_by_label("Query token").locator("option").all_inner_texts()[0].startswith("4")


def test_heads_that_a_page_has_no_room_for_are_named(opened) -> None:
    data = pages.decoder()
    page = opened(pages.page(data))
    assert not page.get_by_text("left out for the page").is_visible()
    data["layers"][-1]["left"] = 5
    page = opened(pages.page(data))
    page.get_by_text("Of 9 heads, those from 4 on are left out for the page’s size.").wait_for()


def test_what_weights_say_is_left_to_the_caveat(opened) -> None:
    page = opened(pages.page(pages.decoder()))
    is_drawn(page)
    said = page.locator(".whence-live").inner_text()
    assert "where a layer looked" not in said
    assert "Weights are rounded to 256 steps" in said


def test_a_biased_layer_shows_the_recorded_weight_and_why_no_softmax(opened) -> None:
    words = pages.TEXT
    data = pages.view(pages.tokens_of(words), [pages.self_layer(0, 2, len(words), recorded=True, biased=True)])
    page = opened(pages.page(data))
    tab(page, "Neuron").click()
    page.get_by_text("No softmax (—) of q·k: something besides q·k takes part here").wait_for()
    heading = page.locator(".whence-attn-table thead tr").first.locator("th").all_inner_texts()
    assert heading == ["token", "vector", "q × k", "q·k × 0.6", "softmax", "weight"]
    body = page.locator(".whence-attn-table tbody")
    assert set(body.locator("td:nth-of-type(4)").all_inner_texts()) == {"—"}
    weights = weights_of(data["layers"][0])[0, -1]
    assert body.locator("td:nth-of-type(5)").all_inner_texts() == [percent(weight) for weight in weights]


def test_weights_that_are_not_the_softmax_are_remarked_on(opened) -> None:
    queries, keys = pages.vectors(1, 8)
    recorded = pages.packed(queries, keys, scale=0.6)
    page = opened(pages.page(pages.view(pages.many_tokens(8), [pages.layer(0, np.eye(8)[None], vectors=recorded)])))
    tab(page, "Neuron").click()
    page.get_by_text("Softmax and weight differ by more than rounding").wait_for()
    page.get_by_label("Query token").select_option("0")
    assert not page.get_by_text("Softmax and weight differ by more than rounding").is_visible()


def test_columns_scroll_alone_where_asked_and_say_what_is_out_of_sight(opened) -> None:
    page = opened(pages.page(pages.view(pages.many_tokens(80), [pages.self_layer(0, 1, 80)])))
    page.get_by_label("scroll both").uncheck()
    page.locator(".whence-attn-query .whence-attn-tokens").evaluate("box => { box.scrollTop = 480; }")
    page.wait_for_function("() => document.querySelector('.whence-attn-query [data-row=\"40\"]')")
    assert page.locator(".whence-attn-key .whence-attn-tokens").evaluate("box => box.scrollTop") == 0
    rows(page, "query").and_(page.locator("[data-row='40']")).hover()
    assert page.locator(".whence-attn-key .whence-attn-below").inner_text().endswith("% below")


def test_text_from_right_to_left_stands_in_its_direction(opened) -> None:
    words = ["مرحبا", "بالعالم", "الكبير"]
    page = opened(pages.page(pages.view(pages.tokens_of(words), [pages.self_layer(0, 1, 3)], rtl=True)))
    is_drawn(page)
    assert texts(page, "key") == words
    assert rows(page, "key").locator("bdi").first.get_attribute("dir") == "rtl"


def test_two_thousand_tokens_stay_usable(opened) -> None:
    data = pages.view(pages.many_tokens(2000), [pages.self_layer(0, 2, 2000, recorded=True)])
    page = opened(pages.page(data))
    is_drawn(page)
    assert rows(page, "query").count() < 60
    rows(page, "query").first.focus()
    page.keyboard.press("End")
    focused = page.locator(":focus")
    assert focused.get_attribute("data-row") == "1999"
    page.keyboard.press("Enter")
    best = int(weights_of(data["layers"][0])[0, 1999].argmax())
    rows(page, "key").and_(page.locator(f"[data-row='{best}']")).wait_for()
    page.locator(".whence-attn-canvas").hover()
    page.mouse.wheel(0, -2400)
    page.wait_for_function("() => document.querySelector('.whence-attn-query [data-row=\"1890\"]')")
    scroll = "side => document.querySelector(`.whence-attn-${side} .whence-attn-tokens`).scrollTop"
    before = page.evaluate(scroll, "key")
    page.locator(".whence-attn-query .whence-attn-tokens").evaluate("box => { box.scrollTop -= 480; }")
    page.wait_for_function(f"before => ({scroll})('key') === before - 480", arg=before)
    tab(page, "Neuron").click()
    page.locator(".whence-attn-table tbody tr").nth(3).wait_for()
    assert page.locator(".whence-attn-table tbody tr").count() < 60
    page.locator(".whence-attn-table").evaluate("box => { box.scrollTop = 24 * 1000; }")
    page.get_by_text("word1005", exact=True).wait_for()
    tab(page, "Model").click()
    is_drawn(page, PICTURE)


def test_weak_lines_are_left_out_and_said_so(opened) -> None:
    weights = np.full((1, 40, 40), 1 / 40)
    page = opened(pages.page(pages.view(pages.many_tokens(40), [pages.layer(0, weights)], causal=False)))
    is_drawn(page)
    page.get_by_label("Lines from").select_option(label="5%")
    page.get_by_text("No weight here reaches the limit.").wait_for()
    assert ink(page) == 0


def test_texts_are_data_and_run_nothing(opened) -> None:
    words = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style>", "]]>"]
    data = pages.view(pages.tokens_of(words), [pages.self_layer(0, 1, 4, recorded=True)])
    page = opened(pages.page(data))
    is_drawn(page)
    assert texts(page, "key") == words
    page.get_by_text("Strongest links as a table").click()
    tab(page, "Neuron").click()
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["Head", "Model", "Neuron"])
def test_no_serious_violation_of_accessibility(opened, name, dark) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci in src/whence/views/frontend")
    page = opened(pages.page(pages.decoder()), dark=dark, bypass_csp=True)
    tab(page, name).click()
    is_drawn(page, {"Head": LINES, "Model": PICTURE, "Neuron": ".whence-attn-strip"}[name])
    if name == "Head":
        rows(page, "query").nth(6).click()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run()).violations.map(v => [v.impact, v.id, v.nodes[0].html])")
    assert [one for one in found if one[0] in ("serious", "critical")] == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["Head", "Model", "Neuron"])
def test_a_narrow_page_is_no_wider_than_its_window(opened, name, dark) -> None:
    page = opened(pages.page(pages.decoder(4, 12)), width=420, dark=dark)
    tab(page, name).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
