"""What a notebook that is not trusted leaves of HTML: JupyterLab's rules (packages/apputils/src/sanitizer.ts)."""

import re
from html import escape
from html.parser import HTMLParser

TAGS = re.compile(
    "a|abbr|article|aside|b|bdi|bdo|blockquote|br|button|caption|cite|code|col|colgroup|dd|details|div|dl|dt|em|"
    "fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|i|img|input|label|legend|li|mark|nav|ol|option|p|pre|q|s|"
    "section|select|small|span|strong|sub|summary|sup|table|tbody|td|textarea|tfoot|th|thead|tr|u|ul"
)
EMPTIED = {"script", "style", "textarea", "option", "noscript"}
ATTRIBUTES = {"class", "dir", "hidden", "id", "lang", "style", "title", "href", "scope", "colspan"}
COLOR = r"#[0-9a-f]+"
STYLES = {
    "color": COLOR,
    "background": rf"({COLOR}|linear-gradient\(to right(, {COLOR})+\))",
    "width": r"[0-9.]+(px|em|%)",
    "height": r"[0-9.]+(px|em|%)",
    "text-decoration": r"none|((underline|overline|line-through|blink)\s*)+",
}


class _Sanitizer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.kept: list[str] = []
        self.emptied: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag in EMPTIED:
            self.emptied.append(tag)
        elif TAGS.fullmatch(tag):
            kept = [(name, _styles(value) if name == "style" else value) for name, value in attrs if name in ATTRIBUTES]
            written = "".join(f' {name}="{escape(str(value))}"' for name, value in kept)
            self.kept.append(f"<{tag}{written}>")

    def handle_endtag(self, tag):
        if tag in EMPTIED:
            self.emptied.pop()
        elif TAGS.fullmatch(tag):
            self.kept.append(f"</{tag}>")

    def handle_data(self, data):
        if not self.emptied:
            self.kept.append(escape(data))


def _styles(style: str) -> str:
    pairs = [part.split(":", 1) for part in style.split(";") if part]
    return ";".join(f"{name}:{value}" for name, value in pairs if re.fullmatch(STYLES.get(name, "$."), value))


def sanitized(source: str) -> str:
    """Elements that show text, their classes, titles and some of their styles; no style sheet, script or frame."""
    sanitizer = _Sanitizer()
    sanitizer.feed(source)
    sanitizer.close()
    return "".join(sanitizer.kept)
