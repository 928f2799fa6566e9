"""What `peers.py` checks scores against: the formulas by torch and transformers only, a masked input or row a time."""

from math import factorial
from typing import Any

import numpy as np
import torch
from peers_driver import Task
from peers_texts import class_logits, classifier, language_model, masked


def log_probabilities(model, settings: dict[str, Any], **given: torch.Tensor) -> torch.Tensor:
    """Of every token of the continuation, `(inputs, tokens of it)`."""
    first, target = len(settings["prompt"]), torch.tensor(settings["continuation"])
    logits = model(**given, use_cache=False).logits[:, first - 1 :]
    return logits.log_softmax(-1)[:, torch.arange(len(target)), target]


def leave_one_out(settings: dict[str, Any]) -> Task:
    model, _ = language_model(settings["smollm2"])
    ids = torch.tensor([settings["prompt"] + settings["continuation"][:-1]])

    @torch.no_grad()
    def run() -> torch.Tensor:
        value = log_probabilities(model, settings, input_ids=ids)
        scores = []
        for i in range(len(settings["prompt"])):
            without = ids.clone()
            without[0, i] = settings["replacement"]
            scores.append(value - log_probabilities(model, settings, input_ids=without))
        return torch.cat(scores).T

    return Task(model, run)


def input_x_gradient(settings: dict[str, Any]) -> Task:
    return by_gradient(settings, [1.0], [1.0], None)


def integrated_gradients(settings: dict[str, Any]) -> Task:
    nodes, weights = np.polynomial.legendre.leggauss(settings["steps"])
    return by_gradient(settings, (nodes + 1) / 2, weights / 2, settings["replacement"])


def by_gradient(settings: dict[str, Any], nodes, weights, replacement: int | None) -> Task:
    """(x − x') · Σ_k weight_k · gradient at x' + node_k (x − x'), with x' the replacement's embedding, or 0."""
    model, _ = language_model(settings["smollm2"])
    ids = torch.tensor([settings["prompt"] + settings["continuation"][:-1]])

    def run() -> torch.Tensor:
        embed = model.get_input_embeddings()
        x = embed(ids).detach()
        base = torch.zeros_like(x) if replacement is None else embed(torch.full_like(ids, replacement)).detach()
        total = torch.zeros(len(settings["continuation"]), *x.shape[1:])
        for node, weight in zip(nodes, weights, strict=True):
            point = (base + float(node) * (x - base)).requires_grad_()
            for row, value in enumerate(log_probabilities(model, settings, inputs_embeds=point)[0]):
                total[row] += float(weight) * torch.autograd.grad(value, point, retain_graph=True)[0][0]
        return (total * (x - base)).sum(-1)[:, : len(settings["prompt"])]

    return Task(model, run)


def exact_shapley(settings: dict[str, Any], texts: str) -> Task:
    """Of every word, by all 2^words subsets; the weight of a subset of s others is s! (words − s − 1)! / words!."""
    model, _ = classifier(settings["minilm"])

    @torch.no_grad()
    def one(text: str) -> torch.Tensor:
        plain, hidden, of_word, target = masked(text, settings["minilm"])
        words = int(of_word.max()) + 1
        subsets = (torch.arange(2**words)[:, None] >> torch.arange(words)) & 1
        value = torch.cat(
            [
                class_logits(model, torch.where(some[:, of_word[0]].bool(), plain, hidden))[:, target]
                for some in subsets.split(64)
            ]
        ).double()
        size = subsets.sum(1)
        weight = torch.tensor([factorial(s) * factorial(words - s - 1) / factorial(words) for s in range(words)])
        scores = []
        for word in range(words):
            without = (subsets[:, word] == 0).nonzero()[:, 0]
            gain = value[without + 2**word] - value[without]
            scores.append((weight.double()[size[without]] * gain).sum())
        return torch.stack(scores)

    return Task(model, lambda: [one(text) for text in settings[texts]])


TASKS = {
    "leave_one_out": leave_one_out,
    "integrated_gradients": integrated_gradients,
    "input_x_gradient": input_x_gradient,
    "exact_shapley": exact_shapley,
}
