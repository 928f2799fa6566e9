"""Records as a notebook's widget, by which what is selected in a view gets back to Python."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from whence.errors import InputError, MissingExtraError
from whence.views.colors import palette_of
from whence.views.live import live
from whence.views.page_script import script, static_style, style


def render(records: Sequence[Any], *, palette: str | None = None) -> Any:
    """An `anywidget.AnyWidget` with the interactive views of these records.

    Its trait `selected` is None, or what was last chosen, as places counted from 0. `view` is always there: which of
    the trait `views`, one for each record that has an interactive view. Beside it stand:

    - of a heat map, `row` of the targets and `token`; a token may be an image's unit, or the first of a word or
      sentence;
    - of a comparison the same, and `method`;
    - of a flow, `row`, `residual` and `token`; or `row`, `layer` and `head`;
    - of attention, `layer`, `kind` ("self", "encoder", "decoder", "cross"), `heads` that are shown, `side` ("query",
      "key") and `token`; None again where the token is let go.

    Charts select nothing. Raises `MissingExtraError` without anywidget, `InputError` where no record has an interactive
    view, `UnknownNameError` for a palette there is not.
    """
    colors = palette_of(palette)
    views = [data for record in records if (data := live(record, colors)) is not None]
    if not views:
        names = ", ".join(sorted({type(record).__name__ for record in records})) or "no records"
        raise InputError(f"No interactive view to make a widget of, got: {names}. See to_html().")
    return _widget()(views=views)


@cache
def _widget() -> Any:
    """The widget's class, which can be made only where its extra is installed."""
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise MissingExtraError("anywidget", "notebook", "The widget") from error

    class Views(anywidget.AnyWidget):
        """The views, and what is selected in them."""

        _esm = str(script())
        _css = f"{static_style()}\n{style()}"
        views: Any = traitlets.List().tag(sync=True)
        selected: Any = traitlets.Any(None, allow_none=True).tag(sync=True)

    return Views
