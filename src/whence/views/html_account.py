"""How a value is accounted for, as bars that start where the one before them ends."""

from dataclasses import dataclass

from whence.records import Attribution
from whence.views.evidence import absorbed
from whence.views.numbers import signed
from whence.views.token_text import readable

_MOST_PARTS = 5
_POSITIVE, _NEGATIVE = "var(--whence-plus, #c04a37)", "var(--whence-minus, #2a76ae)"
_WHOLE, _LINE = "var(--whence-soft, #5b626b)", "var(--whence-line, #dedfdc)"
_THINNEST = 0.6
"""Percent of the width that the smallest bar still has."""


@dataclass(frozen=True)
class Bar:
    """One number of the account: its name, its look as inline CSS, and the number with its sign."""

    name: str
    style: str
    number: str
    whole: bool


@dataclass(frozen=True)
class Account:
    """The bars of one target row, and the sentence they draw."""

    sentence: str
    bars: tuple[Bar, ...]


def account(record: Attribution, row: int) -> Account | None:
    """The account of one target row; None for a method that does not claim that its scores add up."""
    if record.residual is None:
        return None
    target = record.targets[row]
    whole = target.value - (target.baseline_value or 0.0)
    name = "value − baseline" if target.baseline_value else "value"
    total = float(record.scores[row].sum(dtype="float64"))
    parts = [("sum of scores", total), *_rest(record, row)]
    ends = [0.0]
    for _, number in parts:
        ends.append(ends[-1] + number)
    low, high = min(0.0, whole, *ends), max(0.0, whole, *ends)
    scale = max(abs(whole), abs(total))
    bars = [Bar(name, _style(0.0, whole, low, high, whole=True), _said(whole, scale), True)]
    bars += [
        Bar(part, _style(start, start + number, low, high), _said(number, scale), False)
        for (part, number), start in zip(parts, ends, strict=False)
    ]
    return Account(f"{name} = sum of scores + residual, in {readable(target.unit)}", tuple(bars))


def _said(number: float, scale: float) -> str:
    """A number with its sign, with the digits of the others unless it is so small that these would not show it."""
    return signed(number, scale if abs(number) > scale / 500 else None)


def _rest(record: Attribution, row: int) -> list[tuple[str, float]]:
    """The residual, by what absorbed it where that is known; of very many the largest, and the others together."""
    found = [(f"absorbed by {kind}", share) for kind, share in absorbed(record, row)]
    if not found:
        return [("residual", float(record.residual[row]))]  # type: ignore[index]
    kept, others = found[:_MOST_PARTS], found[_MOST_PARTS:]
    return [*kept, *([(f"by {len(others)} more", sum(share for _, share in others))] if others else [])]


def _style(start: float, end: float, low: float, high: float, *, whole: bool = False) -> str:
    """A bar between two numbers of a line from `low` to `high`, as backgrounds: what is negative is hatched too."""
    wide = (high - low) or 1.0
    width = max(_THINNEST, 100 * abs(end - start) / wide)
    left = min(100 * (min(start, end) - low) / wide, 100 - width)
    color = _WHOLE if whole else _NEGATIVE if end < start else _POSITIVE
    fill = f"repeating-linear-gradient(135deg,{color} 0 3px,transparent 3px 5px)" if end < start else _plain(color)
    layers = [f"{fill} {_place(left, width)}% 50%/{width:.2f}% 0.8em no-repeat"] if start != end else []
    layers.append(f"{_plain(_LINE)} {100 * -low / wide:.2f}% 50%/1px 100% no-repeat")
    return f"background:{','.join(layers)}"


def _plain(color: str) -> str:
    return f"linear-gradient({color},{color})"


def _place(left: float, width: float) -> str:
    """Where CSS has a background of this width begin at `left`: it counts in what the width leaves free."""
    return f"{100 * left / (100 - width) if width < 100 else 0.0:.2f}"
