"""Layers that were asked for by number."""

from collections.abc import Collection
from numbers import Integral
from typing import Any

from whence.errors import InputError


def refuse_no_list(layers: Any, name: str = "layers") -> None:
    """An `InputError` for what is neither a list of anything nor None."""
    if layers is not None and (not isinstance(layers, Collection) or isinstance(layers, str)):
        raise InputError(f"{name}= wants a list of layer numbers, got {layers!r}. Write {name}=[3] for one layer.")
    if layers is not None and not layers:
        raise InputError(f"{name}= is empty: name at least one layer, or leave it out for all.")


def check_layers(layers: Any, known: Collection[int], model: str, name: str = "layers") -> Collection[int]:
    """The layers asked for, all there are for None; `InputError` for what is no list of numbers of layers there are."""
    refuse_no_list(layers, name)
    for layer in () if layers is None else layers:
        if isinstance(layer, bool) or not isinstance(layer, Integral) or layer not in known:
            raise InputError(f"There is no layer {layer!r}: {model} has layers 0 to {max(known)}.")
    return known if layers is None else layers
