"""Records that are a sheet, as the values their HTML template shows."""

from dataclasses import dataclass

from whence.views.colors import RDBU, Palette
from whence.views.html_chart import DrawnChart, drawn
from whence.views.html_matrix import DrawnMatrix, drawn_matrix
from whence.views.html_mosaic import DrawnMosaic, drawn_mosaic
from whence.views.html_strip import Strip, strip
from whence.views.sheet_parts import Entry, Sheet


@dataclass(frozen=True)
class SheetPart:
    """What `sheet.html` shows: the sheet, its heat maps as strips, each with its caption, and its charts as drawings,
    those of each entry beside it.
    """

    sheet: Sheet
    maps: tuple[tuple[str, Strip], ...]
    entries: tuple[tuple[Entry, tuple[DrawnChart, ...]], ...]
    charts: tuple[DrawnChart, ...]
    matrices: tuple[DrawnMatrix, ...] = ()
    mosaics: tuple[DrawnMosaic, ...] = ()
    template: str = "sheet.html"

    @property
    def name(self) -> str:
        """What it is about, in a table of contents."""
        return self.sheet.title

    @property
    def pictured(self) -> bool:
        """Whether there is a picture among the heat maps, matrices and mosaics."""
        drawn = any(one.picture for _, one in self.maps) or any(one.heat for one in self.matrices)
        return drawn or bool(self.mosaics)


def sheet_part(sheet: Sheet, palette: Palette = RDBU) -> SheetPart:
    """A sheet with its heat maps as strips and its charts as drawings."""
    return SheetPart(
        sheet,
        tuple((caption, strip(record, 0, palette)) for caption, record in sheet.maps),
        tuple((entry, tuple(map(drawn, entry.charts))) for entry in sheet.entries),
        tuple(map(drawn, sheet.charts)),
        tuple(drawn_matrix(matrix, palette) for matrix in sheet.matrices),
        tuple(drawn_mosaic(mosaic, palette) for mosaic in sheet.mosaics),
    )
