"""The widget's script with a model that stands for the notebook's."""

from views.examples import EXAMPLES
from whence.views.colors import RDBU
from whence.views.live import live
from whence.views.page_script import script, static_style, style

START = """
async ([source, views]) => {
  const address = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
  const state = {views, selected: null};
  window.saved = [];
  const model = {
    get: (name) => state[name],
    set: (name, value) => { state[name] = value; },
    save_changes: () => saved.push(JSON.parse(JSON.stringify(state.selected))),
  };
  const {default: widget} = await import(address);
  window.end = widget.render({model, el: document.querySelector("#cell")});
}
"""


def started(opened, *records):
    page = opened(
        f"<!doctype html><title>host</title><style>{static_style()}{style()}</style>"
        '<div class="whence-view"><div class="whence-static">mine</div></div><div id="cell"></div>'
    )
    page.evaluate(START, [script(), [live(record, RDBU) for record in records]])
    return page


def test_a_click_on_a_token_is_heard_in_python(opened) -> None:
    page = started(opened, EXAMPLES["attribution"]())
    tokens = page.locator("#cell .whence-pill")
    tokens.nth(4).click()
    assert page.evaluate("saved")[-1] == {"view": 0, "row": 0, "token": 4}
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    assert page.evaluate("saved")[-1] == {"view": 0, "row": 0, "token": 3}


def test_each_view_says_what_was_chosen_in_it_and_which_it_is(opened) -> None:
    """All shapes that `whence.views.widget.render` names."""
    page = started(opened, *(EXAMPLES[name]() for name in ("attribution", "comparison", "flow", "attentions")))
    heat, comparison, flow, attention = (page.locator("#cell > div").nth(i) for i in range(4))
    heat.locator(".whence-pill").nth(4).click()
    comparison.locator(".whence-strip").nth(1).locator("button").nth(2).click()
    for i in range(2):
        flow.locator(".whence-cell").nth(i).focus()
        page.keyboard.press("Home")
        page.keyboard.press("Enter")
    token = attention.locator(".whence-attn-query .whence-attn-row").nth(1)
    token.click()
    token.click()
    heard = page.evaluate("saved")
    assert heard[0] == {"view": 0, "row": 0, "token": 4}
    assert heard[1] == {"view": 1, "row": 0, "token": 2, "method": 1}
    assert heard[2].keys() == {"view", "row", "residual", "token"}
    assert (heard[2]["view"], heard[2]["token"]) == (2, 0)
    assert heard[3].keys() == {"view", "row", "layer", "head"}
    assert (heard[3]["view"], heard[3]["head"]) == (2, 0)
    assert heard[4].keys() == {"view", "layer", "kind", "heads", "side", "token"}
    assert (heard[4]["view"], heard[4]["side"], heard[4]["token"]) == (3, "query", 1)
    assert heard[5] is None


def test_it_looks_as_on_a_page(opened) -> None:
    page = started(opened, EXAMPLES["attribution"]())
    look = "one => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color]"
    assert page.locator("#cell .whence-pill").nth(4).evaluate(look) == ["rgb(103, 0, 31)", "rgb(255, 255, 255)"]
    assert page.locator("#cell").evaluate(look) == ["rgb(252, 252, 250)", "rgb(29, 33, 38)"]
    assert (
        page.locator("#cell .whence-pill").first.evaluate("one => getComputedStyle(one).textDecorationLine")
        == "underline"
    )


def test_each_view_has_its_own_place_and_all_go_when_the_widget_goes(opened) -> None:
    page = started(opened, EXAMPLES["attribution"](), EXAMPLES["attribution"]())
    assert page.locator("#cell > div").count() == 2
    assert page.locator("#cell .whence-pill").count() >= 14
    page.evaluate("end()")
    assert page.locator("#cell .whence-pill").count() == 0


def test_it_leaves_the_page_around_it_alone(opened) -> None:
    page = started(opened, EXAMPLES["attribution"]())
    assert page.get_by_text("mine").is_visible()
