"""Any number of records on one page."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from whence.errors import InputError
from whence.records.display import Displayed
from whence.registry import resolve


@dataclass(frozen=True, repr=False)
class Report(Displayed):
    """Records to be read together, in order: one page, offline, escaped.

    `records` are any that whence makes; `title` heads the page.
    """

    records: tuple[Any, ...]
    title: str = "whence report"

    def show(self) -> None:
        """Print every record to the terminal."""
        resolve("views", "terminal")(self.records)

    def to_html(self) -> str:
        """The whole page as a string."""
        return resolve("views", "html")(self.records, title=self.title)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the page to `path` and return it; `InputError` where that cannot be."""
        path = Path(path)
        page = self.to_html()
        try:
            path.write_text(page, encoding="utf-8")
        except OSError as error:
            raise InputError(f"Cannot write {path}: {error.strerror}.") from error
        return path

    def _repr_html_(self) -> str:
        return resolve("views", "html")(self.records, title=self.title, fragment=True)

    def __repr__(self) -> str:
        return f"Report(title={self.title!r}, records={len(self.records)})"
