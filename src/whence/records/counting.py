"""Counts in sentences, for what records, checks and views say."""


def counted(count: object, noun: str) -> str:
    """A count with its noun in the right number.

    >>> counted(1, "forward"), counted(9, "forward")
    ('1 forward', '9 forwards')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
