"""Records as a notebook's widget, by which what is selected in a view gets back to Python."""

from collections.abc import Sequence
from typing import Any

from whence.errors import InputError, MissingExtraError
from whence.views.colors import palette_of
from whence.views.live import live
from whence.views.page_script import script, style


def render(records: Sequence[Any], *, palette: str = "RdBu") -> Any:
    """An `anywidget.AnyWidget` with the interactive views of these records.

    Its trait `selected` is None, or what was last clicked: `{"row": ..., "token": ...}` of a heat map, where a token
    may be an image's unit, or the first of a word or sentence, and with `"method": ...` of a comparison. Raises
    `MissingExtraError` without anywidget, `InputError` where no record has an interactive view.
    """
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise MissingExtraError("anywidget", "notebook", "The widget") from error
    colors = palette_of(palette)
    views = [data for record in records if (data := live(record, colors)) is not None]
    if not views:
        names = ", ".join(sorted({type(record).__name__ for record in records}))
        raise InputError(f"No interactive view to make a widget of, got: {names}. See to_html().")

    class Views(anywidget.AnyWidget):
        """The views, and what is selected in them."""

        _esm = str(script())
        _css = str(style())
        views: Any = traitlets.List().tag(sync=True)
        selected: Any = traitlets.Any(None, allow_none=True).tag(sync=True)

    return Views(views=views)
