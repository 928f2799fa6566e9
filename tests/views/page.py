"""What a page is made of, read as a browser reads it."""

import json
import re
from html.parser import HTMLParser
from typing import Any

VOID = {"meta", "br"}


class Page(HTMLParser):
    """Elements and text of a page; an element left open or closed twice fails.

    `text` is what is read, so without style sheets and scripts; `styles` and `scripts` are those, and of scripts
    `modules` run while `data` are JSON values.
    """

    def __init__(self, source: str):
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.roots: list[str] = []
        self.text = ""
        self.styles: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attrs):
        if not self._open:
            self.roots.append(tag)
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open[-1:] == ["script"]:
            attrs, before = self.scripts[-1]
            self.scripts[-1] = (attrs, before + data)
        elif self._open[-1:] == ["style"]:
            self.styles.append(data)
        else:
            self.text = " ".join([self.text, *data.split()])

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]

    def with_class(self, name: str) -> list[dict[str, str | None]]:
        return [attrs for _, attrs in self.elements if name in (attrs.get("class") or "").split()]

    @property
    def data(self) -> list[Any]:
        """What interactive views are given."""
        return [json.loads(text) for attrs, text in self.scripts if attrs == _DATA]

    @property
    def modules(self) -> list[str]:
        """The scripts that run; every script is one of these, without an address, or data."""
        assert all(attrs in (_DATA, _MODULE) for attrs, _ in self.scripts)
        return [text for attrs, text in self.scripts if attrs == _MODULE]

    @property
    def policies(self) -> list[str | None]:
        """The page's Content-Security-Policy."""
        return [attrs["content"] for attrs in self.of("meta") if attrs.get("http-equiv") == "Content-Security-Policy"]


_DATA = {"type": "application/json", "class": "whence-data"}
_MODULE = {"type": "module"}


def markup(source: str) -> str:
    """A page without what its style sheets and scripts hold."""
    return re.sub(r"(<(script|style)\b[^>]*>).*?(</\2>)", r"\1\3", source, flags=re.DOTALL)
