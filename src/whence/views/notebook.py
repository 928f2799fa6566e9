"""Records in a notebook: each host shows the richest layer it lets through.

First text for hosts that show only that; then static HTML with inline styles, which survives where scripts and style
sheets are dropped (a notebook that is not trusted, a preview on the web); then, over it, the interactive page in a
sandboxed frame that can run its script and reach nothing else.
"""

from collections.abc import Sequence
from io import StringIO
from typing import Any

from markupsafe import Markup, escape
from rich.console import Console

from whence.views import html, terminal

_WIDTH = 80
_LOWEST, _HIGHEST, _EACH = 420, 900, 330
"""Heights of the frame in pixels; what does not fit can be scrolled to, and the frame be drawn larger."""


def render(records: Sequence[Any], *, title: str | None = None) -> str:
    """The static HTML and, for hosts that show frames, the interactive page in its place."""
    static = Markup(html.render(records, title=title, fragment=True))
    page = html.render(records, title=title)
    height = max(_LOWEST, min(_HIGHEST, _EACH * len(records)))
    return (
        '<div class="whence-cell"><style>.whence-cell:has(> iframe) > .whence { display: none; }</style>'
        f'{static}<iframe title="{escape(title or "whence")}" sandbox="allow-scripts" srcdoc="{escape(page)}" '
        f'style="width:100%;height:{height}px;border:0;resize:vertical;overflow:auto"></iframe></div>'
    )


def text(records: Sequence[Any]) -> str:
    """What a terminal would show, without colours."""
    file = StringIO()
    terminal.render(records, Console(file=file, width=_WIDTH, force_terminal=False, color_system=None))
    return file.getvalue().rstrip("\n")
