"""Any number of records on one page."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from whence.errors import InputError
from whence.records.display import Displayed


@dataclass(frozen=True, repr=False)
class Report(Displayed):
    """Records to be read together, in order: one page, offline, escaped.

    `records` are any that whence makes; `title` heads the page.
    """

    records: tuple[Any, ...]
    title: str = "whence report"

    def save(self, path: str | PathLike[str], *, palette: str | None = None) -> Path:
        """Write the page to `path` and return it; `InputError` where that cannot be."""
        path = Path(path)
        page = self.to_html(palette=palette)
        try:
            path.write_text(page, encoding="utf-8")
        except OSError as error:
            raise InputError(f"Cannot write {path}: {error.strerror}.") from error
        return path

    def _shown(self) -> tuple[Any, ...]:
        return self.records

    def _title(self) -> str | None:
        return self.title

    def __repr__(self) -> str:
        return f"Report(title={self.title!r}, records={len(self.records)})"
