"""How large the pages are, and how long a browser takes until every view in them is drawn.

    python benchmarks/views.py [--repeats 5]

Records are made of random numbers, so no model is needed. A page's size is split into the data of its views and all
else: script, styles and static HTML. "Opened" is from navigation to the first frame after the last view is drawn, the
median of the repeats, each in a fresh context of Debian's chromium (in $WHENCE_CHROMIUM, or on the path).
"""

import argparse
import os
import re
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, sync_playwright

import whence
from whence.records import AttentionLayer, Attentions, Attribution, TargetValue, Token

TEXT = "the city of light lies on both banks of a river and has more museums than any other"
WORDS = TEXT.split()
DATA = re.compile(r'<script type="application/json".*?</script>', re.DOTALL)
DRAWN = "() => document.querySelectorAll('.whence-mounted').length === document.querySelectorAll('.whence-data').length"


def tokens_of(count: int) -> tuple[Token, ...]:
    """So many words in sentences of fifteen."""
    texts = [f" {WORDS[i % len(WORDS)]}{'.' if i % 15 == 14 else ''}" for i in range(count)]
    ends = np.cumsum([len(text) for text in texts]).tolist()
    return tuple(Token(text, i, end - len(text), end) for i, (text, end) in enumerate(zip(texts, ends, strict=True)))


def attribution(count: int, rows: int, chance: np.random.Generator) -> Attribution:
    """Random scores of so many tokens for so many targets."""
    tokens = tokens_of(count)
    targets = [TargetValue(f" label{row}", count, 10.0, 0.0, "logit") for row in range(rows)]
    scores = chance.normal(size=(rows, count)) ** 3
    provenance = {"model": "random", "text": "".join(token.text for token in tokens)}
    return Attribution.build(tokens, targets, scores, complete=True, method="random", params={}, provenance=provenance)


def attentions(layers: int, heads: int, count: int, causal: bool, chance: np.random.Generator) -> Attentions:
    """Random weights, as peaked as those of models are."""
    found = []
    for number in range(layers):
        scores = 3 * chance.normal(size=(heads, count, count))
        if causal:
            scores = np.where(np.tri(count, dtype=bool), scores, -np.inf)
        weights = np.exp(scores - scores.max(axis=2, keepdims=True))
        weights = (weights / weights.sum(axis=2, keepdims=True)).astype(np.float32)
        found.append(AttentionLayer(number, "self", (0, count), (0, count), weights))
    return Attentions(tokens_of(count), tuple(found), {"model": "random"})


def seconds_to_open(browser: Browser, page: Path) -> float:
    """From navigation to the frame after the last view is drawn."""
    context = browser.new_context(viewport={"width": 1000, "height": 900})
    shown = context.new_page()
    start = time.perf_counter()
    shown.goto(page.as_uri())
    shown.wait_for_function(DRAWN)
    shown.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    taken = time.perf_counter() - start
    context.close()
    return taken


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    chance = np.random.default_rng(0)
    pages = {
        "12 tokens, 1 row": [attribution(12, 1, chance)],
        "128 tokens, 32 rows": [attribution(128, 32, chance)],
        "2,000 tokens, 1 row": [attribution(2000, 1, chance)],
        "2,000 tokens, 64 rows": [attribution(2000, 64, chance)],
        "attention, 12 × 12 × 128, causal": [attentions(12, 12, 128, True, chance)],
        "attention, 12 × 12 × 128, both ways": [attentions(12, 12, 128, False, chance)],
        "attention, 32 × 32 × 64, causal": [attentions(32, 32, 64, True, chance)],
    }
    print("| page | made in s | kB in all | kB without data | opened in s |")
    print("|---|---|---|---|---|")
    program = os.environ.get("WHENCE_CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name, records in pages.items():
            start = time.perf_counter()
            file = whence.report(*records).save(Path(folder) / "page.html")
            made = time.perf_counter() - start
            text = file.read_text(encoding="utf-8")
            whole, bare = len(text.encode()), len(DATA.sub("", text).encode())
            opened = statistics.median(seconds_to_open(browser, file) for _ in range(options.repeats))
            print(f"| {name} | {made:.2f} | {whole / 1000:,.0f} | {bare / 1000:,.0f} | {opened:.2f} |")
        browser.close()


if __name__ == "__main__":
    main()
