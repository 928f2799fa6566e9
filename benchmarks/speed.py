"""What each method costs beside what torch alone needs for the same passes.

    python benchmarks/speed.py [--model smollm2] [--device cpu] [--prompt 48] [--continuation 16] [--repeats 3]
        [--tokens 256] [--classifier FOLDER]

For a prompt and a continuation, every token of which is a target: seconds, forwards, backwards and peak memory over the
model, of each method and of its floor; then the relevance methods beside `input_x_gradient`, which
differs from them by the rules alone. The floor is the same number of passes with nothing else, written with torch
and the model only: rows as one batched vector-Jacobian product, points and masked inputs in full batches. Method and
floor alternate in one process; the ratio is of their fastest runs. Memory is the peak above what was held before:
resident memory on a CPU (Linux, free memory given back first), allocated memory on an accelerator.
"""

import argparse
import platform
from collections.abc import Callable

import torch
from measuring import TEXT, Measured, best, measured, mebibytes

import whence
from whence.methods.attention_calls import AttentionCalls
from whence.registry import available, resolve


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
        with torch.no_grad(), AttentionCalls():
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


def alternated(runs: dict[str, Callable[[], object]], device: torch.device, repeats: int) -> dict[str, Measured]:
    """The best of each run, all of them taking turns."""
    found: dict[str, list[Measured]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(repeats):
        for name, run in runs.items():
            found[name].append(measured(run, device))
    return {name: best(measures) for name, measures in found.items()}


def beside_gradient(subject, inputs, what: str, repeats: int) -> None:
    """One pass back with rules beside one without: each relevance method and `input_x_gradient`, a target an input."""
    print(f"\n{subject.name}, {what}, beside `input_x_gradient`\n")
    print("| method | seconds | × | peak, MiB | × |")
    print("|---|---:|---:|---:|---:|")
    keys = ["input_x_gradient", *(k for k in available("methods") if resolve("methods", k).family == "relevance")]
    methods = {key: resolve("methods", key)() for key in keys}
    runs = {key: (lambda m=method: m(subject, inputs)) for key, method in methods.items()}
    found = alternated(runs, subject.device, repeats)
    plain = found["input_x_gradient"]
    for key, one in found.items():
        memory = "n/a" if one.peak is None or not plain.peak else f"{one.peak / plain.peak:.2f}"
        seconds = f"{one.seconds:.3f} | {one.seconds / plain.seconds:.2f}"
        print(f"| {key} | {seconds} | {mebibytes(one.peak)} | {memory} |", flush=True)


def of_length(subject, tokens: int):
    """One input of this many tokens, special ones included."""
    for words in range(tokens, 0, -1):
        inputs = subject.encode(" ".join((TEXT.split() * (tokens // 30 + 1))[:words]))
        if len(inputs) == tokens:
            return inputs
    raise SystemExit(f"no text of exactly {tokens} tokens was found")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--prompt", type=int, default=48)
    parser.add_argument("--continuation", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--methods", default=",".join(available("methods")))
    parser.add_argument("--tokens", type=int, default=256, help="of the input that relevance is compared on")
    parser.add_argument("--classifier", help="a sequence classifier's folder, to compare on 32 texts of 64 tokens too")
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
            f"{least.seconds:.3f} | {fast.seconds / least.seconds:.2f} | {mebibytes(fast.peak)} | "
            f"{mebibytes(least.peak)} |",
            flush=True,
        )
    beside_gradient(subject, of_length(subject, options.tokens), f"{options.tokens} tokens", options.repeats)
    if options.classifier:
        classifier = whence.load(options.classifier, device=options.device, dtype=options.dtype)
        beside_gradient(classifier, [of_length(classifier, 64)] * 32, "32 texts of 64 tokens", options.repeats)


if __name__ == "__main__":
    main()
