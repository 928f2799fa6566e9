"""Seconds and peak memory of one run, and the text to measure on."""

import ctypes
import gc
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

MEBIBYTE = 2**20
TEXT = (
    "The history of the telescope goes back to the early seventeenth century, when spectacle makers in the Netherlands "
    "found that two lenses in a tube make distant things look near. Galileo heard of it, built his own, and turned it "
    "to the sky, where he saw mountains on the Moon, four moons of Jupiter, and more stars than anyone had counted."
)


@dataclass
class Measured:
    """Seconds of the fastest run, and peak bytes above what was held before."""

    seconds: float
    peak: int | None


def measured(run: Callable[[], object], device: torch.device) -> Measured:
    gc.collect()
    _give_back_free_memory()
    held = _reset_peak(device)
    start = time.perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    peak = _peak(device)
    return Measured(seconds, None if peak is None or held is None else peak - held)


def best(runs: list[Measured]) -> Measured:
    peaks = [run.peak for run in runs if run.peak is not None]
    return Measured(min(run.seconds for run in runs), max(peaks) if peaks else None)


def _give_back_free_memory() -> None:
    """So that what an earlier run freed counts again; glibc keeps it otherwise."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _reset_peak(device: torch.device) -> int | None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return None
    return _status("VmRSS")


def _peak(device: torch.device) -> int | None:
    return torch.cuda.max_memory_allocated() if device.type == "cuda" else _status("VmHWM")


def _status(field: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":")), None)


def mebibytes(peak: int | None) -> str:
    return "n/a" if peak is None else f"{peak / MEBIBYTE:.0f}"
