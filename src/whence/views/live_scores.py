"""How an explanation fared as the data of its interactive charts."""

from typing import Any

import numpy as np

from whence.records import Curve, Scores
from whence.views.colors import Palette
from whence.views.live_data import colors, numbers
from whence.views.scores_sheet import scores_sheet


def live_scores(record: Scores, palette: Palette) -> dict[str, Any] | None:
    """What `ChartsView` of the front end's spec.ts says; None for scores without curves."""
    charts = [
        {
            "caption": chart.caption,
            "across": chart.across,
            "up": chart.up,
            "note": chart.note,
            "curves": [_curve(curve) for curve in chart.curves],
        }
        for chart in scores_sheet(record).charts
    ]
    return {"view": "charts", "palette": colors(palette), "charts": charts} if charts else None


def _curve(curve: Curve) -> dict[str, Any]:
    band = [numbers(np.array(side)) for side in (curve.low, curve.high)] if curve.low else None
    return {"name": curve.name, "x": numbers(np.array(curve.x)), "y": numbers(np.array(curve.y)), "band": band}
