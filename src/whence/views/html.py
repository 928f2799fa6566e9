"""Records as one HTML page, or as a fragment for a notebook: no request, no script but our own, every text escaped."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from whence.errors import InputError
from whence.records import (
    Attribution,
    Comparison,
    Flow,
    Latents,
    Leaderboard,
    Maximizers,
    Profiles,
    VocabularyProjection,
)
from whence.views.colors import Palette, palette_of
from whence.views.evidence import named
from whence.views.html_attribution import attribution_part
from whence.views.html_comparison import comparison_part
from whence.views.html_guide import guide_of
from whence.views.html_profiles import ProfilesPart, profiles_part
from whence.views.html_sheet import SheetPart, sheet_part
from whence.views.html_strip import legend_of
from whence.views.live import live_json
from whence.views.page_script import script, script_hash, style
from whence.views.profile_text import title as profile_title
from whence.views.section_names import heading_kind, section_names
from whence.views.sheet import SHEETS, sheet
from whence.views.token_text import readable


@dataclass(frozen=True)
class Section:
    """One record of a page: its name in the table of contents, the kind that its heading leads with, what its template
    shows, and the data of its interactive view; None where there is none.
    """

    name: str
    kind: str | None
    part: Any
    live: Markup | None


def render(
    records: Sequence[Any],
    *,
    title: str | None = None,
    fragment: bool = False,
    frame: bool = False,
    palette: str | Palette | None = None,
) -> str:
    """Records, in order, as a complete page that loads nothing from anywhere.

    With `fragment` it is one element to place in another page: without script, its styles reach nothing outside it.
    With `frame` it is a page for a small place in another: the records come first, how to read them comes last.
    `title` heads any of them; without one a page is named after what it explains. `palette` is "RdBu" or "PuOr".

    Raises `InputError` for anything that is not such a record, `UnknownNameError` for a palette there is not.
    """
    colors = palette_of(palette)
    sections = _sections(records, colors, interactive=not fragment)
    heading = readable(title) if title else None
    template = _environment().get_template("fragment.html" if fragment else "page.html")
    return template.render(
        heading=heading,
        frame=frame,
        title=heading or _title(records),
        sections=sections,
        legend=legend_of(colors),
        palette=colors.name,
        pictured=any(_pictured(record, section) for record, section in zip(records, sections, strict=True)),
        guide=guide_of(records),
        interactive=any(section.live is not None for section in sections),
        script=script,
        script_hash=script_hash,
        live_style=style,
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("whence.views", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _sections(records: Sequence[Any], palette: Palette, interactive: bool) -> list[Section]:
    parts = [_part(record, palette) for record in records]
    names = section_names(records, [part.name for part in parts])
    return [
        Section(name, heading_kind(record), part, live_json(record, palette) if interactive else None)
        for name, record, part in zip(names, records, parts, strict=True)
    ]


def _part(record: Any, palette: Palette) -> Any:
    if isinstance(record, Attribution):
        return attribution_part(record, palette)
    if isinstance(record, Comparison):
        return comparison_part(record, palette)
    if isinstance(record, Profiles):
        return profiles_part(record, palette)
    if isinstance(record, SHEETS):
        return sheet_part(sheet(record), palette)
    raise InputError(f"The HTML view shows the records that whence makes, got {type(record).__name__}.")


def _pictured(record: Any, section: Section) -> bool:
    """Whether the page may need pictures: those of an image, or matrices that are drawn as one."""
    return _holds_images(record) or (isinstance(section.part, SheetPart | ProfilesPart) and section.part.pictured)


def _holds_images(record: Any) -> bool:
    explained = record.attributions if isinstance(record, Comparison) else (record,)
    return any(isinstance(one, Attribution) and one.grid is not None for one in explained)


def _title(records: Sequence[Any]) -> str:
    explained = [record.attributions[0] if isinstance(record, Comparison) else record for record in records]
    if any(isinstance(record, (*SHEETS, Profiles)) for record in records):
        return _sheet_title(records[0]) if len(records) == 1 else "Explanations"
    labels = {named(record, row) for record in explained for row in range(len(record.targets))}
    return f"Explanation of {labels.pop()}" if len(labels) == 1 else "Explanations"


def _sheet_title(record: Any) -> str:
    if isinstance(record, Profiles):
        return f"Inside the model: {profile_title(record)}"
    title = sheet(record).title
    if isinstance(record, Leaderboard):
        return f"Leaderboard: {title}"
    inside = isinstance(record, Flow | Latents | Maximizers | VocabularyProjection)
    return f"Inside the model: {title}" if inside else title
