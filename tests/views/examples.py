"""A record of every type that has a page, as one may meet it."""

import base64
import io
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from PIL import Image

from tiny_images import picture
from views.measured import finding, score, scores, unmeasured, verdict
from whence.records import (
    Agreement,
    Attribution,
    Comparison,
    Disagreement,
    Latents,
    Leaderboard,
    Maximizer,
    Maximizers,
    TargetValue,
    Token,
    TokenScore,
    Unit,
    VocabularyProjection,
)
from whence.records.grid import grid_tokens
from whence.records.leaderboard import Cell, Discipline, Entrant, LeftOut, Mean, RankAgreement

TEXTS = ("The", " E", "iff", "el", " Tower", " is", " in")
SCORES = (-0.31, 0.92, 1.41, 3.05, 6.84, -0.42, 0.02)
COST = {"model": "smollm2", "seconds": 0.42, "forwards": 1, "backwards": 1}


def tokens() -> tuple[Token, ...]:
    ends = list(accumulate(map(len, TEXTS)))
    return tuple(
        Token(text, 5 + i, end - len(text), end) for i, (text, end) in enumerate(zip(TEXTS, ends, strict=True))
    )


def attribution(
    rows: Any = SCORES, labels: Sequence[str] = (" Paris",), method: str = "attnlrp", complete: bool = True
) -> Attribution:
    targets = [TargetValue(label, 7 + i, 11.53, 0.0 if complete else None, "logit") for i, label in enumerate(labels)]
    return Attribution.build(
        tokens(),
        targets,
        np.atleast_2d(rows),
        complete=complete,
        method=method,
        params={"gamma": 0.0} if complete else {},
        provenance=COST | {"target": "predicted", "caveat": "Biases stay in the residual."},
    )


def image() -> Attribution:
    written = io.BytesIO()
    Image.fromarray(picture(0, 24, 32)).save(written, "JPEG")
    view = {"name": "cat.png", "view": base64.b64encode(written.getvalue()).decode()}
    return Attribution.build(
        grid_tokens(3, 4, "patch"),
        [TargetValue("cat", None, 6.25, 0.0, "logit")],
        np.linspace(-1, 2, 12)[None],
        complete=True,
        method="attnlrp",
        params={},
        provenance=COST | {"grid": [3, 4], "cell": [8, 8], "pixels": [24, 32], "image": view},
    )


def comparison() -> Comparison:
    row = np.array(SCORES)
    methods = (attribution(), attribution(row[::-1], method="leave_one_out", complete=False))
    agreement = Agreement(0, 1, 0, 7, -0.25, 0.589, -0.14, 0.773, 3, 1 / 3, 0.943, ((1, 0.0), (3, 1 / 3)), 0.41, 0.8)
    found = Disagreement(0, 1, 0, 4, 1.0, 4.0, 6.84, 1.41, 2.31, 1.0, "log-probability", 0)
    about = {"strategy": "pad", "forwards": 8, "caveat": "One token at a time."}
    return Comparison(methods, (agreement,), (found,), about)


def latents() -> Latents:
    units = tuple(Unit("neuron", layer, index) for layer in (0, 1) for index in (3, 17))
    table = np.outer(SCORES, [1.0, -0.5, 0.25, 0.125]).astype(np.float32)[None]
    return Latents(
        "neuron", units, tokens(), (TargetValue(" Paris", 7, 11.53, 0.0, "logit"),), table, "attnlrp", {}, COST
    )


def maximizers() -> Maximizers:
    entries = (Maximizer(3, 2.5, 4, attribution()), Maximizer(0, 1.25, 3, attribution(SCORES[::-1])))
    return Maximizers(Unit("neuron", 1, 17), "activation", 10, entries, COST)


def vocabulary() -> VocabularyProjection:
    promoted = (TokenScore(" Paris", 7, 1.5), TokenScore(" France", 8, 0.75))
    suppressed = (TokenScore(" Rome", 9, -1.25), TokenScore("\n", 10, -0.5))
    return VocabularyProjection(Unit("neuron", 1, 17), promoted, suppressed, COST)


def leaderboard() -> Leaderboard:
    methods = tuple(Entrant(name, name, {}, 0.25, 9.0, 1.0) for name in ("random", "attnlrp"))
    column = Discipline(
        "morf_lerf", "mask", "log-probability", "higher", {}, "Masked inputs are off the data manifold."
    )
    cells = (
        Cell("random", "morf_lerf", "mask", (0.5,), Mean(0.5, 0.25, 0.75, 872), 0.125, None),
        Cell("attnlrp", "morf_lerf", "mask", (8.25,), Mean(8.25, 7.5, 9.0, 872), 0.125, Mean(7.75, 7.0, 8.0, 872)),
    )
    ranking = RankAgreement("morf_lerf", ("mask", "delete"), (("mask", "delete", 0.333),), 0.25)
    return Leaderboard(
        methods, (column,), cells, (1,), (LeftOut(2, "no such column"),), "95 % bootstrap", (ranking,), COST
    )


EXAMPLES: dict[str, Callable[[], Any]] = {
    "attribution": attribution,
    "attribution_of_rows": lambda: attribution(np.outer([1, -2], SCORES), (" Paris", ".")),
    "attribution_of_an_image": image,
    "comparison": comparison,
    "scores": lambda: scores(score(), unmeasured()),
    "verdict": verdict,
    "failed_verdict": lambda: verdict(finding("completeness", "failed")),
    "latents": latents,
    "maximizers": maximizers,
    "vocabulary_projection": vocabulary,
    "leaderboard": leaderboard,
}
