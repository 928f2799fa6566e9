"""A Hebrew label keeps its place in a sentence: what stands before it in the text stands to its left on the page."""

from dataclasses import replace

import pytest

from views.examples import EXAMPLES
from views.flows import make_flow
from views.measured import profiles
from whence.records import TargetValue
from whence.views import html

HEBREW = "שלום"
PLACES = """
(one, [texts]) => texts.map((text) => {
  const walker = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const at = walker.currentNode.data.indexOf(text);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(walker.currentNode, at);
    range.setEnd(walker.currentNode, at + text.length);
    return range.getBoundingClientRect().left;
  }
  throw new Error(`${text} is not in ${one.textContent}`);
})
"""
"""Where each of the texts begins on the page."""


def flow():
    return make_flow((HEBREW, "b", "c"), targets=(TargetValue(HEBREW, 3, 4.5, 0.0, "logit"),))


@pytest.mark.parametrize(
    ("selector", "texts"),
    [
        (".whence-contents li:nth-child(1)", ["Flow", "predicted", HEBREW, "4.5", "logit"]),
        (".whence-contents li:nth-child(3)", ["Heat map", "predicted", HEBREW, "by", "attnlrp"]),
        (".whence-contents li:nth-child(4)", ["Neurons", HEBREW, "11.53"]),
        ("#whence-1 h2", ["Flow", "predicted", HEBREW, "4.5", "logit", "flow of relevance"]),
        ("#whence-1 .whence-static td:has-text('residual')", [HEBREW, "residual"]),
        ("#whence-2 summary", ["layer 3", "most at", HEBREW, "+2.50"]),
        ("#whence-4 h2", ["Neurons", HEBREW, "11.53", "logit"]),
    ],
)
def test_words_stand_in_the_order_they_are_written(opened, selector, texts) -> None:
    explained = EXAMPLES["attribution"]()
    latents = EXAMPLES["latents"]()
    target = TargetValue(HEBREW, 7, 11.53, 0.0, "logit")
    records = [flow(), profiles(HEBREW), replace(explained, targets=(target,)), replace(latents, targets=(target,))]
    page = opened(html.render(records), java_script_enabled=False, keep=False)
    found = [one for one in page.locator(selector).all() if HEBREW in one.text_content()]
    assert found
    for one in found[:1]:
        places = one.evaluate(PLACES, [texts])
        assert places == sorted(places)
