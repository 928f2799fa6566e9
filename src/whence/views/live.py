"""Which records have an interactive view, and its data."""

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from whence.records import Attentions, Attribution, Comparison, Flow, Scores
from whence.views.colors import Palette
from whence.views.live_attention import live_attention
from whence.views.live_comparison import live_comparison
from whence.views.live_data import as_json
from whence.views.live_flow import live_flow
from whence.views.live_heat import live_heat
from whence.views.live_scores import live_scores

_MAKERS: dict[type, Callable[[Any, Palette], dict[str, Any] | None]] = {
    Attentions: live_attention,
    Attribution: live_heat,
    Comparison: live_comparison,
    Flow: live_flow,
    Scores: live_scores,
}


def live(record: Any, palette: Palette) -> dict[str, Any] | None:
    """The data of the record's interactive view, as the front end's spec.ts says; None where it has none."""
    maker = _MAKERS.get(type(record))
    return None if maker is None else maker(record, palette)


def live_json(record: Any, palette: Palette) -> Markup | None:
    """The same as JSON that may stand in a page."""
    data = live(record, palette)
    return None if data is None else as_json(data)
