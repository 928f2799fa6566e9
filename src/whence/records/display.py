"""How records show themselves: a view is looked up by name, so that records import no view."""

from typing import Any

from whence.registry import resolve


class Displayed:
    """A record that can be shown in a terminal, in a page and in a notebook."""

    def show(self) -> None:
        """Print the record to the terminal."""
        resolve("views", "terminal")([self])

    def to_html(self) -> str:
        """The record as one HTML page that needs nothing from outside itself."""
        return resolve("views", "html")([self])

    def plot(self) -> Any:
        """The record as a matplotlib figure (needs the extra `plot`)."""
        return resolve("views", "plot")(self)

    def _repr_html_(self) -> str:
        return resolve("views", "html")([self], fragment=True)
