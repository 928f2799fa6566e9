"""Writes docs/methods.md from what each method says of itself: python docs/make_methods.py docs/methods.md"""

import inspect
import sys
from pathlib import Path

from whence.cli.listings import passes
from whence.registry import available, resolve

FAMILIES = {
    "gradients": "Gradients: how the output changes when an embedding changes",
    "relevance": "Relevance: the output's value, handed back layer by layer",
    "perturbation": "Perturbation: what the output loses when a part of the input is masked",
    "attention": "Attention: where the layers looked",
    "baseline": "Baselines: what every method has to beat",
}
HEAD = """# Methods

<!-- Made by `make docs` from the methods' own docstrings. -->

Passes are for an input of n tokens and k targets, with default parameters. *Residual* says whether the scores are meant
to add up to value − baseline value; for those that are, what is missing is reported.

| method | family | passes | residual | parameters |
|---|---|---|---|---|
"""


def methods_page() -> str:
    """The page, as Markdown."""
    methods = {key: resolve("methods", key) for key in available("methods")}
    page = HEAD
    for key, method in methods.items():
        made = method()
        settings = ", ".join(f"`{name}={value!r}`" for name, value in made.params.items()) or "none"
        claim = "reported" if made.complete else "none"
        page += f"| [`{key}`](#{key}) | {made.family} | {passes(made)} | {claim} | {settings} |\n"
    for family, title in FAMILIES.items():
        page += f"\n## {title}\n"
        for key, method in methods.items():
            if method.family == family:
                page += f"\n### {key}\n\n{_body(method)}"
    return page


def _body(method: type) -> str:
    paragraphs = (inspect.getdoc(method) or "").split("\n\n")
    lines = []
    for paragraph in paragraphs:
        if paragraph.startswith(">>>"):
            continue
        lines.append(_as_list(paragraph) if paragraph.startswith("Formula:") else paragraph)
    return "\n\n".join(lines) + "\n"


def _as_list(paragraph: str) -> str:
    """The lines «Formula: …», «Source: …» and so on as a list, each with the lines it runs on to."""
    items: list[str] = []
    for line in paragraph.splitlines():
        head, colon, rest = line.partition(": ")
        if (
            colon
            and head[:1].isupper()
            and head in ("Formula", "Source", "Shapes and units", "Cost", "Errors", "Does not claim")
        ):
            items.append(f"- **{head}.** {rest}")
        else:
            items[-1] += f"\n  {line}"
    return "\n".join(items)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(methods_page(), encoding="utf-8")
