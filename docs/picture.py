"""Draws what `whence explain` prints, as an SVG that fetches nothing: python docs/picture.py docs/eiffel.svg"""

import sys
from io import StringIO
from pathlib import Path

from rich.console import Console

import whence
from whence.views import terminal

PROMPT = "The Eiffel Tower is located in the city of"
FRAME = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
 font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
<rect fill="#1b1d21" x="1" y="1" width="{width}" height="{height}" rx="8"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def draw(path: Path) -> None:
    """Explain the prediction, print it to a console that records, and write what it recorded."""
    console = Console(
        record=True, width=80, file=StringIO(), force_terminal=True, color_system="truecolor", legacy_windows=False
    )
    subject = whence.load("smollm2", device="cpu")
    explanation = whence.explain(subject, PROMPT)
    untimed = {k: v for k, v in explanation.provenance.items() if k not in ("seconds", "caveat")}
    still = whence.Attribution.from_dict(explanation.to_dict() | {"provenance": untimed})
    console.print(f'$ whence explain "{PROMPT}"\n', style="bold", highlight=False)
    terminal.render([still], console)
    path.write_text(console.export_svg(title="", code_format=FRAME, unique_id="whence"), encoding="utf-8")


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
