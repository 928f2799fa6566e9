"""What each method costs beside what torch alone needs for the same passes.

    python benchmarks/speed.py [--model smollm2] [--device cpu] [--prompt 48] [--continuation 16] [--repeats 3]

For a prompt and a continuation, every token of which is a target: seconds, forwards, backwards and peak memory over the
model, of each method and of its floor. The floor is the same number of passes with nothing else, written with torch
and the model only: rows as one batched vector-Jacobian product, points and masked inputs in full batches. Method and
floor alternate in one process; the ratio is of their fastest runs. Memory is the peak above what was held before:
resident memory on a CPU (Linux), allocated memory on an accelerator.
"""

import argparse
import gc
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

import whence
from whence.attention.weights import AttentionReader
from whence.registry import available, resolve

TEXT = (
    "The history of the telescope goes back to the early seventeenth century, when spectacle makers in the Netherlands "
    "found that two lenses in a tube make distant things look near. Galileo heard of it, built his own, and turned it "
    "to the sky, where he saw mountains on the Moon, four moons of Jupiter, and more stars than anyone had counted."
)
MEBIBYTE = 2**20


@dataclass
class Measured:
    """Seconds of the fastest run, and peak bytes above what was held before."""

    seconds: float
    peak: int | None


class Floor:
    """The passes of each family, with torch and the model only."""

    def __init__(self, subject, inputs):
        self.model = subject.model
        ids = torch.tensor(inputs.ids, device=subject.device)[None]
        self.embeds = self.model.get_input_embeddings()(ids).detach()
        self.keep = torch.tensor([slot.index for slot in inputs.slots], device=subject.device)
        self.targets = torch.tensor([slot.actual for slot in inputs.slots], device=subject.device)
        self.batch = max(1, (512 if subject.device.type == "cpu" else 16_384) // len(inputs))

    def values(self, embeds):
        logits = self.model(inputs_embeds=embeds, use_cache=False, logits_to_keep=self.keep).logits
        return logits.gather(-1, self.targets[None, :, None].expand(len(embeds), -1, -1)).squeeze(-1)

    def gradients(self, points: int):
        rows = len(self.targets)
        unit = torch.eye(rows, device=self.embeds.device, dtype=self.embeds.dtype)
        for start in range(0, points, self.batch):
            size = min(self.batch, points - start)
            leaf = self.embeds.expand(size, -1, -1).clone().requires_grad_()
            values = self.values(leaf).sum(dim=0)
            if size == 1:
                torch.autograd.grad(values, leaf, unit, is_grads_batched=True)
            else:
                for row in range(rows):
                    torch.autograd.grad(values[row], leaf, retain_graph=row < rows - 1)

    def forwards(self, samples: int):
        with torch.no_grad():
            for start in range(0, samples, self.batch):
                self.values(self.embeds.expand(min(self.batch, samples - start), -1, -1))

    def attention(self):
        with torch.no_grad(), AttentionReader(lambda weights: None):
            self.values(self.embeds)

    def of(self, method, tokens: int, rows: int) -> Callable[[], None]:
        """The passes that this method states as its cost."""
        cost = method.cost(tokens, rows)
        if cost.backwards:
            points = cost.backwards // rows

            def run():
                self.gradients(points)
                self.forwards(cost.forwards - points)

            return run
        return self.attention if method.family == "attention" else lambda: self.forwards(cost.forwards)


def measured(run: Callable[[], object], device: torch.device) -> Measured:
    gc.collect()
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


def _mebibytes(peak: int | None) -> str:
    return "n/a" if peak is None else f"{peak / MEBIBYTE:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--prompt", type=int, default=48)
    parser.add_argument("--continuation", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--methods", default=",".join(available("methods")))
    options = parser.parse_args()

    subject = whence.load(options.model, device=options.device, dtype=options.dtype)
    ids = subject.encode(TEXT).ids.tolist()
    first, last = options.prompt, options.prompt + options.continuation
    prompt = subject.tokenizer.decode(ids[:first])
    inputs = subject.encode(prompt, continuation=ids[first:last])
    if len(inputs) != last - 1:
        raise SystemExit(f"wanted {last - 1} tokens, got {len(inputs)}: the prompt does not tokenize as it was cut")
    floor = Floor(subject, inputs)

    where = torch.cuda.get_device_name() if options.device.startswith("cuda") else f"{torch.get_num_threads()} threads"
    print(f"{options.model}, {options.dtype}, {options.device} ({where})")
    print(f"{options.prompt} prompt tokens, {options.continuation} continuation tokens, each a target")
    print(f"torch {torch.__version__}, Python {platform.python_version()}, fastest of {options.repeats} runs\n")
    print("| method | forwards | backwards | seconds | floor, s | ratio | peak, MiB | floor, MiB |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for key in options.methods.split(","):
        method = resolve("methods", key)()
        bare = floor.of(method, len(inputs), len(inputs.slots))
        with subject.session():
            bare()
            ours, theirs, record = [], [], None
            for _ in range(options.repeats):
                theirs.append(measured(bare, subject.device))
                results = []
                ours.append(measured(lambda m=method, r=results: r.append(m(subject, inputs)), subject.device))
                record = results[0]
        fast, least = best(ours), best(theirs)
        print(
            f"| {key} | {record.provenance['forwards']} | {record.provenance['backwards']} | {fast.seconds:.3f} | "
            f"{least.seconds:.3f} | {fast.seconds / least.seconds:.2f} | {_mebibytes(fast.peak)} | "
            f"{_mebibytes(least.peak)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
