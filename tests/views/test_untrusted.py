"""Tokens, labels, names and provenance come from models and users: they are shown, and do nothing else."""

import json
import re
import unicodedata
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest

from views.untrusted import PAYLOADS, RECORDS
from whence.views import html, notebook
from whence.views.token_text import readable


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


class Cell(Skeleton):
    """A notebook's cell, with the attributes of its one frame."""

    def __init__(self, source: str):
        self.frames: list[dict[str, str]] = []
        super().__init__(source)

    def handle_starttag(self, tag, attrs):
        super().handle_starttag(tag, attrs)
        self.frames += [dict(attrs)] if tag == "iframe" else []


def shape_of(value):
    """JSON without its texts and numbers."""
    if isinstance(value, dict):
        return {name: shape_of(inner) for name, inner in value.items()}
    return [shape_of(inner) for inner in value] if isinstance(value, list) else type(value).__name__


def texts_in(value):
    inside = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return ([value] if isinstance(value, str) else []) + [text for inner in inside for text in texts_in(inner)]


KEPT = 19
"""Characters of a text that stand wherever it is shown: the names of places on a path are cut."""


def everywhere(text: str) -> list[Any]:
    """A record of every type that holds the text wherever there can be text."""
    return [make(text) for make in RECORDS.values()]


@cache
def skeleton(text: str, fragment: bool) -> Skeleton:
    return Skeleton(html.render(everywhere(text), title=text, fragment=fragment))


@pytest.mark.parametrize("fragment", [False, True])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_changes_what_a_page_is_made_of(payload, fragment) -> None:
    safe = skeleton("safe", fragment)
    page = skeleton(payload, fragment)
    assert page.parts == safe.parts
    assert readable(payload) in page.words
    beginning = readable(payload)[:KEPT]
    assert page.words.count(beginning) == safe.words.count("safe")
    assert page.data.count(beginning) == safe.data.count("safe")
    assert bool(page.data) != fragment


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_changes_what_a_notebook_s_cell_is_made_of(payload) -> None:
    safe, cell = (Cell(notebook.render([RECORDS["attribution"](text)], title=text)) for text in ("safe", payload))
    assert cell.parts == safe.parts
    assert cell.frames[0]["sandbox"] == "allow-scripts"
    assert cell.frames[0]["title"] == readable(payload)
    inside = [Skeleton(one.frames[0]["srcdoc"]).parts for one in (safe, cell)]
    assert inside[0] == inside[1]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_control_code_reaches_a_page(payload) -> None:
    page = html.render(everywhere(payload))
    unwanted = {c for c in page if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co"}}
    assert unwanted <= {"\n"}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_control_code_reaches_a_terminal(printed, payload) -> None:
    records = everywhere(payload)
    shown = printed(*records, width=200)
    assert {c for c in shown if unicodedata.category(c).startswith("C")} <= {"\n"}
    assert readable(payload) in shown


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_adds_a_style_to_a_terminal(printed, payload) -> None:
    options = {"force_terminal": True, "color_system": "truecolor", "no_color": False, "width": 200}

    def codes(text: str) -> set[str]:
        return set(re.findall(r"\x1b[^m]*m|\x1b", printed(*everywhere(text), **options)))

    assert codes(payload) == codes("safe")
