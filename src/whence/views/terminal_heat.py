"""The parts a terminal view is made of: heat-map lines, bars, and facts set one after another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len, chop_cells
from rich.console import RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from whence.records import Token
from whence.views.colors import RDBU, Palette, background, foreground, hex_code
from whence.views.evidence import UNREAD, leaders, scale_of
from whence.views.numbers import signed
from whence.views.token_text import borders, gaps, isolated, quoted, readable_tokens

INDENT = 2
_BAR_HALF = 14
_ARROW = "→ "
_FAINT = Style(dim=True)
_END = "¦"
"""What stands behind the tokens that were read, where the paper takes no styles."""


@dataclass(frozen=True)
class Paper:
    """What is printed on: its width in cells, whether it takes styles at all, and whether it takes colours; and in
    which colours.
    """

    width: int
    styled: bool
    colored: bool
    palette: Palette = RDBU


def heat_lines(tokens: Sequence[Token], scores: np.ndarray, paper: Paper, reach: int | None = None) -> list[Text]:
    """The tokens in reading order on the colours of their scores, broken into lines between tokens; those behind the
    first `reach`, which the model had not read, without.

    A token that ends in a line break ends a line here too; only a token wider than the paper is broken itself. What a
    decoder has read stands on a line of its own, behind an arrow.
    """
    reach = len(tokens) if reach is None else reach
    scale = scale_of(scores[:reach])
    width = max(paper.width - INDENT, 1)
    lines = [Text(" " * INDENT)]
    left, ends_line = width, False
    rows = zip(tokens, readable_tokens(tokens), gaps(tokens), borders(tokens), scores.tolist(), strict=True)
    for i, (token, text, gap, border, score) in enumerate(rows):
        if border and width > len(_ARROW):
            lines.append(Text.assemble(" " * INDENT, (_ARROW, "dim")))
            left, ends_line = width - len(_ARROW), False
        elif gap and 0 < left < width:
            lines[-1].append(" ")
            left -= 1
        shown = _marked(text, score, paper) if i < reach else isolated(text)
        shown = f"{_END}{shown}" if i == reach and not paper.styled else shown
        style = heat_style(score, scale, paper) if i < reach else _FAINT
        for piece in chop_cells(shown, width) if cell_len(shown) > width else [shown]:
            if cell_len(piece) > left:
                lines.append(Text(" " * INDENT))
                left, piece = width, piece if ends_line else piece.removeprefix(" ")
            lines[-1].append(piece, style)
            left -= cell_len(piece)
        ends_line = token.text.endswith("\n")
        left = 0 if ends_line else left
    return lines


def legend(scores: np.ndarray, unit: str, paper: Paper) -> Text:
    """One line: both ends of the row's colour scale, in units, and how negative tokens are marked."""
    scale = scale_of(scores)
    name = "colour" if paper.styled and paper.colored else "scale"
    if not scale:
        ends = "every score is 0"
    elif scores.min() >= 0:
        ends = f"0 … {signed(scale, scale)} {unit}, no score is negative"
    else:
        ends = f"{signed(-scale, scale)} … {signed(scale, scale)} {unit} · {negative_mark(paper)}"
    return Text(f"{' ' * INDENT}{name}: {ends}", style="dim")


def negative_mark(paper: Paper) -> str:
    """How negative tokens are told from positive ones without colour."""
    return "underlined: negative" if paper.styled else "‹ ›: negative"


def unread_mark(paper: Paper) -> str:
    """How tokens that were not read are told from the others."""
    return f"{'faint' if paper.styled else f'behind {_END}'}: {UNREAD}"


def row_summary(tokens: Sequence[Token], scores: np.ndarray) -> str:
    """One line for a row among many: its strongest tokens with signed scores, and its scale."""
    facts = leading_tokens(tokens, scores)
    return " · ".join([*facts, f"scale ±{signed(scale_of(scores), scale_of(scores)).lstrip('+')}"])


def leading_tokens(tokens: Sequence[Token], scores: np.ndarray) -> list[str]:
    """The strongest tokens of a row, largest |score| first, each with its signed score; none if all are equal."""
    texts = readable_tokens(tokens)
    scale = scale_of(scores)
    return [f"{quoted(texts[i])} {signed(float(scores[i]), scale)}" for i in leaders(scores)]


def bar(score: float, scale: float, paper: Paper) -> Text:
    """A bar that grows from an axis, to the left for a negative score and to the right for a positive one."""
    halves = round(2 * _BAR_HALF * abs(score) / scale) if scale else 0
    whole, half = divmod(halves, 2)
    left, right = ("▐" * half + "█" * whole, "") if score < 0 else ("", "█" * whole + "▌" * half)
    return Text.assemble(
        (left.rjust(_BAR_HALF), hex_code(paper.palette.negative)),
        ("│", "dim"),
        (right.ljust(_BAR_HALF), hex_code(paper.palette.positive)),
    )


def bar_heading() -> Text:
    """The heading of a column of bars, its middle on their axis."""
    return Text(f"{'negative'.rjust(_BAR_HALF)}│{'positive'.ljust(_BAR_HALF)}")


def facts_line(facts: Sequence[str | Text], paper: Paper, style: str = "") -> Text:
    """Facts one after another with dots between, broken into lines between facts rather than inside them."""
    line = Text(style=style)
    left = paper.width
    for i, fact in enumerate(Text(fact) if isinstance(fact, str) else fact for fact in facts):
        needed = fact.cell_len + (3 if i else 0)
        breaks = bool(i) and needed > left
        left = paper.width - INDENT - fact.cell_len if breaks else left - needed
        line.append("\n" + " " * INDENT if breaks else " · " if i else "")
        line.append_text(fact)
    return line


def bare_table() -> Table:
    """An empty table without lines."""
    return Table(box=None, header_style="dim", padding=(0, 1), pad_edge=False)


def inset(part: RenderableType) -> Padding:
    """The part, set in as far as a heat map is."""
    return Padding(part, (0, 0, 0, INDENT), expand=False)


def note(text: str) -> Padding:
    """A quiet remark, set in as far as a heat map is."""
    return inset(Text(text, style="dim"))


def _marked(text: str, score: float, paper: Paper) -> str:
    """The text, between ‹ › if its score is negative and the paper takes no underline."""
    core = text.lstrip(" ")
    space = text[: len(text) - len(core)]
    return space + isolated(f"‹{core}›" if score < 0 and not paper.styled else core)


def heat_style(score: float, scale: float, paper: Paper) -> Style:
    """Colours for a score, and the underline of a negative one."""
    behind = background(score, scale, palette=paper.palette)
    return Style(color=hex_code(foreground(behind)), bgcolor=hex_code(behind), underline=True if score < 0 else None)
