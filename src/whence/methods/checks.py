"""Checks of parameters that several methods share."""

from whence.errors import InputError


def check_whole(name: str, value: object, least: int) -> None:
    """An `InputError` for what is no whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name} must be a whole number of at least {least}, got {value!r}.")
