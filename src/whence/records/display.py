"""How records show themselves: a view is looked up by name, so that records import no view."""

from os import PathLike
from pathlib import Path
from typing import Any

from whence.registry import resolve


class Displayed:
    """A record that can be shown in a terminal, in a page and in a notebook.

    `palette` is "RdBu" (red above zero, blue below) or "PuOr" (orange above zero, purple below); None is the one that
    the environment variable WHENCE_PALETTE names, which a notebook's cell shows too, and "RdBu" where nothing is set.
    """

    def show(self, *, palette: str | None = None) -> None:
        """Print the record to the terminal."""
        resolve("views", "terminal")(self._shown(), palette=palette)

    def to_html(self, *, palette: str | None = None) -> str:
        """The record as one HTML page that needs nothing from outside itself."""
        return resolve("views", "html")(self._shown(), title=self._title(), palette=palette)

    def plot(self, *, palette: str | None = None) -> Any:
        """The record as a matplotlib figure (needs the extra `plot`)."""
        return resolve("views", "plot")(self, palette=palette)

    def save_figure(self, path: str | PathLike[str], *, palette: str | None = None) -> Path:
        """Write the figure to `path`, a .svg or a .png, and return it (needs the extra `plot`)."""
        return resolve("views", "figure_file")(self, path, palette=palette)

    def widget(self, *, palette: str | None = None) -> Any:
        """A notebook's widget, whose trait `selected` is what was clicked last (needs the extra `notebook`)."""
        return resolve("views", "widget")(self._shown(), palette=palette)

    def _shown(self) -> tuple[Any, ...]:
        """The records that are shown, in order."""
        return (self,)

    def _title(self) -> str | None:
        """What heads a page, None to name it after what it explains."""
        return None

    def _repr_html_(self) -> str:
        return resolve("views", "notebook")(self._shown(), title=self._title())

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": resolve("views", "notebook_text")(self._shown())}
