"""Predictions under an edit: units set to a number or scaled while a `with` is open."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from numbers import Real
from os import PathLike
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from whence.errors import InputError
from whence.internals.taps import Reading, Site, reading_of
from whence.methods.model_map import ModelMap, map_of
from whence.methods.probe import hidden_of, hidden_place, with_hidden
from whence.records import Unit, as_unit
from whence.subjects.edits import under_edits
from whence.subjects.loading import load


@dataclass(frozen=True)
class Scale:
    """An edit that multiplies a unit's activation: 0 switches it off, 1 leaves it, −1 turns its sign.

    >>> Scale(0.5)
    Scale(factor=0.5)
    """

    factor: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", _number(self.factor, "Scale"))


class Intervention:
    """A `with` in which units of one model are edited; made by `intervene`."""

    def __init__(self, model: nn.Module, edits: Mapping[Unit, float | Scale]) -> None:
        self._model = model
        self._said = [_said(unit, value) for unit, value in edits.items()]
        self._places = _by_place(map_of(model), edits)
        self._undo: ExitStack | None = None

    def __enter__(self) -> None:
        if self._undo is not None:
            raise InputError("This intervention is open already: make a new one with whence.intervene(...).")
        with ExitStack() as undo:
            undo.enter_context(under_edits(self._model, self._said))
            for place, gain, shift in self._places:
                undo.callback(_hooked(place, gain, shift).remove)
            self._undo = undo.pop_all()

    def __exit__(self, *_: object) -> None:
        undo, self._undo = self._undo, None
        if undo is not None:
            undo.close()


def _hooked(place: Reading, gain: Tensor, shift: Tensor) -> RemovableHandle:
    """The hook that edits what passes the place.

    What is set is put in the place of what was there, not made by multiplying with 0: that would send back 0 · ∞, which
    is no number, where the gradient at a set unit overflows.
    """
    if len(place.sites) == 2:
        return _hooked_update(place.sites[1], float(gain))
    (site,) = place.sites

    def edited(hidden: Tensor) -> Tensor:
        factor = _like(gain, hidden, place)
        return torch.where(factor == 0, _like(shift, hidden, place), hidden * factor)

    def before(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        where = hidden_place(args, kwargs)
        if where is None:
            return None
        if isinstance(where, str):
            return args, kwargs | {where: edited(kwargs[where])}
        return (*args[:where], edited(args[where]), *args[where + 1 :]), kwargs

    def after(module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        hidden = hidden_of(output)
        return None if hidden is None else with_hidden(output, edited(hidden))

    if site.side == "in":
        return site.module.register_forward_pre_hook(before, with_kwargs=True)
    return site.module.register_forward_hook(after)


def _hooked_update(site: Site, gain: float) -> RemovableHandle:
    """The hook that scales what a block adds: x_in + gain · (x_out − x_in)."""

    def after(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
        where, hidden = hidden_place(args, kwargs), hidden_of(output)
        if where is None or hidden is None:
            return None
        given = args[where] if isinstance(where, int) else kwargs[where]
        return with_hidden(output, given + gain * (hidden - given) if gain else given)

    return site.module.register_forward_hook(after, with_kwargs=True)


def intervene(subject: Any, edits: Mapping[Any, float | Scale]) -> Intervention:
    """The model's predictions with some of its units edited, inside a `with`.

    `edits` maps a unit (a `Unit`, its name, or a neuron's `(layer, index)`) to what becomes of its activation at every
    token: a number sets it, `Scale(factor)` multiplies it. A neuron can be set to any number; heads, layers and
    residuals are vectors, which a number other than 0 does not say: set them to 0, or scale them. To set a layer to 0
    is to skip what its block adds to the residual stream.

        z ← z · factor, or z ← number, in front of the projection that reads z (neuron, head)
        x_out ← x_in + factor · (x_out − x_in)                                  (layer)

    All that runs the model inside the `with`, in a session or not, is under the edit: `explain`, `latents`, generation;
    gradients and relevance flow through a scaled unit, and none through one that is set. Nested edits apply from the
    outside in. The edit is on this model's modules: another model is not changed, and another thread that runs this one
    meanwhile sees the edit. Records made meanwhile name it in their provenance, under "edits". Afterwards, and after an
    exception, the hooks are gone; weights are never touched.

    Raises `InputError` for a unit or a value that makes no sense, `UnsupportedError` where the model has no such units.
    It does not claim that a unit set to 0 is a state the model was trained in.

    >>> import whence
    >>> with whence.intervene(whence.FakeSubject({"good": 2.0}), {"layer 3 neuron 1021": 0}):
    ...     pass
    Traceback (most recent call last):
        ...
    whence.errors.UnsupportedError: _AdditiveModel is no transformers model: it has no layers, neurons or heads to name.
    """
    if not isinstance(edits, Mapping) or not edits:
        raise InputError("intervene() wants a dict from units to numbers or Scale(...), with at least one unit in it.")
    wanted: dict[Unit, float | Scale] = {}
    for name, value in edits.items():
        unit = as_unit(name)
        if unit in wanted:
            raise InputError(f"{unit.name} is edited twice: give it one value.")
        wanted[unit] = value if isinstance(value, Scale) else _number(value, unit.name)
        if unit.kind != "neuron" and wanted[unit] != 0 and not isinstance(value, Scale):
            raise InputError(f"{unit.name} is a vector, which {value!r} does not say. Set it to 0, or use Scale(...).")
    if isinstance(subject, str | PathLike):
        raise InputError(
            f"intervene() edits a model in place, and one loaded from {str(subject)!r} here would be nobody else's. "
            f"Load it once, lm = whence.load(...), and pass lm to intervene() and to what runs inside."
        )
    return Intervention(load(subject).model, wanted)


def _by_place(found: ModelMap, edits: Mapping[Unit, float | Scale]) -> list[tuple[Reading, Tensor, Tensor]]:
    """What to multiply and what to add at each place, one number for each of its units."""
    places: dict[tuple[str, int, str], tuple[Reading, Tensor, Tensor]] = {}
    for unit, value in edits.items():
        key = (unit.kind, unit.layer, unit.stack)
        if key not in places:
            place = reading_of(found, unit)
            places[key] = place, *_nothing_changed(len(place.units))
        place, gain, shift = places[key]
        if unit not in place.units:
            reading_of(found, unit)
        index = place.units.index(unit)
        gain[index] = value.factor if isinstance(value, Scale) else 0.0
        shift[index] = 0.0 if isinstance(value, Scale) else value
    return list(places.values())


def _nothing_changed(units: int) -> tuple[Tensor, Tensor]:
    return torch.ones(units, dtype=torch.float64), torch.zeros(units, dtype=torch.float64)


def _like(numbers: Tensor, hidden: Tensor, place: Reading) -> Tensor:
    """One number a unit as one for each of its elements of `hidden`."""
    width = hidden.shape[-1] // len(place.units)
    return numbers.to(hidden.device, hidden.dtype).repeat_interleave(width)


def _said(unit: Unit, value: float | Scale) -> str:
    return f"{unit.name} × {value.factor:g}" if isinstance(value, Scale) else f"{unit.name} = {value:g}"


def _number(value: Any, of: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not torch.isfinite(torch.tensor(float(value))):
        raise InputError(f"{of} wants a finite number, or a Scale(number) as an edit; got {value!r}.")
    return float(value)
