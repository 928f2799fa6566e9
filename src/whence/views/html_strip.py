"""A heat-map strip of an HTML page: tokens in reading order, each with its colours and its name in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from whence.records import Attribution, Token
from whence.views.colors import RDBU, Palette, background, foreground, gradient, hex_code
from whence.views.evidence import UNREAD, Evidence, evidence, heading, leaders, scale_of, seen
from whence.views.html_picture import Picture, picture
from whence.views.image_grid import image_grid
from whence.views.long_inputs import MOST_TOKENS, sentences_note
from whence.views.numbers import counted, signed
from whence.views.token_text import borders, gaps, isolated, quoted, readable, readable_tokens, reads_right_to_left


@dataclass(frozen=True)
class Pill:
    """One token of a strip: its text, its name for a reader who sees no colour, and how it looks; a frame marks it.

    One that is `unread` stood behind what the model had read: it has no score, and no colour.
    """

    text: str
    name: str
    style: str
    negative: bool
    after_gap: bool
    ends_line: bool
    begins_target: bool
    marked: bool = False
    unread: bool = False


@dataclass(frozen=True)
class Legend:
    """The look of the colour scale, of its half above zero and of a sample token of each sign, and its hues' names."""

    ramp: str
    rise: str
    negative: str
    positive: str
    below: str
    above: str


def legend_of(palette: Palette) -> Legend:
    """The look of a palette."""
    return Legend(
        _ramp(palette, above_zero=False),
        _ramp(palette, above_zero=True),
        heat_style(-0.45, 1.0, palette),
        heat_style(0.45, 1.0, palette),
        palette.below,
        palette.above.capitalize(),
    )


def _ramp(palette: Palette, *, above_zero: bool) -> str:
    light, dark = (gradient(dark=is_dark, palette=palette, above_zero=above_zero) for is_dark in (False, True))
    return f"background:{light};--whence-dark:{dark}"


@dataclass(frozen=True)
class Strip:
    """One row of scores as pills, or over the picture of an image; `scale` ends its colours, None if all are zero.

    `note` says what the pills are where they are not the record's own units.
    """

    label: str
    evidence: Evidence
    residual_of: str
    unit: str
    scale: str | None
    pills: tuple[Pill, ...]
    picture: Picture | None
    leaders: tuple[str, ...]
    direction: str
    note: str | None

    @property
    def unread(self) -> str | None:
        """What stands beside it where tokens have no colour."""
        return f"without colour: {UNREAD}" if any(pill.unread for pill in self.pills) else None


def strip(record: Attribution, row: int, palette: Palette = RDBU, shown: Attribution | None = None) -> Strip:
    """The strip of one target row: of the record's tokens, or of the units of `shown`, the record as it is drawn."""
    shown = record if shown is None else shown
    unit = readable(record.unit)
    grid = image_grid(record, row)
    reach = seen(shown, row)
    scale = scale_of(shown.scores[row, :reach]) if grid is None else grid.scale
    pills = _pills(shown.tokens, shown.scores[row], reach, scale, unit, palette) if grid is None else ()
    scores = record.scores[row, : seen(record, row)]
    strongest = leaders(scores)
    texts = readable_tokens(record.tokens) if grid is None else [readable(token.text) for token in record.tokens]
    return Strip(
        label=heading(record, row),
        evidence=evidence(record, row),
        residual_of="value − baseline" if record.targets[row].baseline_value else "value",
        unit=unit,
        scale=signed(scale, scale).removeprefix("+") if scale else None,
        pills=pills,
        picture=None if grid is None else picture(grid, heading(record, row), unit, palette),
        leaders=tuple(
            f"{quoted(texts[i])} {signed(float(scores[i]), scale_of(scores) if grid is None else scale)}"
            for i in strongest
        ),
        direction="rtl" if reads_right_to_left([token.text for token in record.tokens]) else "ltr",
        note=sentences_note(record, shown),
    )


def heat_style(score: float, scale: float, palette: Palette = RDBU) -> str:
    """Inline CSS for a score: the light colours, and the dark ones as variables for the style sheet to choose.

    A negative score is underlined here too, for hosts that drop style sheets; "dotted" stands apart, since JupyterLab
    drops an underline that says more than that it is one.
    """
    light, dark = (background(score, scale, dark=is_dark, palette=palette) for is_dark in (False, True))
    mark = "text-decoration:underline;text-decoration-style:dotted;" if score < 0 else ""
    return mark + (
        f"background:{hex_code(light)};color:{hex_code(foreground(light))};"
        f"--whence-dark:{hex_code(dark)};--whence-dark-text:{hex_code(foreground(dark))}"
    )


def _pills(
    tokens: Sequence[Token], scores: np.ndarray, reach: int, scale: float, unit: str, palette: Palette
) -> tuple[Pill, ...]:
    """The tokens, those behind the first `reach` without a score; of a very long text its end is left out."""
    end = max(reach, MOST_TOKENS)
    rows = zip(tokens, readable_tokens(tokens), gaps(tokens), borders(tokens), scores.tolist(), strict=True)
    pills = [
        Pill(
            text=text,
            name=f"{isolated(text)}: {f'{signed(score, scale)} {unit}' if i < reach else UNREAD}",
            style=heat_style(score, scale, palette) if i < reach else "",
            negative=i < reach and score < 0,
            after_gap=gap,
            ends_line=token.text.endswith("\n"),
            begins_target=border,
            unread=i >= reach,
        )
        for i, (token, text, gap, border, score) in enumerate(rows)
        if i < end
    ]
    left = len(tokens) - end
    cut = f"{counted(left, 'more token')}: {UNREAD}"
    return (*pills, *([Pill("…", cut, "", False, True, False, False, unread=True)] if left > 0 else []))
