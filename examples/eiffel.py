"""One prediction from every side, on one page: python examples/eiffel.py report.html

Why does SmolLM2 go on with " Paris"? A heat map, five methods compared, curves against random orders, checks, attention
at three levels, relevance through the layers, and the neurons behind it with the sentences that drive them.
"""

import sys
import webbrowser
from pathlib import Path

import whence

PROMPT = "The Eiffel Tower is located in the city of"
METHODS = ["attnlrp", "integrated_gradients", "leave_one_out", "gae", "attention_rollout"]
METRICS = ["morf_lerf", "deletion", "insertion"]
CHECKS = ["perturbation_vs_random", "completeness", "attention_permutation"]
TEXTS = [
    "Paris is the capital of France.",
    "The Louvre is a museum on the right bank of the Seine.",
    "She took the train from London to Edinburgh.",
    "The Brandenburg Gate stands in the middle of Berlin.",
    "The Colosseum is located in the city of Rome.",
    "He bought two apples and a loaf of bread.",
    "The tower leans to one side and draws many tourists.",
    "Tokyo is the most populous city of Japan.",
    "The function returns the sum of two numbers.",
    "In spring the river rises and floods the meadows.",
    "The statue was a gift from the people of France.",
    "Our flight to Madrid was late by three hours.",
]


def main(path: Path) -> None:
    """Explain, measure, look inside, and write the page."""
    model = whence.load("smollm2")
    explained = whence.explain(model, PROMPT)
    written = whence.explain(model, PROMPT, max_new_tokens=8)
    compared = whence.compare(model, PROMPT, methods=METHODS)
    logprob = whence.explain(model, PROMPT, target=whence.LogProb(" Paris"))
    scores = whence.evaluate(model, logprob, metrics=METRICS)
    verdict = whence.validate(model, PROMPT, checks=CHECKS)
    attention = whence.attentions(model, PROMPT, vectors=True)
    flow = whence.flow(model, PROMPT)
    neurons = whence.profiles(model, whence.latents(model, PROMPT, kind="neuron"), k=5, texts=TEXTS)
    page = whence.report(
        explained, written, compared, scores, verdict, attention, flow, neurons, title="The Eiffel Tower is in … Paris"
    )
    page.save(path)
    explained.show()
    print(f"wrote {path}: open it in a browser")  # noqa: T201
    if sys.stdout.isatty():
        webbrowser.open(path.absolute().as_uri())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
