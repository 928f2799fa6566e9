"""Tokens, labels, names and provenance come from models and users: they are shown, and do nothing else."""

import json
import re
import unicodedata
from html.parser import HTMLParser

import numpy as np
import pytest

from whence.records import Comparison, Disagreement, Token
from whence.views import html
from whence.views.token_text import readable

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=1>',
    "' onmouseover='alert(1)",
    "</style><style>*{display:none}",
    "</title><script>alert(1)</script>",
    "]]>",
    "<!--",
    "{{ 7 * 7 }}{% raw %}",
    "a\x00b",
    "\x1b[2J\x1b]8;;x\x1b\\",
    "\x9b31m",
    "\u202egnp.exe\u2066",
    "a\r\nb",
    "[red]x[/red][link=x]",
    "</script><script>alert(1)</script>",
    "a\u2028b\u2029c",
    "javascript:alert(1)",
]


class Skeleton(HTMLParser):
    """What a page is made of, without its text: elements and the names of their attributes, and the shape of data.

    `words` are what is read, `data` the texts that interactive views are given.
    """

    def __init__(self, source: str):
        super().__init__(convert_charrefs=True)
        self.parts: list[object] = []
        self.words = ""
        self.data = ""
        self.kind: str | None = None
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.parts.append((tag, [name for name, _ in attrs], dict(attrs).get("class")))
        self.kind = dict(attrs).get("type") if tag == "script" else None

    def handle_endtag(self, tag):
        self.parts.append(tag)
        self.kind = None

    def handle_comment(self, data):
        self.parts.append("comment")

    def handle_data(self, data):
        if self.kind == "application/json":
            value = json.loads(data)
            self.parts.append(shape_of(value))
            self.data += "".join(texts_in(value))
        elif self.kind is None:
            self.words += data
        else:
            self.parts.append(data)


def shape_of(value):
    """JSON without its texts and numbers."""
    if isinstance(value, dict):
        return {name: shape_of(inner) for name, inner in value.items()}
    return [shape_of(inner) for inner in value] if isinstance(value, list) else type(value).__name__


def texts_in(value):
    inside = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return ([value] if isinstance(value, str) else []) + [text for inner in inside for text in texts_in(inner)]


def everywhere(attribution_of, text: str):
    """An attribution, one of many rows and comparisons that hold the text wherever there can be text."""
    tokens = [Token(text, 0, 0, 1, text, True), Token("b", 1, 1, 2)]
    options = {
        "tokens": tokens,
        "method": text,
        "unit": text,
        "params": {text: text, "nested": {text: [text]}},
        "model": text,
        "caveat": text,
        "forwards": text,
        "seconds": text,
        "versions": {text: text},
    }
    one = attribution_of(scores=[[1.0, -2.0]], labels=[text], **options)
    many = attribution_of(scores=np.array([[1.0, -2.0], [2.0, 1.0]]), labels=[text, text], **options)
    entry = Disagreement(0, 1, 0, 0, 1.0, 2.0, 1.0, -2.0, 0.5, 1.0, text, 1)
    about = {"strategy": text, "forwards": text, "caveat": text}
    disagreeing = [
        Comparison((one, one), (), (entry,), about),
        Comparison((many, many), (), (entry,), {}),
        Comparison((one, one), (), (), {"reason": text}),
    ]
    return [one, many, Comparison((one, one), ()), *disagreeing]


@pytest.mark.parametrize("fragment", [False, True])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_changes_what_a_page_is_made_of(attribution_of, payload, fragment) -> None:
    safe = Skeleton(html.render(everywhere(attribution_of, "safe"), title="safe", fragment=fragment))
    page = Skeleton(html.render(everywhere(attribution_of, payload), title=payload, fragment=fragment))
    assert page.parts == safe.parts
    assert readable(payload) in page.words
    assert page.words.count(readable(payload)) == safe.words.count("safe")
    assert page.data.count(readable(payload)) == safe.data.count("safe")
    assert bool(page.data) != fragment


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_control_code_reaches_a_page(attribution_of, payload) -> None:
    page = html.render(everywhere(attribution_of, payload))
    unwanted = {c for c in page if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co"}}
    assert unwanted <= {"\n"}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_control_code_reaches_a_terminal(attribution_of, printed, payload) -> None:
    records = everywhere(attribution_of, payload)
    shown = printed(*records, width=200)
    assert {c for c in shown if unicodedata.category(c).startswith("C")} <= {"\n"}
    assert readable(payload) in shown


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_adds_a_style_to_a_terminal(attribution_of, printed, payload) -> None:
    options = {"force_terminal": True, "color_system": "truecolor", "no_color": False, "width": 200}

    def codes(text: str) -> set[str]:
        return set(re.findall(r"\x1b[^m]*m|\x1b", printed(*everywhere(attribution_of, text), **options)))

    assert codes(payload) == codes("safe")
