"""The page that `peers.py` writes."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from measuring import mebibytes
from peers_plan import Entry


@dataclass
class Row:
    """An entry's runs, or the error it ended with, and how far its scores are from the direct computation's."""

    entry: Entry
    runs: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    differs: float | None = None

    @property
    def seconds(self) -> float:
        return min(run["seconds"] for run in self.runs)

    @property
    def peak(self) -> int | None:
        peaks = [run["peak"] for run in self.runs if run["peak"] is not None]
        return max(peaks) if peaks else None


def agreement_of(row: Row, right: np.ndarray) -> float | None:
    """The largest difference of any score, as a share of the largest score."""
    if not row.runs:
        return None
    scores, wanted = np.array(row.runs[0]["scores"]), np.abs(right) if row.entry.unsigned else right
    rows = slice(0, 1) if row.entry.first_row else slice(None)
    return float(np.abs(scores - wanted)[rows].max() / np.abs(wanted[rows]).max())


def table(rows: Sequence[Row], differs: bool) -> list[str]:
    """Rows of one method; ratios are to the first."""
    heads = ["library", "settings", "seconds", "×", "forwards", "tokens", "peak, MiB"] + ["differs by"] * differs
    lines = ["| " + " | ".join(heads) + " |", "|---|---|" + "---:|" * (len(heads) - 2)]
    first = next((row for row in rows if row.runs and row.entry.library == "whence"), None)
    for row in rows:
        name = f"whence `{row.entry.task}`" if row.entry.library == "whence" else row.entry.library
        if not row.runs:
            lines.append(f"| {name} | {row.entry.setting} | failed: {row.error} |" + " |" * (len(heads) - 3))
            continue
        ratio = "" if first is None else f"{row.seconds / first.seconds:.2f}"
        run = row.runs[0]
        cells = [
            name,
            row.entry.setting + " †" * row.entry.slow,
            f"{row.seconds:.2f}",
            ratio,
            f"{run['forwards']:,}",
            f"{run['tokens']:,}",
        ]
        cells.append(mebibytes(row.peak))
        if differs:
            cells.append("" if row.differs is None else f"{row.differs:.1e}" + " (first token)" * row.entry.first_row)
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def error_table(exact: list[list[float]], found: Sequence[tuple[Entry, list[list[Any]]]]) -> list[str]:
    """Mean absolute error and mean rank correlation of every estimate over texts and seeds."""
    size = float(np.mean([np.abs(one).mean() for one in exact]))
    lines = [
        "### Error",
        "",
        f"Mean size of an exact Shapley value here: {size:.3f} logits.",
        "",
        "| library | method | settings | mean absolute error, logits | rank correlation |",
        "|---|---|---|---:|---:|",
    ]
    for entry, seeds in found:
        pairs = [(np.array(exact[i]), np.array(scores[i])) for scores in seeds for i in range(len(exact))]
        error = np.mean([np.abs(estimate - right).mean() for right, estimate in pairs])
        correlation = np.mean([rank_correlation(right, estimate) for right, estimate in pairs])
        lines.append(f"| {entry.library} | {entry.task} | {entry.setting} | {error:.4f} | {correlation:.3f} |")
    return [*lines, ""]


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's, where no two values are equal."""
    ranks = [np.argsort(np.argsort(values)) for values in (a, b)]
    return float(np.corrcoef(ranks)[0, 1])


def page(
    settings: dict[str, Any],
    versions: dict[str, dict[str, str]],
    options: argparse.Namespace,
    language: list[str],
    classifier: list[str],
    error: list[str],
) -> str:
    """The whole page."""
    used = ", ".join(f"{name} {of[name]}" for name, of in sorted(versions.items()) if name in of)
    alike = ", ".join(sorted({f"{name} {of[name]}" for of in versions.values() for name in ("torch", "transformers")}))
    prompt, continuation = len(settings["prompt"]), len(settings["continuation"])
    return (
        "\n".join(
            [
                INTRODUCTION.format(used=used, alike=alike, threads=settings["threads"], repeats=options.repeats),
                f"## SmolLM2-135M: {prompt} prompt tokens, {continuation} continuation tokens, each a target",
                "",
                LANGUAGE_NOTES.format(steps=settings["steps"], of_prompt=prompt + 1, of_all=prompt + continuation),
                *language,
                f"## minilm-sst2: {len(settings['texts'])} texts, {settings['samples']} samples a text",
                "",
                CLASSIFIER_NOTES,
                *classifier,
                f"## Beside exact Shapley values: {len(settings['short_texts'])} texts of {settings['words']} words",
                "",
                ERROR_NOTES.format(samples=settings["samples"], seeds=options.seeds, subsets=2 ** settings["words"]),
                *error,
            ]
        ).rstrip()
        + "\n"
    )


INTRODUCTION = """# Speed beside the peers

Captum, Inseq and SHAP, in an environment of their own (`benchmarks/peers.txt`), timed in turn with whence. Made by

```sh
make peers
```

{used};
each on {alike}; float32, {threads} threads of a CPU; fastest of {repeats} runs (of rows marked †: one run).

Every library has a process of its own and the others wait; all are given the same weights, token ids, masked token and
attention (sdpa). Batch sizes of peers are the fastest of those tried, or the smallest of equally fast ones: 1 to 48
masked inputs a pass for Inseq, 3 to all points a pass for integrated gradients, 16 to 512 masked texts for Captum's
samplers. × is the time beside that of the table's first row. Forwards are sequences that go through the model, tokens
what is in them. Memory is the peak of resident memory above what was held before the run.
"""

LANGUAGE_NOTES = """The target is each continuation token's log-probability. *Differs by* is the largest difference of
any score from that of the formula written with torch alone, as a share of the largest score, over prompt tokens.

What the libraries do is not quite the same:

- whence gives scores of the prompt's tokens and of the continuation's earlier ones, and so does Inseq. Captum gives
  scores of the prompt's tokens only: of leave-one-out it asks for {of_prompt} inputs, whence for {of_all}. In Captum's
  integrated gradients earlier continuation tokens stay as they are all along the path, which is another question for
  all but the first token of the continuation: *differs by* is of that one.
- Captum explains one prompt a call, and by perturbation runs one masked prompt a pass. As it comes it feeds the whole
  sequence to the model again on top of the cache (transformers 5.3 and later), and its numbers are wrong, as the last
  column shows; `use_cached_outputs=False` is right, and `forward_in_tokens=False` right and fast.
- Inseq runs every continuation token as an input of its own. Its occlusion gives sizes without a sign, and is compared
  so. It has no log-probability among its own targets: the one timed is given to it as a function.
- Integrated gradients take {steps} steps of Gauss-Legendre, from the embedding of the unknown token, in all of them.
"""

CLASSIFIER_NOTES = """Words, by white space, are the features; a masked word's tokens become [MASK]; the target is the
logit of the likeliest class. Inseq has no classifiers. Captum explains one text at a time. SHAP is given a function
from words to logits, and all words' values are asked for.
"""

ERROR_NOTES = """Exact values from all {subsets:,} subsets of words; estimates from {samples} samples a text, {seeds}
seeds. LIME does not estimate Shapley values: its coefficients are set beside them all the same. Captum's LIME is as it
comes (lasso of 0.01, weights from the cosine of token ids), and with a linear regression in the lasso's place.
"""
