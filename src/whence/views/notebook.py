"""Records in a notebook: each host shows the richest layer it lets through.

First text for hosts that show only that. Then static HTML with inline styles, which survives where scripts, frames and
style sheets are dropped: a notebook that is not trusted, a preview on the web. Then, in its place, the interactive
page in a sandboxed frame that can run its script and reach nothing else; where even there no script runs, the page
shows what it shows without.
"""

from collections.abc import Sequence
from io import StringIO
from typing import Any

from markupsafe import escape
from rich.console import Console

from whence.views import html, terminal
from whence.views.token_text import readable

_WIDTH = 80
_LOWEST, _HIGHEST, _EACH = 560, 900, 400
"""Heights of the frame in pixels; what does not fit can be scrolled to, and the frame be drawn larger."""
_STYLE = "<style>.whence-cell:has(> iframe[srcdoc]) > .whence { display: none; }</style>"


def render(records: Sequence[Any], *, title: str | None = None) -> str:
    """The static HTML and, for hosts that show frames, the interactive page in its place."""
    static = html.render(records, title=title, fragment=True)
    page = escape(html.render(records, title=title, frame=True))
    height = max(_LOWEST, min(_HIGHEST, _EACH * len(records)))
    return (
        f'<div class="whence-cell">{_STYLE}{static}'
        f'<iframe title="{escape(readable(title or "whence"))}" sandbox="allow-scripts" srcdoc="{page}" '
        f'style="width:100%;height:{height}px;border:0;resize:vertical;overflow:auto"></iframe></div>'
    )


def text(records: Sequence[Any]) -> str:
    """What a terminal would show, without colours."""
    file = StringIO()
    terminal.render(records, Console(file=file, width=_WIDTH, force_terminal=False, color_system=None))
    return file.getvalue().rstrip("\n")
