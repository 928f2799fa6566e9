"""What is inside a model, as the values its HTML template shows."""

from dataclasses import dataclass

from whence.views.html_strip import Strip, strip
from whence.views.sheet import Sheet


@dataclass(frozen=True)
class SheetPart:
    """What `sheet.html` shows: the sheet, and its heat maps as strips, each with its caption."""

    sheet: Sheet
    maps: tuple[tuple[str, Strip], ...]
    template: str = "sheet.html"

    @property
    def pictured(self) -> bool:
        """Whether there is a picture among the heat maps."""
        return any(one.picture for _, one in self.maps)


def sheet_part(sheet: Sheet) -> SheetPart:
    """A sheet with its heat maps as strips."""
    return SheetPart(sheet, tuple((caption, strip(record, 0)) for caption, record in sheet.maps))
