"""A model made ready to be explained, and put back as it was when the last of its sessions closes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch


@dataclass
class _Open:
    """A model's open sessions, and what has to be put back."""

    sessions: int
    training: list[torch.nn.Module]
    learning: list[torch.nn.Parameter]


_lock = threading.Lock()
_open: WeakKeyDictionary[Any, _Open] = WeakKeyDictionary()


@contextmanager
def session(model: torch.nn.Module) -> Iterator[None]:
    """While open, the model is in evaluation mode and its parameters take no gradient; then all is as before.

    Sessions of several threads may overlap: the first to open makes the model ready, the last to close restores it.
    """
    with _lock:
        if model in _open:
            _open[model].sessions += 1
        else:
            _open[model] = _made_ready(model)
    try:
        yield
    finally:
        with _lock:
            state = _open[model]
            state.sessions -= 1
            if state.sessions == 0:
                _restore(state)
                del _open[model]


def _made_ready(model: torch.nn.Module) -> _Open:
    state = _Open(1, [m for m in model.modules() if m.training], [p for p in model.parameters() if p.requires_grad])
    for module in state.training:
        module.training = False
    for parameter in state.learning:
        parameter.requires_grad_(False)
    return state


def _restore(state: _Open) -> None:
    for module in state.training:
        module.training = True
    for parameter in state.learning:
        parameter.requires_grad_(True)
