"""A line of the contents says what kind of thing it leads to, and no two are equal."""

import re

import pytest

from views.examples import EXAMPLES
from views.measured import score, scores
from views.page import Page
from whence.records import Curve
from whence.views import html

KINDS = {
    "attribution": "Heat map · predicted “ Paris” by attnlrp",
    "comparison": "Comparison · predicted “ Paris” by 2 methods",
    "scores": "Scores · attnlrp",
    "verdict": "Verdict · attnlrp on smollm2",
    "latents": "Neurons · “ Paris” 11.53 logit",
    "maximizers": "Texts of a unit · layer 1 neuron 17",
    "vocabulary_projection": "Tokens of a unit · layer 1 neuron 17",
    "leaderboard": "Leaderboard · ",
    "attentions": "Attention · “",
    "flow": "Flow · predicted “ Paris” 4.5 logit",
    "profiles": "Neurons · predicted “ Paris” 12.84 logit",
}


def contents(*names: str) -> list[str]:
    page = html.render([EXAMPLES[name]() for name in names])
    return re.findall(r'<li><a href="#whence-\d+"><span dir="ltr">(.*?)</span></a></li>', page)


def test_the_kind_comes_first() -> None:
    for line, wanted in zip(contents(*KINDS), KINDS.values(), strict=True):
        assert line.startswith(wanted)


def test_equal_names_are_numbered_and_others_are_not() -> None:
    flow = KINDS["flow"]
    assert contents("flow", "scores", "flow")[::2] == [f"{flow} (1)", f"{flow} (2)"]
    assert "(" not in contents("flow", "scores", "flow")[1]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("attribution", ["Colour is sign", "a scale of its own", "The residual"]),
        ("flow", ["Colour is sign", "narrowest step"]),
        ("profiles", ["Colour is sign", "a scale of its own", "promotes tokens", "The frame"]),
        ("maximizers", ["Colour is sign", "a scale of its own"]),
        ("attentions", ["where a head looked"]),
        ("verdict", ["Passed"]),
        ("scores", []),
        ("leaderboard", []),
    ],
)
def test_how_to_read_a_page_is_told_of_what_is_on_it_alone(name, said) -> None:
    items = Page(html.render([EXAMPLES[name]()])).text.split("How to read this")[1].split("An explanation is not")[0]
    every = (
        "Colour is sign",
        "a scale of its own",
        "The residual",
        "where a head looked",
        "narrowest step",
        "promotes tokens",
        "The frame",
        "grey band",
        "Passed",
    )
    assert [one for one in every if one in items] == said


def test_the_band_is_explained_where_there_is_one() -> None:
    band = Curve("random order", (0.0, 1.0), (0.0, 1.0), (0.0, 0.5), (0.0, 1.5), "lowest to highest of 10")
    assert "grey band" in html.render([scores(score(curves=((band,),)))])
