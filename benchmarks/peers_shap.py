"""SHAP's side of `peers.py`: its kernel explainer over words that are there or masked."""

from typing import Any

import numpy as np
import shap
import torch
from peers_driver import Task
from peers_texts import class_logits, classifier, masked


def kernel_shap(settings: dict[str, Any], texts: str = "texts", seed: int = 0, batch: int = 64) -> Task:
    """All words' values (no selection by l1), masked texts run in batches."""
    model, _ = classifier(settings["minilm"])

    @torch.no_grad()
    def one(text: str) -> np.ndarray:
        plain, hidden, of_word, target = masked(text, settings["minilm"])

        def values(kept: np.ndarray) -> np.ndarray:
            chosen = torch.from_numpy(kept)[:, of_word[0]] > 0
            some = (class_logits(model, torch.where(rows, plain, hidden))[:, target] for rows in chosen.split(batch))
            return torch.cat(list(some)).numpy()

        words = int(of_word.max()) + 1
        explainer = shap.KernelExplainer(values, np.zeros((1, words)))
        return explainer.shap_values(np.ones(words), nsamples=settings["samples"], l1_reg=False, silent=True)

    def run(some: list[str]) -> list[np.ndarray]:
        np.random.seed(seed)
        return [one(text) for text in some]

    for text in settings[texts]:  # made beforehand, as in every other library's task
        masked(text, settings["minilm"])
    return Task(model, lambda: run(settings[texts]), lambda: run(settings[texts][:1]))


TASKS = {"kernel_shap": kernel_shap}
