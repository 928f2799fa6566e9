"""Are the neurons that attnlrp points at behind a fact behind it? Five of them switched off, over many facts.

    python benchmarks/facts.py [--facts 100] [--neurons 5] [--seed 0] [--model smollm2] [--data known_1000.jsonl]

Takes the first prompts of known_1000 (Meng et al. 2022) whose answer's first token the model finds likeliest, sets some
MLP neurons to 0 at every token, and measures by how much the answer's log-probability changes and whether the answer
stays first. Which neurons:

- of this fact: those of largest relevance for the answer's logit, summed over the tokens;
- of this fact, not at its first token: the same, without the relevance at the first token, on which attention rests;
- of another fact: those of largest relevance for the next fact's answer;
- random: drawn from all neurons of the model; random, same layers: from the layers of this fact's own.

Intervals hold 95 % of 10,000 bootstrap means over the facts; so do those of the paired differences.
"""

import argparse
import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import whence
from whence.targets import LogProb

SHARED = Path(__file__).parents[2] / "shared" / "assets"
KNOWN = Path(os.environ.get("WHENCE_ASSETS", SHARED)) / "data" / "known_1000.jsonl"
OWN, OWN_LATER, OTHER = "of this fact", "of this fact, not at its first token", "of another fact"
RANDOM, RANDOM_LAYERS = "random", "random, same layers"
RESAMPLES = 10_000


@dataclass
class Fact:
    """A prompt, the id of its answer, the answer's log-probability, and the neurons of largest relevance."""

    prompt: str
    answer: int
    log_prob: float
    own: list[whence.Unit]
    own_later: list[whence.Unit]


def facts(lm, path: Path, count: int, neurons: int) -> list[Fact]:
    """The first facts that the model answers right."""
    found: list[Fact] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        answer = int(lm.encode(entry["prompt"], continuation=" " + entry["attribute"]).slots[0].actual)
        log_prob, first = measure(lm, entry["prompt"], answer)
        if not first:
            continue
        latents = whence.latents(lm, entry["prompt"], target=answer)
        own, later = (largest(latents, start, neurons) for start in (0, 1))
        found.append(Fact(entry["prompt"], answer, log_prob, own, later))
        if len(found) == count:
            break
    return found


def largest(latents: whence.Latents, start: int, count: int) -> list[whence.Unit]:
    """The neurons of largest relevance, summed over the tokens from `start` on."""
    total = latents.scores[0, start:].sum(axis=0, dtype=np.float64)
    return [latents.units[i] for i in np.argsort(-total, kind="stable")[:count]]


def measure(lm, prompt: str, answer: int) -> tuple[float, bool]:
    """The answer's log-probability, and whether it is the likeliest token."""
    inputs = lm.encode(prompt)
    with lm.session(), torch.no_grad():
        logits = lm.logits(lm.collate([inputs]))[0]
    value = LogProb(answer).resolve(lm, inputs, 0, logits[0]).read(logits[0])
    return float(value), int(logits[0].argmax()) == answer


def drawn(units: list[whence.Unit], like: list[whence.Unit] | None, count: int, seed: list[int]) -> list[whence.Unit]:
    """Random neurons: of all layers, or one of the layer of each of `like`."""
    generator = np.random.default_rng(seed)
    if like is None:
        return [units[i] for i in generator.choice(len(units), count, replace=False)]
    width = sum(unit.layer == 0 for unit in units)
    layers = Counter(unit.layer for unit in like)
    return [
        whence.Unit("neuron", layer, int(index))
        for layer, number in layers.items()
        for index in generator.choice(width, number, replace=False)
    ]


def interval(values: np.ndarray, seed: int) -> tuple[float, float, float]:
    """The mean, and the ends of its 95 % bootstrap interval."""
    generator = np.random.default_rng(seed)
    means = values[generator.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    return float(values.mean()), *np.percentile(means, [2.5, 97.5]).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--facts", type=int, default=100)
    parser.add_argument("--neurons", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--data", type=Path, default=KNOWN)
    options = parser.parse_args()
    lm = whence.load(options.model)
    known = facts(lm, options.data, options.facts, options.neurons)
    units = list(whence.latents(lm, known[0].prompt).units)
    changes: dict[str, list[float]] = {}
    stays: dict[str, list[bool]] = {}
    for i, fact in enumerate(known):
        chosen = {
            OWN: fact.own,
            OWN_LATER: fact.own_later,
            OTHER: known[(i + 1) % len(known)].own,
            RANDOM_LAYERS: drawn(units, fact.own, options.neurons, [options.seed, i, 1]),
            RANDOM: drawn(units, None, options.neurons, [options.seed, i, 0]),
        }
        for name, neurons in chosen.items():
            with whence.intervene(lm, dict.fromkeys(neurons, 0)):
                log_prob, first = measure(lm, fact.prompt, fact.answer)
            changes.setdefault(name, []).append(log_prob - fact.log_prob)
            stays.setdefault(name, []).append(first)
    report(known, changes, stays, options)


def report(known: list[Fact], changes: dict, stays: dict, options: argparse.Namespace) -> None:
    print(f"{options.model}, {len(known)} facts, {options.neurons} of its neurons set to 0, seed {options.seed}\n")
    print("| neurons switched off | change of the answer's log-probability | less that of random ones | stays first |")
    print("|---|---:|---:|---:|")
    for name, values in changes.items():
        mean, low, high = interval(np.array(values), options.seed)
        less = "" if name == RANDOM else span(*interval(np.array(values) - np.array(changes[RANDOM]), options.seed))
        print(f"| {name} | {span(mean, low, high)} | {less} | {np.mean(stays[name]):.0%} |")
    counts = Counter(unit.name for fact in known for unit in fact.own)
    print(f"\n{len(counts)} different neurons are among the {options.neurons} of some fact; most often: ", end="")
    print(", ".join(f"{name} ({count} facts)" for name, count in counts.most_common(5)) + ".")


def span(mean: float, low: float, high: float) -> str:
    return f"{mean:+.2f} ({low:+.2f} to {high:+.2f})".replace("-", "−")


if __name__ == "__main__":
    main()
