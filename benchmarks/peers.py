"""Speed in one run with the peers: Captum, Inseq and SHAP, in an environment of their own.

    make peers, or: python benchmarks/peers.py [--repeats 3] [--only leave_one_out,lime] [--skip-slow] [--markdown FILE]

Every library runs in a process of its own, all with the same weights, ids, float32 and number of threads, and they
take turns: `peers_driver.py` with `peers_whence.py`, `peers_captum.py` and so on. Each row is the fastest of its runs;
the ratio is to the first row of its table. Scores are checked against `peers_direct.py`, the formulas with torch alone.
Methods that whence does not have are left out. `peers_plan.py` says what is run.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from measuring import TEXT, mebibytes
from peers_plan import CLASSIFIER, ESTIMATES, LANGUAGE, Entry
from peers_report import Row, agreement_of, error_table, page, table
from transformers import AutoTokenizer

from whence.subjects.embedded import SMOLLM2

HERE = Path(__file__).parent
ROOT = HERE.parent
ASSETS = Path(os.environ.get("WHENCE_ASSETS", ROOT.parent / "shared" / "assets"))


class PeerError(Exception):
    """What went wrong in a library."""


class Library:
    """A library's process: asked for one run at a time, idle in between."""

    def __init__(self, name: str, python: str, settings: dict[str, Any]) -> None:
        environment = os.environ | {"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(settings["threads"])}
        if name == "whence":
            environment["PYTHONPATH"] = str(ROOT / "src")
        self._process = subprocess.Popen(
            [python, str(HERE / "peers_driver.py"), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started = self._exchange(settings)
        self.versions: dict[str, str] = started["versions"]
        self.tasks: list[str] = started["tasks"]

    def warm_up(self, entry: Entry) -> None:
        self._ask(entry, warm_up=True)

    def run(self, entry: Entry) -> dict[str, Any]:
        return self._ask(entry, warm_up=False)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()

    def _ask(self, entry: Entry, warm_up: bool) -> dict[str, Any]:
        found = self._exchange({"task": entry.task, "options": entry.options, "warm_up": warm_up})
        if "error" in found:
            raise PeerError(found["error"])
        return found

    def _exchange(self, line: dict[str, Any]) -> dict[str, Any]:
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        if not said:
            raise SystemExit(f"{self._process.args} ended with {self._process.wait()}; see above")
        return json.loads(said)


@dataclass
class Bench:
    """The processes, started when first needed, and how to run them."""

    settings: dict[str, Any]
    peers_python: str
    repeats: int
    skip_slow: bool
    started: dict[str, Library] = field(default_factory=dict)

    def library(self, name: str) -> Library:
        if name not in self.started:
            python = sys.executable if name == "whence" else self.peers_python
            self.started[name] = Library(name, python, self.settings)
        return self.started[name]

    def runs(self, entries: list[Entry]) -> list[Row]:
        """Every entry's runs, taking turns; the order is turned round by one each time."""
        rows = [Row(e) for e in entries if e.task in self.library(e.library).tasks and not (e.slow and self.skip_slow)]
        for row in rows:
            self._try(row, self.library(row.entry.library).warm_up)
        for turn in range(self.repeats):
            shift = turn % len(rows)
            for row in rows[shift:] + rows[:shift]:
                if not (row.entry.slow and turn):
                    self._try(row, self.library(row.entry.library).run)
        return rows

    def _try(self, row: Row, what) -> None:
        if row.error is None:
            try:
                found = what(row.entry)
            except PeerError as error:
                row.error = str(error)
                return
            if found:
                row.runs.append(found)
                seconds, peak = found["seconds"], mebibytes(found["peak"])
                print(f"{row.entry.name}: {seconds:.2f} s, {found['forwards']} forwards, {peak} MiB", file=sys.stderr)


def language_section(bench: Bench, only: set[str]) -> list[str]:
    """Every token of the continuation explained, by each method."""
    lines: list[str] = []
    for title, entries in LANGUAGE.items():
        if title in only:
            rows = bench.runs(entries)
            right = np.array(bench.library("direct").run(Entry("direct", title))["scores"])
            for row in rows:
                row.differs = agreement_of(row, right)
            lines += [f"### {title}", "", *table(rows, differs=True), ""]
    return lines


def classifier_section(bench: Bench, only: set[str]) -> list[str]:
    """The likeliest class of many texts, by their words."""
    lines: list[str] = []
    for title, entries in CLASSIFIER.items():
        if title in only:
            lines += [f"### {title}", "", *table(bench.runs(entries), differs=False), ""]
    return lines


def error_section(bench: Bench, seeds: int) -> list[str]:
    """Estimates beside exact Shapley values."""
    exact = bench.library("direct").run(Entry("direct", "exact_shapley", options={"texts": "short_texts"}))["scores"]
    found: list[tuple[Entry, list[list[Any]]]] = []
    for entry in ESTIMATES:
        if entry.task in bench.library(entry.library).tasks:
            asked = [entry.but(texts="short_texts", seed=seed) for seed in range(seeds)]
            found.append((entry, [bench.library(entry.library).run(one)["scores"] for one in asked]))
    return error_table(exact, found)


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """What every library is given."""
    folder = SMOLLM2.local_folder()
    if folder is None:
        raise SystemExit(f"SmolLM2 is not here. Run: {SMOLLM2.command}")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer.encode(TEXT)
    lines = (options.assets / "data" / "sst2_dev.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    short = [text for text in texts if len(text.split()) == options.words]
    return {
        "smollm2": str(folder),
        "minilm": str(options.assets / "minilm-sst2"),
        "prompt": ids[: options.prompt],
        "continuation": ids[options.prompt : options.prompt + options.continuation],
        "replacement": tokenizer.unk_token_id,
        "steps": options.steps,
        "samples": options.samples,
        "threads": options.threads,
        "texts": texts[: options.texts],
        "short_texts": short[: options.short_texts],
        "words": options.words,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=str(ROOT / ".peers" / "bin" / "python"), help="of the peers' environment")
    parser.add_argument("--assets", type=Path, default=ASSETS, help="folder with minilm-sst2 and data/sst2_dev.jsonl")
    parser.add_argument("--prompt", type=int, default=48)
    parser.add_argument("--continuation", type=int, default=16)
    parser.add_argument("--steps", type=int, default=20, help="of integrated gradients")
    parser.add_argument("--samples", type=int, default=512, help="of kernel_shap and lime, a text")
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--words", type=int, default=12, help="of the texts whose exact Shapley values are computed")
    parser.add_argument("--short-texts", type=int, default=8, help="how many of those")
    parser.add_argument("--seeds", type=int, default=3, help="of the estimates beside exact Shapley values")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default=",".join([*LANGUAGE, *CLASSIFIER, "error"]))
    parser.add_argument("--skip-slow", action="store_true", help="leave out what is run once, to be shown only")
    parser.add_argument("--markdown", type=Path, help="write the page there")
    options = parser.parse_args()

    bench = Bench(settings_of(options), options.python, options.repeats, options.skip_slow)
    only = set(options.only.split(","))
    try:
        sections = [language_section(bench, only), classifier_section(bench, only)]
        sections.append(error_section(bench, options.seeds) if "error" in only else [])
    finally:
        for library in bench.started.values():
            library.close()
    text = page(bench.settings, {name: one.versions for name, one in bench.started.items()}, options, *sections)
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
