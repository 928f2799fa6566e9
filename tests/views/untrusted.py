"""Texts that try to be more than text, and a record of every type that holds a text wherever it can hold one."""

from collections.abc import Callable
from typing import Any

import numpy as np

from views.measured import finding, score, scores, verdict
from whence.records import (
    Attribution,
    Comparison,
    Curve,
    Disagreement,
    Latents,
    Leaderboard,
    Maximizer,
    Maximizers,
    Reference,
    TargetValue,
    Token,
    TokenScore,
    Unit,
    VocabularyProjection,
)
from whence.records.grid import grid_tokens
from whence.records.leaderboard import Cell, Discipline, Entrant, LeftOut, Mean, RankAgreement

PAYLOADS = [
    "<script>window.broken=1;alert(1)</script>",
    "</script><script>window.broken=1</script>",
    '"><img src=x onerror=window.broken=1>',
    "' onmouseover='window.broken=1",
    "<svg onload=window.broken=1>",
    "<iframe srcdoc='<script>parent.broken=1</script>'>",
    "</style><style>*{display:none}",
    "</title><script>window.broken=1</script>",
    "]]>",
    "<!--",
    "<!--<script ",
    "</script x",
    "--></div></section>",
    "{{ 7 * 7 }}{% raw %}",
    "${7*7}{{constructor.constructor('window.broken=1')()}}",
    "javascript:window.broken=1",
    "a\x00b",
    "\x1b[2J\x1b]8;;x\x1b\\",
    "\x9b31m",
    "\u202egnp.exe\u2066",
    "a\u2028b\u2029c",
    "a\r\nb",
    "[red]x[/red][link=x]",
]


def _tokens(text: str) -> list[Token]:
    return [Token(text, 0, 0, 1, text, True), Token("b", 1, 1, 2)]


def _about(text: str) -> dict[str, Any]:
    return {"model": text, "caveat": text, "forwards": text, "seconds": text, "versions": {text: text}, text: text}


def _attribution(text: str, rows: int = 1) -> Attribution:
    return Attribution.build(
        _tokens(text),
        [TargetValue(text, 7 + i, 11.53, 0.0, text) for i in range(rows)],
        np.array([[1.0, -2.0], [2.0, 1.0]])[:rows],
        complete=True,
        method=text,
        params={text: text, "nested": {text: [text]}},
        provenance=_about(text) | {"scores_unit": text, "text": text},
    )


def _image(text: str) -> Attribution:
    grid = {"grid": [1, 2], "cell": [4, 4], "pixels": [4, 8], "image": {"name": text, "view": text}}
    return Attribution.build(
        grid_tokens(1, 2, text),
        [TargetValue(text, None, 3.0, 0.0, text)],
        np.array([[1.0, -2.0]]),
        complete=True,
        method=text,
        params={text: text},
        provenance=_about(text) | grid,
    )


def _comparison(text: str, rows: int = 1) -> Comparison:
    one = _attribution(text, rows)
    entry = Disagreement(0, 1, 0, 0, 1.0, 2.0, 1.0, -2.0, 0.5, 1.0, text, 1)
    return Comparison((one, one), (), (entry,), {"strategy": text, "forwards": text, "caveat": text})


def _undiagnosed(text: str) -> Comparison:
    one = _attribution(text)
    return Comparison((one, one), (), (), {"reason": text})


def _scores(text: str) -> Any:
    names = {"unit": text, "strategy": text, "caveat": text, "params": {text: text}, "parts": {text: 1.0}}
    chance = Reference(text, 2.0, 1.5, 2.5, 10, text)
    curves = ((Curve(text, (0.0, 1.0), (-0.5, -6.0)),),)
    measured = score(text, random=chance, curves=curves, curve_unit=text, **names)
    missing = score(f"{text}.", None, random=None, beaten=None, curves=(), reason=text, **names)
    return scores(measured, missing, targets=(text,), **_about(text))


def _verdict(text: str) -> Any:
    reference = Reference(text, 0.9, 0.85, 0.93, 10, text)
    details = {text: text, "curve": [0.5, 0.25], text + "s": {text: 0.5}}
    names = {"sentence": text, "statistic": text, "details": details}
    found = [finding(text, reference=reference, **names), finding(text, "failed", reference=reference, **names)]
    found.append(finding(text, "not applicable", sentence=text, details=details))
    return verdict(*found, method=text, params={text: text}, untested=((text, text),), provenance=_about(text))


def _latents(text: str) -> Latents:
    targets = (TargetValue(text, 3, 2.5, 0.0, text),)
    units = (Unit("head", 0, 0), Unit("head", 0, 1))
    table = np.array([[[1.0, -4.0], [-3.0, -1.0]]], dtype=np.float32)
    return Latents(text, units, tuple(_tokens(text)), targets, table, text, {text: text}, _about(text))


def _maximizers(text: str) -> Maximizers:
    entries = (Maximizer(0, 2.0, 0, _attribution(text)),)
    return Maximizers(Unit("neuron", 0, 3), text, 10, entries, _about(text))


def _vocabulary(text: str) -> VocabularyProjection:
    entries = (TokenScore(text, 5, 1.0),)
    return VocabularyProjection(Unit("neuron", 0, 3), entries, entries, _about(text))


def _leaderboard(text: str) -> Leaderboard:
    mean = Mean(0.5, 0.25, 0.75, 20)
    return Leaderboard(
        (Entrant(text, text, {text: text}, 0.25, 9.0, 1.0),),
        (Discipline(text, text, text, "higher", {text: text}, text),),
        (Cell(text, text, text, (0.5,), mean, 0.125, mean),),
        (1,),
        (LeftOut(2, text),),
        text,
        (RankAgreement(text, (text, f"{text}."), ((text, f"{text}.", 0.333),), 0.25),),
        _about(text),
    )


RECORDS: dict[str, Callable[[str], Any]] = {
    "attribution": _attribution,
    "attribution of rows": lambda text: _attribution(text, 2),
    "attribution of an image": _image,
    "comparison": _comparison,
    "comparison of rows": lambda text: _comparison(text, 2),
    "comparison without diagnosis": _undiagnosed,
    "scores": _scores,
    "verdict": _verdict,
    "latents": _latents,
    "maximizers": _maximizers,
    "vocabulary projection": _vocabulary,
    "leaderboard": _leaderboard,
}
"""A record of each type that has a page, made of one text."""
