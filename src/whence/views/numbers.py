"""Numbers as a reader wants them: few digits, a true minus sign, and a sign on everything that has one."""

from math import floor, isfinite, log10

from whence.records.counting import counted as counted

MINUS = "\N{MINUS SIGN}"
NO_NUMBER = "\N{EM DASH}"


def number(value: float) -> str:
    """Four significant digits, without trailing zeros.

    >>> number(17.3), number(-0.5), number(0.0)
    ('17.3', '−0.5', '0')
    """
    return (MINUS if value < 0 else "") + _magnitude(value)


def signed(value: float, scale: float | None = None) -> str:
    """A number with its sign; digits to suit `scale`, so that a column of them lines up. Exactly zero has no sign.

    >>> signed(0.84, 0.84), signed(-0.0312, 0.84), signed(0.02)
    ('+0.840', '−0.031', '+0.02')
    """
    sign = "" if value == 0 else MINUS if value < 0 else "+"
    if scale is None or not 1e-5 <= scale < 1e7:
        return sign + _magnitude(value)
    return f"{sign}{abs(value):.{max(0, 2 - floor(log10(scale)))}f}"


def unsigned(value: float, scale: float) -> str:
    """A number that has no sign to speak of, at least 0; digits to suit `scale`.

    >>> unsigned(0.389, 0.5), unsigned(0.0, 0.5)
    ('0.389', '0.000')
    """
    return signed(value, scale).removeprefix("+")


def percentage(part: float, whole: float) -> str | None:
    """What `part` is of `whole` in percent, None if the whole is zero.

    >>> percentage(0.02, 17.3)
    '0.12%'
    """
    if whole == 0:
        return None
    share = 100 * part / whole
    if 0 < abs(share) < 0.005:
        return "<0.01%"
    decimals = 2 if abs(share) < 10 else 1 if abs(share) < 100 else 0
    return f"{MINUS if share < 0 else ''}{abs(share):.{decimals}f}%"


def correlation(value: float | None) -> str:
    """A correlation to two digits, a dash where there is none.

    >>> correlation(0.831), correlation(None)
    ('+0.83', '—')
    """
    return NO_NUMBER if value is None else signed(value, 1.0)


def share(part: float | None) -> str:
    """A share between 0 and 1 in whole percent, a dash where there is none.

    >>> share(2 / 3)
    '67%'
    """
    return NO_NUMBER if part is None else f"{100 * part:.0f}%"


def p_value(value: float | None) -> str:
    """A p-value to three digits, a dash where there is none.

    >>> p_value(0.0421), p_value(1e-9)
    ('0.042', '<0.001')
    """
    if value is None:
        return NO_NUMBER
    return "<0.001" if value < 0.0005 else f"{value:.3f}"


def _magnitude(value: float) -> str:
    size = abs(value)
    if size == 0 or not isfinite(size):
        return "0" if size == 0 else str(size)
    if 1e-4 <= size < 1e7:
        text = f"{size:.{max(0, 3 - floor(log10(size)))}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    digits, exponent = f"{size:.2e}".split("e")
    return f"{digits.rstrip('0').rstrip('.')}e{MINUS if int(exponent) < 0 else ''}{abs(int(exponent))}"
